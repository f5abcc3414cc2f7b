"""What the runtime asked: one recorded model request, with helpers that read its JSON body.

`ModelRequest` is made by the server as requests arrive and handed to responders and tests. It only reads;
which answer a request gets is decided in `script`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

# The runtime puts context of its own into the conversation as user messages; no person wrote these.
_CONTEXT_OPENINGS = (
    "<environment_context>",
    "<skill>",
    "<turn_aborted>",
    "<subagent_notification>",
    "# AGENTS.md instructions",
)
# It also wraps each image of a prompt in text.
_IMAGE_WRAPPINGS = ("<image", "</image>")


@dataclass(frozen=True)
class ModelRequest:
    """One request of the runtime to the model.

    Attributes:
        number: 1 for the first request that arrived.
        path: The request's path and query.
        headers: The HTTP headers, names in lower case.
        content: The body's bytes.

    Example:
        >>> from codex_app_server.testing import OfflineModel
        >>> def responder(request: ModelRequest) -> str:
        ...     return "done" if request.tool_outputs else request.prompt.upper()
        >>> model = OfflineModel(responder)
    """

    number: int
    path: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body, parsed anew at each access: some 50 kB are not worth keeping twice.

        Raises:
            ValueError: The body is not a JSON object.
        """
        body = json.loads(self.content)
        if not isinstance(body, dict):
            raise ValueError(f"The body of request {self.number} is not a JSON object")
        return body

    @property
    def input(self) -> list[dict[str, Any]]:
        """The conversation: every item that the request carries, oldest first."""
        return [item for item in self.body.get("input") or [] if isinstance(item, dict)]

    @cached_property
    def prompt(self) -> str:
        """The text of the last message that the user wrote (text inputs joined by line breaks); empty when
        there is none.
        """
        items = self.input
        at = _prompt_index(items)
        return "" if at is None else _prompt_text(items[at])

    @property
    def tool_outputs(self) -> tuple[str, ...]:
        """The texts of the tool outputs that came after the prompt, oldest first."""
        items = self.input
        at = _prompt_index(items)
        later = items if at is None else items[at + 1 :]
        return tuple(
            "\n".join(_texts(item.get("output")))
            for item in later
            if str(item.get("type", "")).endswith("_call_output")
        )

    @property
    def kind(self) -> str:
        """Why the runtime asks: `"turn"` for a turn, `"compaction"`, or a subagent's name, e.g. `"guardian"`
        for the automatic review of an approval.
        """
        subagent = self.headers.get("x-openai-subagent")
        return subagent if subagent else str(self._turn_metadata.get("request_kind") or "turn")

    @property
    def model(self) -> str:
        """The model that the request names."""
        return str(self.body.get("model", ""))

    @property
    def thread_id(self) -> str | None:
        """The thread that asks."""
        return self._turn_metadata.get("thread_id")

    @property
    def turn_id(self) -> str | None:
        """The turn that asks."""
        return self._turn_metadata.get("turn_id")

    @property
    def tool_names(self) -> tuple[str, ...]:
        """The names of the tools that the request offers, those inside namespaces included."""
        body = self.body
        offered = list(body.get("tools") or [])
        for item in body.get("input") or []:
            if item.get("type") == "additional_tools":
                offered.extend(item.get("tools") or [])
        return tuple(_tool_names(offered))

    @property
    def _turn_metadata(self) -> dict[str, Any]:
        try:
            metadata = json.loads(self.headers.get("x-codex-turn-metadata", "{}"))
        except ValueError:
            return {}
        return metadata if isinstance(metadata, dict) else {}


def _prompt_index(items: list[dict[str, Any]]) -> int | None:
    for at in range(len(items) - 1, -1, -1):
        if items[at].get("role") == "user" and not "".join(_texts(items[at].get("content"))).startswith(
            _CONTEXT_OPENINGS
        ):
            return at
    return None


def _prompt_text(item: dict[str, Any]) -> str:
    content = item.get("content")
    texts = _texts(content)
    if isinstance(content, list) and any(
        isinstance(part, dict) and part.get("type") == "input_image" for part in content
    ):
        texts = [text for text in texts if not text.startswith(_IMAGE_WRAPPINGS)]
    return "\n".join(texts)


def _texts(content: object) -> list[str]:
    """The texts of a content list or of a plain `str`."""
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list):
        return []
    return [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]


def _tool_names(tools: list[Any]) -> Iterator[str]:
    for tool in tools:
        if isinstance(tool, dict):
            if tool.get("type") == "namespace":
                yield from _tool_names(list(tool.get("tools") or []))
            else:
                yield str(tool.get("name") or tool.get("type"))
