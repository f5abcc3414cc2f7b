"""What asks a person something: questions of the agent, forms of MCP servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .. import types
from .._outgoing.wire_form import as_it_came, is_model
from ..errors import InvalidInputError, InvalidInputTypeError
from ._base import ServerRequest, text


class UserInputRequest(ServerRequest):
    """Questions of the agent, which go on with the turn when they are answered."""

    kind: ClassVar[str] = "user_input"
    params: types.ToolRequestUserInputParams

    @property
    def questions(self) -> tuple[types.ToolRequestUserInputQuestion, ...]:
        """The questions, each with an `id`, a `header`, the text and perhaps `options` to choose from."""
        return tuple(self.params.questions)

    @property
    def is_blocking(self) -> bool:
        """Whether the agent cannot go on without."""
        return self.params.is_blocking

    def answer(self, answers: Mapping[str, str | Sequence[str]]) -> None:
        """Answer them, by their ids. A question that is left out has no answer.

        Args:
            answers: For each question a text, or several: labels of its options, or own words.

        Raises:
            InvalidInputError: No question has this id.
            InvalidInputTypeError: An answer is no text, nor a sequence of texts.
        """
        from ..generated.v2_all import ToolRequestUserInputResponse

        if not isinstance(answers, Mapping):
            raise InvalidInputTypeError(f"answers must be a mapping, not {type(answers).__name__}.")
        asked = [question.id for question in self.questions]
        made: dict[str, Any] = {}
        for name, given in answers.items():
            if name not in asked:
                raise InvalidInputError(f"No question has the id {name!r}; these have one: {asked}.")
            texts = [given] if isinstance(given, str) else given
            if not isinstance(texts, Sequence) or not all(isinstance(each, str) for each in texts):
                raise InvalidInputTypeError(f"The answer to {name!r} must be a text or a list of texts.")
            made[name] = {"answers": list(texts)}
        self._respond(ToolRequestUserInputResponse, {"answers": made}, "answer")


class Elicitation(ServerRequest):
    """An MCP server, or the runtime before it calls a tool of one, asks for a form, a visit or a yes."""

    kind: ClassVar[str] = "elicitation"
    params: types.McpServerElicitationRequestParams

    @property
    def _form(self) -> Any:
        return self.params.root

    @property
    def item_id(self) -> str | None:
        """None: the protocol names no item here."""
        return None

    @property
    def server_name(self) -> str:
        """The MCP server."""
        return str(self._form.server_name)

    @property
    def mode(self) -> str:
        """What kind of form: "form", "url", or what a newer runtime calls it."""
        return str(text(getattr(self._form, "mode", "")))

    @property
    def message(self) -> str:
        """What it says to the user."""
        return str(getattr(self._form, "message", None) or getattr(self._form, "description", ""))

    @property
    def requested_schema(self) -> Any:
        """The JSON schema of the form, as JSON has it; None where there is none."""
        schema: Any = getattr(self._form, "requested_schema", None)
        return as_it_came(schema) if is_model(schema) else schema

    @property
    def url(self) -> str | None:
        """The page to visit, with mode "url"."""
        return getattr(self._form, "url", None)

    @property
    def meta(self) -> Any:
        """What the runtime says besides (`_meta`): of the approval of a tool, which tool and arguments."""
        return getattr(self._form, "field_meta", None)

    @property
    def is_tool_approval(self) -> bool:
        """Whether the runtime asks by this form whether it may call a tool of the server."""
        meta = self.meta
        return isinstance(meta, Mapping) and meta.get("codex_approval_kind") == "mcp_tool_call"

    @property
    def persist_options(self) -> tuple[str, ...]:
        """How long an acceptance can be remembered: "session", "always"; empty where it cannot be."""
        offered = self.meta.get("persist") if isinstance(self.meta, Mapping) else None
        offered = [offered] if isinstance(offered, str) else offered
        return tuple(str(each) for each in offered) if isinstance(offered, list) else ()

    def submit(self, content: Mapping[str, Any] | None = None, *, persist: str | None = None) -> None:
        """Accept, with what the form asks for; without content where it asks for nothing.

        The runtime gives the content to the server as it is. Only what is missing is noticed here.

        Args:
            content: The form's values, by the names of `requested_schema`.
            persist: For how long the runtime need not ask again: one of `persist_options`.

        Raises:
            InvalidInputError: A value is missing that the schema requires, or it is not JSON, or `persist` is
                not offered.
            InvalidInputTypeError: `content` is no mapping.
        """
        if persist is not None and persist not in self.persist_options:
            offered = " or ".join(map(repr, self.persist_options)) or "left out: this cannot be remembered"
            raise InvalidInputError(f"persist must be {offered}, not {persist!r}.")
        if content is not None and not isinstance(content, Mapping):
            raise InvalidInputTypeError(f"content must be a mapping, not {type(content).__name__}.")
        schema = self.requested_schema
        required = schema.get("required") if isinstance(schema, dict) else None
        missing = [name for name in required or () if name not in (content or {})]
        if missing:
            raise InvalidInputError(f"The form requires {', '.join(map(repr, missing))}.")
        given = {} if content is None and self.mode != "url" else content
        word = "submit" if persist is None else f"submit ({persist})"
        self._answer("accept", given, word, persist)

    def decline(self) -> None:
        """No. The server is told so."""
        self._answer("decline", None, "decline")

    def cancel(self) -> None:
        """Neither yes nor no: the form was closed."""
        self._answer("cancel", None, "cancel")

    def _answer(
        self, action: str, content: Mapping[str, Any] | None, word: str, persist: str | None = None
    ) -> None:
        from ..generated.v2_all import McpServerElicitationRequestResponse

        result: dict[str, Any] = {"action": action, "content": None if content is None else dict(content)}
        if persist is not None:
            result["_meta"] = {"persist": persist}
        self._respond(McpServerElicitationRequestResponse, result, word)
