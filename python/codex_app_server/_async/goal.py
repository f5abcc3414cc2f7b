"""`AsyncGoalHandle`: a goal that the runtime works towards, followed as one turn.

Owns the way from a thread to a goal's first turn, and how steering and interrupting find the turn that runs
at that moment. The thread is reserved before the goal is set, and from then on the native side keeps what
its turns send; how these become one turn is in `_goals`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import _goals, _requests
from .._decode import decoder
from .._requests import NO_ACTIVE_TURN
from .._result import TurnCollector
from ..errors import InvalidRequestError, RequestTimeoutError, TransportClosedError, TurnFailedError
from .stream import AsyncEventCursor, AsyncTextStream, AsyncTurnStream
from .waiting import Lock, now, wait_ready

# sync only: from .runtime import runtime_of

if TYPE_CHECKING:
    from types import TracebackType

    from .._goals import GoalResult
    from .._inputs import Input
    from .._native import Subscription
    from .._requests import Request
    from ..generated.v2_all import ThreadGoal, TurnInterruptResponse, TurnSteerResponse
    from .client import AsyncCodex
    from .codex_client import AsyncCodexClient
    from .connection import AsyncConnection
    # sync only: from .runtime import Runtime


async def begun(connection: AsyncConnection, thread_id: str, request: Request[Any]) -> Subscription:
    """Set a thread's goal by the `request` that activates it, and wait for its first turn.

    If that fails, or the subscription is lost before it was handed over, the goal is paused, its turn is
    stopped and nothing is left.
    """
    _goals.refuse_if_deaf(connection.opted_out)
    read = _requests.thread_read(thread_id, include_turns=False)
    _goals.refuse_unless_ready(await connection.request(read))
    errand = _goals.pause_errand(thread_id)
    subscription = connection.native.own_thread(thread_id, errand=errand)
    if subscription is None:
        raise _goals.busy(thread_id)
    try:
        # What is left of an earlier goal would count against this one's budget.
        await connection.request(_goals.clear(thread_id))
        await connection.request(request, subscription)
        await _first_turn(connection, subscription)
    except BaseException:
        subscription.close()
        raise
    return subscription


async def _first_turn(connection: AsyncConnection, subscription: Subscription) -> None:
    timeout_s = connection.request_timeout_s
    due = None if timeout_s is None else now() + timeout_s
    while subscription.first_turn is None:
        left = None if due is None else max(0.0, due - now())
        if not await wait_ready(subscription, left):
            raise RequestTimeoutError("thread/goal/set, which is a first turn,", timeout_s or 0.0)
        if subscription.first_turn is None:
            subscription.drain(decoder())  # raises what has ended the connection
            raise TurnFailedError(
                "the goal ended before its first turn", thread_id=subscription.thread_id, turn_id=""
            )


class AsyncGoalCursor(AsyncEventCursor):
    """A goal handle's place in its events, of which it makes those of one turn."""

    def __init__(self, connection: AsyncConnection, subscription: Subscription, turn_id: str) -> None:
        super().__init__(connection, subscription)
        self._turn = turn = _goals.LogicalTurn(turn_id)
        # Not a method: a cycle would keep the subscription, and with it the goal, beyond the handle.
        keep = self._keep
        self._keep = lambda events: keep(turn.events(events))

    def _last(self) -> list[Any]:
        return self._turn.end()


