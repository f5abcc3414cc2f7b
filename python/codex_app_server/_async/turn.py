"""`AsyncTurnHandle`: one turn that was started. Thin: requests from `_requests`, events from `stream`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import _requests
from .._deadline import NEVER, Deadline, Patience
from .._result import TurnCollector
from ..errors import TurnFailedError, TurnTimeoutError
from .stream import AsyncEventCursor, AsyncTextStream, AsyncTurnStream

# sync only: from .runtime import runtime_of

if TYPE_CHECKING:
    from types import TracebackType

    from .._inputs import Input
    from .._native import Subscription
    from .._result import TurnResult
    from ..errors import RequestHandlerError
    from ..generated.v2_all import TurnInterruptResponse, TurnSteerResponse
    from .client import AsyncCodex
    from .codex_client import AsyncCodexClient
    # sync only: from .runtime import Runtime


@dataclass(slots=True, init=False)
class AsyncTurnHandle:
    """A turn that was started: follow it, steer it, interrupt it, or wait for its result.

    Async form of `TurnHandle`. Made by `AsyncThread.turn()`; made from ids, it joins a turn that was
    started elsewhere and sees its events from then on. Each event goes to one consumer: a handle is
    read once, by `stream()`, `stream_text()` or `run()`.

    A turn runs on whatever becomes of its handle, with two exceptions: while `run()` waits, and inside a
    block (`async with turn:`), the handle owns it. A block that is left before the turn's end, or a `run()`
    that is stopped, gives it up: it is interrupted once nobody else holds it, and nobody waits for that.
    Others hold it who have joined it by `turn()` or `run()` of their own, or follow it by a handle made from
    its ids; such a handle owns nothing.

    Args:
        thread_id: The turn's thread.
        id: The turn's id.

    Example:
        >>> async def main():
        ...     async with AsyncCodex() as codex:
        ...         thread = await codex.thread_start()
        ...         turn = await thread.turn("Tell me a story.")
        ...         async for event in turn.stream():
        ...             print(event.method)
    """

    _codex: AsyncCodex | AsyncCodexClient  # async only
    # sync only: _client: Runtime
    thread_id: str
    id: str
    _cursor: AsyncEventCursor = field(repr=False, compare=False)
    _interrupted: TurnInterruptResponse | None = field(repr=False, compare=False)
    # Of what handlers have done wrong, the last before this turn.
    _since: int = field(repr=False, compare=False)

    def __init__(
        self,
        _codex: AsyncCodex | AsyncCodexClient,  # async only
        # sync only: _client: Codex | CodexClient | Runtime,
        thread_id: str,
        id: str,
        *,
        _subscription: Subscription | None = None,
        _since: int | None = None,
    ) -> None:
        self._codex = _codex  # async only
        # sync only: self._client = runtime_of(_client)
        self.thread_id = thread_id
        self.id = id
        self._interrupted = None
        self._since = self._codex._client.serving.faults.mark() if _since is None else _since
        connection = self._codex._client.connection
        may_own = _subscription is not None
        if _subscription is None:
            _subscription = connection.subscribe(thread_id, id)
        self._cursor = AsyncEventCursor(connection, _subscription, id, may_own=may_own)
        if _subscription.missed:
            self._cursor.close()

    async def steer(self, input: Input | str, *, timeout_s: float | None = None) -> TurnSteerResponse:
        """Give the running turn more input.

        Raises:
            InvalidInputError: The input is empty. Nothing was sent.
            TurnNotRunningError: The turn is over.
            TurnNotSteerableError: It takes no input.
        """
        request = _requests.turn_steer(self.thread_id, self.id, input)
        return await self._codex._client.request(request, timeout_s)

    async def interrupt(self, *, timeout_s: float | None = None) -> TurnInterruptResponse:
        """Stop the turn. Its stream then ends with a turn/completed of status "interrupted".

        The interrupt is on its way before anything is waited for, also where the caller is being cancelled. A
        turn that has not begun yet is interrupted when it does. Once a turn was interrupted, doing it again
        has no effect.

        Raises:
            TurnNotRunningError: The turn is over.
            RequestTimeoutError: The runtime does not answer. It may have stopped the turn all the same.
        """
        if self._interrupted is None:
            connection = self._codex._client.connection
            request = _requests.turn_interrupt(self.thread_id, self.id)
            # The wish is noted natively before anything is waited for, and then carried out in any case.
            self._interrupted = await connection.request(request, deadline=Deadline(timeout_s))
        return self._interrupted

    def stream(self, *, idle_timeout_s: float | None = None) -> AsyncTurnStream:
        """The turn's events, each a `Notification`, up to and including turn/completed.

        A failed turn does not raise here: its turn/completed says so.

        Args:
            idle_timeout_s: Seconds for which nothing of the turn may arrive, by the native side's clock: what
                a slow program has not read yet has arrived. Time in which the runtime waits for an answer of
                this program does not count; that of a command which writes nothing does.

        Raises:
            StreamClosedError: The events were read to the end or given up before.
            StreamOverflowError: While iterating: the consumer was too slow and deltas were dropped.
            TransportClosedError: While iterating: the connection ended before the turn did.
            TurnTimeoutError: While iterating: nothing arrived in time. Inside a block of the turn it was
                given up; else the stream can be read on.
        """
        return AsyncTurnStream(self._cursor, "all", self._patience(idle_timeout_s))

    def stream_text(self, *, idle_timeout_s: float | None = None) -> AsyncTextStream:
        """The text of the turn's messages as it is written: the deltas of all agent messages, as `str`.

        Args:
            idle_timeout_s: As for `stream()`. Events that are no text count, too.

        Raises:
            StreamClosedError: The events were read to the end or given up before.
            TurnFailedError: While iterating: the turn failed.
            StreamOverflowError: While iterating: the consumer was too slow and deltas were dropped.
            TransportClosedError: While iterating: the connection ended before the turn did.
            TurnTimeoutError: While iterating: nothing arrived in time, as for `stream()`.
        """
        return AsyncTextStream(self._cursor, "text", self._patience(idle_timeout_s))

    def _patience(self, idle_timeout_s: float | None) -> Patience | None:
        return None if idle_timeout_s is None else Patience(NEVER, idle_timeout_s)

    async def run(self, *, timeout_s: float | None = None, idle_timeout_s: float | None = None) -> TurnResult:
        """Wait for the turn's end and return what it came to. It owns the turn meanwhile.

        Stopped by a cancellation, an exception or the end of its time, it interrupts the turn, unless
        somebody else holds it.

        Args:
            timeout_s: Seconds that the turn may still take.
            idle_timeout_s: Seconds for which nothing of it may arrive, as for `stream()`.

        Raises:
            TurnFailedError: The turn failed.
            TurnTimeoutError: The time is over. The error has what was collected.
            StreamClosedError: The events were read to the end or given up before.
            StreamOverflowError: The turn is over, and items may be missing: more turns began on its thread
                before its start was answered than are kept.
            TransportClosedError: The connection ended before the turn did.
        """
        return await self._finish(Patience(Deadline(timeout_s), idle_timeout_s))

    async def _finish(self, patience: Patience) -> TurnResult:
        try:
            result = await self._cursor.result(TurnCollector(self.thread_id, self.id), patience)
        except (TurnFailedError, TurnTimeoutError) as error:
            error.request_errors = self.request_errors
            raise
        result.request_errors = self.request_errors
        return result

    @property
    def request_errors(self) -> tuple[RequestHandlerError, ...]:
        """What handlers have done wrong with requests of this turn and its sub-agents, so far.

        Those requests were refused, unless they were answered before the handler raised. The last ones, if
        there were very many.
        """
        return self._codex._client.serving.faults.of_turn(self.thread_id, self.id, self._since)

    async def aclose(self) -> None:
        """Let go of the events that were not read.

        For the turn it changes nothing, unless this handle only follows it: then it does so no longer.
        """
        self._cursor.close()

    def _handed_over(self) -> AsyncTurnHandle:
        return self._cursor.hand_over(self)

    async def __aenter__(self) -> AsyncTurnHandle:
        try:
            self._cursor.own()
        except BaseException:  # a Ctrl-C: the block is not entered, and so not left
            self._cursor.give_up()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cursor.give_up()
