"""What a newer runtime asks: a method that this version does not know, or params of another shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..errors import InvalidInputError, InvalidInputTypeError
from ._base import ServerRequest


class UnknownRequest(ServerRequest):
    """A request that this version has no class for. `params` are the raw JSON."""

    kind: ClassVar[str] = "unknown"
    params: Any

    @property
    def item_id(self) -> str | None:
        """The item that it names, if it does."""
        found = self.params.get("itemId") if isinstance(self.params, dict) else None
        return found if isinstance(found, str) else None

    def respond(self, result: Mapping[str, Any]) -> None:
        """Answer it with an object, which nobody checks.

        Raises:
            InvalidInputTypeError: It is no mapping.
            InvalidInputError: It is not JSON.
        """
        if not isinstance(result, Mapping):
            raise InvalidInputTypeError(f"result must be a mapping, not {type(result).__name__}.")
        self._write(dict(result), "respond")

    def fail(self, code: int, message: str) -> None:
        """Answer it with a JSON-RPC error.

        Raises:
            InvalidInputError: `code` has more than 64 bits, or `message` is no text that can be sent.
            InvalidInputTypeError: `code` is no int, or `message` no str.
        """
        if isinstance(code, bool) or not isinstance(code, int) or not isinstance(message, str):
            raise InvalidInputTypeError("code must be an int, and message a str.")
        if not -(2**63) <= code < 2**63:
            raise InvalidInputError(f"code must fit into 64 bits, and {code} does not.")
        try:
            message.encode()
        except UnicodeEncodeError:
            raise InvalidInputError("message has a lone surrogate, which is no character.") from None
        self._fail(code, message)
