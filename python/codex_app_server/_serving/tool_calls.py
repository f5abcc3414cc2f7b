"""How a tool answers a call: the arguments are checked, the function is called, its value is the result.

Owns what the model reads of a call that fails: what the arguments lack, what a `ToolError` says, and of
anything else no more than that it failed. What a function raises is logged and kept, as of a handler.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

from .._arguments import gives_coroutine
from .._incoming.failures import transport_closed
from ..errors import InvalidInputTypeError
from ..requests import ServerRequest, ToolCall
from ..tools import Tool, ToolContext, ToolError
from ..tools._content import content_items
from ..tools._signature import WrongArgumentsError
from .handlers import Role

# Gives the client that a tool may use; None once it is gone.
ClientOf = Callable[[], Any]


class ToolRole(Role):
    """What is expected of a tool."""

    def __init__(self, tool: Tool[..., Any]) -> None:
        self._tool = tool

    def name_of(self, function: Any) -> str:
        """The tool's name, for the records."""
        return f"tool {self._tool.name}"

    def what(self, name: str, request: ServerRequest) -> str:
        """The tool, in words."""
        return f"The {name}"

    def deadline_s(self, request: ServerRequest) -> float | None:
        """Seconds that a call of it may take."""
        return self._tool.timeout_s

    def refuse(self, request: ServerRequest, reason: str) -> None:
        """Tell the model that the call has failed, and no more: an exception may tell what is not for it."""
        cast("ToolCall", request).fail(f"The tool {self._tool.name} {reason}.")


def answering(tool: Tool[..., Any], client_of: ClientOf, *, awaits: bool) -> Callable[[ToolCall], Any]:
    """What answers the calls of a tool: a coroutine function if the tool is one.

    Args:
        tool: The tool.
        client_of: Gives its context a client.
        awaits: Whether what it gives back may be awaited.
    """
    call = _Answering(tool, client_of, awaits)
    return call.by_coroutine if gives_coroutine(tool.function) else call.by_function


class _Answering:
    def __init__(self, tool: Tool[..., Any], client_of: ClientOf, awaits: bool) -> None:
        self._tool = tool
        self._client_of = client_of
        self._awaits = awaits

    def by_function(self, request: ToolCall) -> Any:
        bound = self._bound(request)
        if bound is None:
            return None
        try:
            value = self._tool.function(*bound.args, **bound.kwargs)
        except ToolError as error:
            return self._fail(request, error)
        if inspect.isawaitable(value):
            if self._awaits:
                return self._awaited(request, value)
            if inspect.iscoroutine(value):
                value.close()
            raise InvalidInputTypeError(
                f"The tool {self._tool.name} gave back something to be awaited: that goes with AsyncCodex."
            )
        return request.succeed(content_items(value))

    async def by_coroutine(self, request: ToolCall) -> None:
        bound = self._bound(request)
        if bound is not None:
            await self._awaited(request, self._tool.function(*bound.args, **bound.kwargs))

    async def _awaited(self, request: ToolCall, value: Any) -> None:
        try:
            given = await value
        except ToolError as error:
            self._fail(request, error)
        else:
            request.succeed(content_items(given))

    def _fail(self, request: ToolCall, error: ToolError) -> None:
        request.fail(str(error) or f"The tool {self._tool.name} failed.")

    def _bound(self, request: ToolCall) -> inspect.BoundArguments | None:
        """The call's arguments; None if they do not fit, which the model is told."""
        signature = self._tool.signature
        context = None
        if signature.takes_context:
            client = self._client_of()
            if client is None:
                raise transport_closed("closed_by_client", None, None, "", "")
            context = ToolContext._of(client, request)
        try:
            return signature.bind(request.arguments, context)
        except WrongArgumentsError as error:
            request.fail(str(error))
            return None
