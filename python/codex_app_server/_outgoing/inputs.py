"""What a turn can be given: text, images, skills, mentions, messages of tools.

Owns the public input classes, their check and their form on the wire. Used by `_outgoing.params`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import _arguments as arguments
from .. import types
from .._arguments import is_sequence
from ..errors import InvalidInputError, InvalidInputTypeError
from ..models import JsonObject
from .wire_form import model


@dataclass(slots=True)
class TextInput:
    """Text. A plain `str` is short for one of these."""

    text: str


@dataclass(slots=True)
class ImageInput:
    """An image as a URL, usually a `data:` URL."""

    url: str


@dataclass(slots=True)
class LocalImageInput:
    """An image as the path of a file that the runtime can read."""

    path: str


@dataclass(slots=True)
class SkillInput:
    """A skill, by its name and the path of its SKILL.md."""

    name: str
    path: str


@dataclass(slots=True)
class MentionInput:
    """A mention of an app, plugin or file, by name and path (`app://…`, `plugin://…`)."""

    name: str
    path: str


@dataclass(slots=True)
class ExternalMessage:
    """Content from a tool, another agent or another program, with less authority than the user's own words.

    Args:
        tool_name: The name under which the model sees it.
        content: Text, or content items as the Responses API has them (`{"type": "input_text", "text": …}`).
        namespace: The tool's namespace, if it has one.
    """

    tool_name: str
    content: str | Sequence[JsonObject | types.FunctionCallOutputContentItem]
    namespace: str | None = None


InputItem = TextInput | ImageInput | LocalImageInput | SkillInput | MentionInput
Input = Sequence[InputItem] | InputItem
RunInput = Input | str | ExternalMessage

_WIRE_TYPES: dict[type, tuple[str, tuple[str, ...]]] = {
    TextInput: ("text", ("text",)),
    ImageInput: ("image", ("url",)),
    LocalImageInput: ("localImage", ("path",)),
    SkillInput: ("skill", ("name", "path")),
    MentionInput: ("mention", ("name", "path")),
}
_ACCEPTED = (
    "a str, TextInput, ImageInput, LocalImageInput, SkillInput, MentionInput or a list of these inputs"
)


def turn_input(value: Any) -> dict[str, Any]:
    """The fields of turn/start that carry `value`.

    Raises:
        InvalidInputError: It is empty.
        InvalidInputTypeError: It is none of the input classes.
    """
    if isinstance(value, ExternalMessage):
        return {"input": [], "toolOutput": _tool_output(value)}
    return {"input": input_items(value)}


def input_items(value: Any) -> list[dict[str, Any]]:
    """The wire form of `Input | str`, as turn/start and turn/steer take it."""
    if isinstance(value, str):
        value = TextInput(value)
    items = [_item(part) for part in (value if is_sequence(value) else [value])]
    if all(item["type"] == "text" and not item["text"] for item in items):
        raise InvalidInputError("The prompt is empty. Give some text, or an input such as ImageInput.")
    return items


def _item(part: Any) -> dict[str, Any]:
    known = _WIRE_TYPES.get(type(part))
    if known is None:
        hint = " Inside a list, write text as TextInput(…)." if isinstance(part, str) else ""
        raise InvalidInputTypeError(f"The input must be {_ACCEPTED}, not {type(part).__name__}.{hint}")
    kind, fields = known
    item: dict[str, Any] = {"type": kind}
    for name in fields:
        called = f"{type(part).__name__}.{name}"
        text = arguments.text(called, getattr(part, name))
        if not text and kind != "text":
            raise InvalidInputError(f"{called} is empty.")
        item[name] = arguments.path(called, text) if name == "path" else text
    return item


def _tool_output(message: ExternalMessage) -> dict[str, Any]:
    name = arguments.identifier("ExternalMessage.tool_name", message.tool_name)
    output: dict[str, Any] = {"name": name, "output": _content(message.content)}
    if message.namespace is not None:
        output["namespace"] = arguments.text("ExternalMessage.namespace", message.namespace, "a str or None")
    return output


def _content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    return arguments.sequence(
        "ExternalMessage.content",
        content,
        lambda _, part: _content_item(part),
        "a str or a list of content items",
    )


def _content_item(part: Any) -> dict[str, Any]:
    if isinstance(part, Mapping):
        return arguments.mapping("A content item", part)
    item: dict[str, Any] = model("A content item", part, "a dict or a model")
    return item