@dataclass(slots=True, init=False)
class AsyncGoalHandle:
    """A goal that was set: the turns that the runtime starts for it, one after the other, as one turn.

    Async form of `GoalHandle`. Made by `AsyncThread.goal()`. Its events are those of all its turns, with the
    id of the first; it is over when the runtime starts no more. Each event goes to one consumer: a handle is
    read once, by `stream()`, `stream_text()` or `run()`.

    A goal goes on whatever becomes of its handle, with two exceptions: while `run()` waits, and inside a
    block (`async with goal:`), the handle owns it. A block that is left before the end, or a `run()` that is
    stopped, gives it up: the goal is paused and its turn interrupted, and nobody waits for that.

    Args:
        thread_id: The goal's thread.
        id: The first turn's id, which stands for the whole.

    Example:
        >>> async def main():
        ...     async with AsyncCodex() as codex:
        ...         thread = await codex.thread_start()
        ...         goal = await thread.goal("Make all tests pass.")
        ...         async for event in goal.stream():
        ...             print(event.method)
        ...         print(goal.goal.status)
    """

    _codex: AsyncCodex | AsyncCodexClient  # async only
    # sync only: _client: Runtime
    thread_id: str
    id: str
    _subscription: Subscription = field(repr=False, compare=False)
    _cursor: AsyncGoalCursor = field(repr=False, compare=False)
    _interrupting: Lock = field(repr=False, compare=False)
    _interrupted: TurnInterruptResponse | None = field(repr=False, compare=False)

    def __init__(
        self,
        _codex: AsyncCodex | AsyncCodexClient,  # async only
        # sync only: _client: Codex | CodexClient | Runtime,
        _subscription: Subscription,
    ) -> None:
        self._codex = _codex  # async only
        # sync only: self._client = runtime_of(_client)
        self.thread_id = _subscription.thread_id
        self.id = _subscription.first_turn or ""
        self._subscription = _subscription
        self._interrupting = Lock()
        self._interrupted = None
        self._cursor = AsyncGoalCursor(self._codex._client.connection, _subscription, self.id)

    @property
    def goal(self) -> ThreadGoal | None:
        """The goal as the runtime last reported it: status, tokens, time. None before it has."""
        return _goals.goal_of(self._subscription.latest_goal)

    @property
    def current_turn_id(self) -> str | None:
        """The turn that runs now; None between two of them, and at the end."""
        return self._subscription.running_turn

    @property
    def is_over(self) -> bool:
        """Whether the runtime starts no more turns, read or not."""
        return self._subscription.over

    async def steer(self, input: Input | str) -> TurnSteerResponse:
        """Give the turn that runs more input; between two turns it waits for the next one.

        Raises:
            InvalidInputError: The input is empty. Nothing was sent.
            InvalidRequestError: The goal is over.
            TransportClosedError: The connection ended first.
        """
        connection = self._codex._client.connection
        turn_id = self.current_turn_id or self.id
        # From before the request, so that no turn can start unheard between a refusal and the wait.
        listening = connection.native.subscribe_notifications(_goals.NEWS, thread_id=self.thread_id)
        try:
            while self._is_worth_asking(connection):
                try:
                    return await connection.request(_requests.turn_steer(self.thread_id, turn_id, input))
                except InvalidRequestError as error:
                    found = _goals.active_turn(error)
                    if found is None and not error.message.startswith(NO_ACTIVE_TURN):
                        raise
                while found is None and not self.is_over and self.current_turn_id in (None, turn_id):
                    await wait_ready(listening)
                    listening.drain(decoder())
                turn_id = found or self.current_turn_id or turn_id
        finally:
            listening.close()
        raise self._over("steer")

    async def interrupt(self) -> TurnInterruptResponse:
        """Pause the goal and stop the turn that runs. The stream then ends.

        The runtime keeps the goal, paused. Once it was interrupted through this handle, doing it again has no
        effect.

        Raises:
            InvalidRequestError: The goal is over.
            TransportClosedError: The connection ended first.
        """
        async with self._interrupting:
            if self._interrupted is None:
                connection = self._codex._client.connection
                if not self._is_worth_asking(connection):
                    raise self._over("interrupt")
                # First, because the runtime would start the next turn as soon as this one ends. A goal
                # that is complete, but for the last words about it, stays so.
                if self._subscription.goes_on:
                    await connection.request(_goals.pause(self.thread_id))
                self._interrupted = await self._interrupt(connection)
        return self._interrupted

    async def _interrupt(self, connection: AsyncConnection) -> TurnInterruptResponse:
        from ..generated.v2_all import TurnInterruptResponse

        # Between two turns any id will do: the refusal tells the one that has just been started.
        turn_id: str | None = self.current_turn_id or self.id
        while turn_id is not None and self._is_worth_asking(connection):
            try:
                return await connection.request(_requests.turn_interrupt(self.thread_id, turn_id))
            except InvalidRequestError as error:
                turn_id = _goals.active_turn(error)
        return TurnInterruptResponse()

    async def cancel(self) -> None:
        """Give the goal up: `interrupt()` it, and wait until it is over. Idempotent.

        What nobody reads of it is let go. Nothing is raised if it is over already, or the connection has
        ended.

        Raises:
            RequestTimeoutError: The runtime does not answer.
        """
        try:
            with suppress(InvalidRequestError, TransportClosedError):
                await self._ended()
        except BaseException:
            self._cursor.give_up()
            raise
        self._cursor.let_go()

    async def _ended(self) -> None:
        connection = self._codex._client.connection
        listening = connection.native.subscribe_notifications(_goals.NEWS, thread_id=self.thread_id)
        try:
            await self.interrupt()
            while not self.is_over:
                await wait_ready(listening)
                listening.drain(decoder())
        finally:
            listening.close()

    def _is_worth_asking(self, connection: AsyncConnection) -> bool:
        # A connection that has ended makes every goal one that is over, but says so itself when it is asked.
        return not self.is_over or connection.native.closed

    def _over(self, what: str) -> InvalidRequestError:
        return _goals.refusal(f"no active goal to {what}", "it is over; set another one with thread.goal()")

    def stream(self) -> AsyncTurnStream:
        """The events of all turns as those of one, each a `Notification`, up to and including turn/completed.

        A failed turn does not raise here: turn/completed says so.

        Raises:
            StreamClosedError: The events were read to the end or given up before.
            StreamOverflowError: While iterating: the consumer was too slow and deltas were dropped.
            TransportClosedError: While iterating: the connection ended before the goal did.
        """
        return AsyncTurnStream(self._cursor, "all")

    def stream_text(self) -> AsyncTextStream:
        """The text of all turns' messages as it is written: the deltas of all agent messages, as `str`.

        Raises:
            StreamClosedError: The events were read to the end or given up before.
            TurnFailedError: While iterating: the last turn failed.
            StreamOverflowError: While iterating: the consumer was too slow and deltas were dropped.
            TransportClosedError: While iterating: the connection ended before the goal did.
        """
        return AsyncTextStream(self._cursor, self.thread_id, self.id)

    async def run(self) -> GoalResult:
        """Wait until the goal is over and return what it came to.

        It owns the goal meanwhile: stopped by a cancellation or an exception, it pauses the goal and
        interrupts the turn that runs.

        Raises:
            TurnFailedError: The last turn failed.
            StreamClosedError: The events were read to the end or given up before.
            TransportClosedError: The connection ended before the goal did.
        """
        result = await self._cursor.result(TurnCollector(self.thread_id, self.id))
        return _goals.GoalResult.of(result, self.goal)

    async def aclose(self) -> None:
        """Let go of the events that were not read. The goal goes on."""
        self._cursor.close()

    def _handed_over(self) -> AsyncGoalHandle:
        return self._cursor.hand_over(self)

    async def __aenter__(self) -> AsyncGoalHandle:
        self._cursor.own()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cursor.give_up()
