"""`ToolContext`: what a tool gets to know of the call that it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from ..requests import ToolCall

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    ClientT_co = TypeVar("ClientT_co", covariant=True, default=Any)
else:  # defaults of type variables are for checkers, before Python 3.13
    from typing import TypeVar

    ClientT_co = TypeVar("ClientT_co", covariant=True)


class ToolContext(Generic[ClientT_co]):
    """The call that a tool answers. A tool gets it if its first parameter is annotated with this class.

    The parameter is not shown to the model. `ToolContext[AsyncCodex]` tells checkers what `client` is.

    In a test of the tool, make one: `ToolContext(client=None, thread_id="t")`. It is never cancelled.

    Attributes:
        client: The client. A tool may use it, also for turns of its own; not on its own thread, whose turn
            waits for this call. `Thread(context.client, context.thread_id)` (`AsyncThread`) is that thread.
        thread_id: The thread that calls. A sub-agent has a thread of its own.
        turn_id: The turn that calls.
        call_id: The call: the id of its item.
        tool: The tool's name.

    Example:
        >>> def remember(context: ToolContext, fact: str) -> str:
        ...     '''Keep a fact.'''
        ...     return f"{context.thread_id} knows it now"
    """

    __slots__ = ("_request", "call_id", "client", "thread_id", "tool", "turn_id")

    def __init__(
        self,
        client: ClientT_co,
        *,
        thread_id: str = "",
        turn_id: str = "",
        call_id: str = "",
        tool: str = "",
        _request: ToolCall | None = None,
    ) -> None:
        self._request = _request
        self.client = client
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.call_id = call_id
        self.tool = tool

    @classmethod
    def _of(cls, client: Any, request: ToolCall) -> ToolContext[Any]:
        return ToolContext(
            client,
            thread_id=request.params.thread_id,
            turn_id=request.params.turn_id,
            call_id=request.call_id,
            tool=request.tool,
            _request=request,
        )

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more: the turn was stopped, or the time is over.

        For functions. A coroutine is cancelled by itself.
        """
        return self._request is not None and self._request.settled

    def wait_cancelled(self, timeout_s: float | None = None) -> bool:
        """Block this thread until `cancelled`; False if `timeout_s` seconds pass first.

        One that a test has made is never cancelled, and returns False at once.
        """
        return self._request is not None and self._request.wait_settled(timeout_s)

    def __repr__(self) -> str:
        return f"ToolContext(tool={self.tool!r}, thread_id={self.thread_id!r}, call_id={self.call_id!r})"
