"""Calls of tools that the program has registered on a thread (`dynamicTools`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from .. import types
from .._outgoing.wire_form import model
from .._package.late import pydantic
from ..errors import InvalidInputTypeError
from ._base import ServerRequest


class ToolCall(ServerRequest):
    """The model has called a tool of the program's."""

    kind: ClassVar[str] = "tool_call"
    params: types.DynamicToolCallParams

    @property
    def item_id(self) -> str:
        """The call's id, by which its item goes too."""
        return self.params.call_id

    @property
    def call_id(self) -> str:
        """The call's id."""
        return self.params.call_id

    @property
    def tool(self) -> str:
        """The tool's name."""
        return self.params.tool

    @property
    def namespace(self) -> str | None:
        """Its namespace, if it has one."""
        return self.params.namespace

    @property
    def arguments(self) -> Any:
        """The arguments as the model wrote them: not checked by anybody."""
        return self.params.arguments

    def succeed(self, content: str | Iterable[str | pydantic.BaseModel | Mapping[str, Any]]) -> None:
        """Give the result.

        Args:
            content: A text, or items of the protocol: texts, or dicts and models of type "inputText",
                "inputImage" and "inputAudio".

        Raises:
            InvalidInputError: An item is none.
            InvalidInputTypeError: It is neither a text nor items.
        """
        self._answer(content, success=True)

    def fail(self, content: str | Iterable[str | pydantic.BaseModel | Mapping[str, Any]]) -> None:
        """The call has failed: the model is told why, and goes on."""
        self._answer(content, success=False)

    def _answer(self, content: Any, *, success: bool) -> None:
        from ..generated.v2_all import DynamicToolCallResponse

        if not isinstance(content, Iterable) or isinstance(content, (bytes, Mapping)):
            raise InvalidInputTypeError(f"content must be a text or items, not {type(content).__name__}.")
        items = [_item(each) for each in ([content] if isinstance(content, str) else content)]
        word = "succeed" if success else "fail"
        self._respond(DynamicToolCallResponse, {"contentItems": items, "success": success}, word)


def _item(given: Any) -> Any:
    if isinstance(given, str):
        return {"type": "inputText", "text": given}
    if isinstance(given, Mapping):
        return dict(given)
    return model("An item of content", given, "a text, a dict or a model")
