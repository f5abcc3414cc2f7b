"""`AsyncTurnHandle`: one turn that was started. Thin: requests from `_outgoing`, events from `stream`."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic

from .. import types
from .._arguments import identifier
from .._concurrency.deadline import NEVER, Deadline, Patience
from .._incoming.bound import turn_state
from .._incoming.result import OutputT_co, TurnCollector, TurnResult
from .._native import Subscription
from .._outgoing import requests
from .._outgoing.inputs import Input
from .._package import late
from ..errors import RequestHandlerError, TurnFailedError, TurnTimeoutError
from .owned import AsyncOwned, runtime_of, with_official_fields
from .runtime import AsyncRuntime, EarlyTurn
from .stream import AsyncEventCursor, AsyncTextStream, AsyncTurnStream


@with_official_fields
@dataclass(slots=True, init=False, repr=False)
class AsyncTurnHandle(AsyncOwned, Generic[OutputT_co]):
    """A turn that was started: follow it, steer it, interrupt it, or wait for its result.

    Async form of `TurnHandle`. Made by `AsyncThread.turn()`; made from ids, it joins a turn that was
    started elsewhere and sees its events from then on. Each event goes to one consumer: a handle is
    read once, by `stream()`, `stream_text()` or `run()`. After or beside that, `result()` gives what the turn
    came to.

    A turn runs on whatever becomes of its handle, with two exceptions: while `run()` waits, and inside a
    block (`async with turn:`), the handle owns it. A block that is left before the turn's end, or a `run()`
    that is stopped, gives it up: it is interrupted once nobody else holds it, and nobody waits for that.
    A `turn()` outside of a block that started or joined it holds it until its end, also when its handle is
    dropped or closed; another `run()` or block, until that gives it up; a handle made from its ids, while it
    follows. Such a handle owns nothing.

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

    _runtime: AsyncRuntime
    thread_id: str
    id: str
    # None of a handle that was made before its client was started, until something is asked of it.
    _begun: AsyncEventCursor | None = field(init=False, repr=False, compare=False)
    _early: EarlyTurn | None = field(init=False, repr=False, compare=False)
    _interrupted: types.TurnInterruptResponse | None = field(init=False, repr=False, compare=False)
    # Of what handlers have done wrong, the last before this turn.
    _since: int = field(init=False, repr=False, compare=False)
    # What its result is to be of.
    _wanted: late.OutputType[Any] | None = field(init=False, repr=False, compare=False)

    def __init__(
        self,
        _codex: late.AsyncCodex | late.AsyncCodexClient | AsyncRuntime,
        thread_id: str,
        id: str,
        *,
        _subscription: Subscription | None = None,
        _since: int | None = None,
        _wanted: late.OutputType[Any] | None = None,
    ) -> None:
        self._runtime = runtime_of(_codex)
        self.thread_id = thread_id if _subscription is not None else identifier("thread_id", thread_id)
        self.id = id if _subscription is not None else identifier("turn_id", id)
        self._interrupted = None
        self._wanted = _wanted
        self._since = self._runtime.serving.faults.mark() if _since is None else _since
        self._early = None
        self._begun = None
        if _subscription is not None:
            connection = self._runtime.connection
            self._begun = AsyncEventCursor(connection, _subscription, id, may_own=True)
        elif self._runtime.is_to_be_started:
            self._early = self._runtime.early(thread_id, id)
        else:
            self._begun = self._following(self._runtime.connection.subscribe(thread_id, id))

    def _following(self, subscription: Subscription) -> AsyncEventCursor:
        cursor = AsyncEventCursor(self._runtime.connection, subscription, self.id, may_own=False)
        if subscription.missed:
            cursor.close()
        return cursor

    @property
    def _cursor(self) -> AsyncEventCursor:
        """The handle's place in the events.

        Raises:
            NotStartedError: The client is not started yet.
        """
        if self._begun is not None:
            return self._begun
        connection = self._runtime.connection
        early = self._early
        subscription = None if early is None else early.subscription
        made = self._following(subscription or connection.subscribe(self.thread_id, self.id))
        # Another thread may be here at this moment.
        first = None if early is None else early.cursor.update(lambda other: made if other is None else other)
        self._begun = cursor = made if first is None else first
        return cursor

    _in_place_of_a_copy = "Make another that follows the turn: AsyncTurnHandle(codex, thread_id, id)."

    def _standing(self) -> str:
        ids = f"id={self.id!r} thread_id={self.thread_id!r}"
        # Made before its client was started, it is not to subscribe to anything for this.
        if self._begun is None and self._runtime.is_to_be_started:
            return f"{ids}, client {self._runtime.standing()}"
        native = self._runtime.connection.native if self._begun is None else self._begun.native
        return f"{ids} {turn_state(native, self.id)}"

    async def steer(self, input: Input | str, *, timeout_s: float | None = None) -> types.TurnSteerResponse:
        """Give the running turn more input.

        Raises:
            InvalidInputError: The input is empty. Nothing was sent.
            TurnNotRunningError: The turn is over.
            TurnNotSteerableError: It takes no input.
        """
        request = requests.turn_steer(self.thread_id, self.id, input)
        return await self._runtime.request(request, timeout_s)

    async def interrupt(self, *, timeout_s: float | None = None) -> types.TurnInterruptResponse:
        """Stop the turn. Its stream then ends with a turn/completed of status "interrupted".

        The interrupt is on its way before anything is waited for, also where the caller is being cancelled. A
        turn that has not begun yet is interrupted when it does. Once a turn was interrupted, doing it again
        has no effect.

        Raises:
            TurnNotRunningError: The turn is over.
            RequestTimeoutError: The runtime does not answer. It may have stopped the turn all the same.
        """
        if self._interrupted is None:
            deadline = Deadline(timeout_s)
            await self._started(deadline)
            connection = self._runtime.connection
            request = requests.turn_interrupt(self.thread_id, self.id)
            # The wish is noted natively before anything is waited for, and then carried out in any case.
            self._interrupted = await connection.request(request, deadline=deadline)
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

    async def run(
        self, *, timeout_s: float | None = None, idle_timeout_s: float | None = None
    ) -> TurnResult[OutputT_co]:
        """Wait for the turn's end and return what it came to. It owns the turn meanwhile.

        Stopped by a cancellation, an exception or the end of its time, it interrupts the turn, unless
        somebody else holds it.

        Args:
            timeout_s: Seconds that the turn may still take.
            idle_timeout_s: Seconds for which nothing of it may arrive, as for `stream()`.

        Raises:
            TurnFailedError: The turn failed.
            TurnTimeoutError: The time is over. The error has what was collected.
            OutputValidationError: The turn is over, and its final response is not of `output_type`.
            StreamClosedError: The events were read to the end or given up before.
            StreamOverflowError: The turn is over, and items may be missing: more turns began on its thread
                before its start was answered than are kept.
            TransportClosedError: The connection ended before the turn did.
        """
        return await self._finish(Patience(Deadline(timeout_s), idle_timeout_s))

    async def result(
        self, *, timeout_s: float | None = None, idle_timeout_s: float | None = None
    ) -> TurnResult[OutputT_co]:
        """Wait for the turn's end and return what it came to, after or beside the handle's stream.

        It takes nothing away from a stream, whether that is read on, was left early or dropped deltas, and it
        does not own the turn: stopped by anything, it only stops to wait. Asked again, it gives the same.
        What is not read of the turn is kept meanwhile; a program that wants the result only calls `run()`.

        Args:
            timeout_s: Seconds to wait.
            idle_timeout_s: Seconds for which nothing of the turn may arrive, as for `stream()`.

        Raises:
            TurnFailedError: The turn failed.
            TurnTimeoutError: The time is over. The error has what was collected; the turn goes on.
            OutputValidationError: The turn is over, and its final response is not of `output_type`.
            StreamClosedError: The handle was closed, or given up before anything of it was asked for; or the
                result is what `run()` gives.
            StreamOverflowError: The turn is over, and items may be missing: more turns began on its thread
                before its start was answered than are kept.
            TransportClosedError: The connection ended before the turn did.
        """
        patience = Patience(Deadline(timeout_s), idle_timeout_s)
        await self._started(patience.deadline)
        try:
            result = await self._cursor.outcome(patience)
        except (TurnFailedError, TurnTimeoutError) as error:
            error.request_errors = self.request_errors
            raise
        return self._told(result)

    async def _started(self, deadline: Deadline) -> None:
        """Start the client, if this was made before that was."""
        if self._begun is None:
            await self._runtime.start(deadline)

    async def _finish(self, patience: Patience) -> TurnResult[OutputT_co]:
        await self._started(patience.deadline)
        try:
            result = await self._cursor.result(TurnCollector(self.thread_id, self.id), patience)
        except (TurnFailedError, TurnTimeoutError) as error:
            error.request_errors = self.request_errors
            raise
        return self._told(result)

    def _told(self, result: TurnResult[Any]) -> TurnResult[OutputT_co]:
        result.request_errors = self.request_errors
        if self._wanted is not None:
            result.output = self._wanted.read(result)
        return result

    @property
    def request_errors(self) -> tuple[RequestHandlerError, ...]:
        """What handlers have done wrong with requests of this turn and its sub-agents, so far.

        Those requests were refused, unless they were answered before the handler raised. The last ones, if
        there were very many.
        """
        return self._runtime.serving.faults.of_turn(self.thread_id, self.id, self._since)

    async def aclose(self) -> None:
        """Let go of the events that were not read, and of the result.

        For the turn it changes nothing, unless this handle only follows it: then it does so no longer.
        """
        if self._begun is None and (self._runtime.is_to_be_started or self._runtime.was_closed):
            self._early = None
        else:
            self._cursor.forget()

    def _handed_over(self) -> AsyncTurnHandle[OutputT_co]:
        return self._cursor.hand_over(self)

    async def __aenter__(self) -> AsyncTurnHandle[OutputT_co]:
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
