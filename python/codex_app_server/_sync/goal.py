# Made from _async/goal.py by `python scripts/make_sync.py`; do not edit.

"""`GoalHandle`: a goal that the runtime works towards, followed as one turn.

Owns the way from a thread to a goal's first turn, and how steering and interrupting find the turn that runs
at that moment. The thread is reserved before the goal is set, and from then on the native side keeps what
its turns send; how these become one turn is in `_outgoing.goals`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, TypeAlias

from .. import types
from .._concurrency.deadline import NEVER, Deadline, Patience
from .._incoming.bound import closed
from .._incoming.decoding import decoder
from .._incoming.goals import GoalResult, LogicalTurn, goal_of
from .._incoming.result import OutputT_co, TurnCollector, TurnResult
from .._native import Subscription
from .._outgoing import goals, requests
from .._outgoing.inputs import Input
from .._outgoing.requests import Request
from .._package import late
from ..errors import (
    RequestHandlerError,
    RequestTimeoutError,
    TransportClosedError,
    TurnFailedError,
    TurnNotRunningError,
    TurnTimeoutError,
)
from .connection import Connection
from .outcome import Outcome
from .owned import Owned, runtime_of
from .runtime import Runtime
from .stream import EventCursor, TextStream, TurnStream
from .waiting import now, wait_ready

# Asks for the output of a goal that is over, and returns its result with that.
Report: TypeAlias = Callable[[GoalResult[Any], Patience], GoalResult[Any]]


def begun(connection: Connection, thread_id: str, request: Request[Any], deadline: Deadline) -> Subscription:
    """Set a thread's goal by the `request` that activates it, and wait for its first turn.

    If that fails, or the subscription is lost before it was handed over, the goal is paused, its turn is
    stopped and nothing is left.
    """
    goals.refuse_if_deaf(connection.opted_out)
    read = requests.thread_read(thread_id, include_turns=False)
    goals.refuse_unless_ready(connection.request(read, deadline=deadline))
    errand = goals.pause_errand(thread_id)
    subscription = connection.native.own_thread(thread_id, errand=errand)
    if subscription is None:
        raise goals.busy(thread_id)
    try:
        # What is left of an earlier goal would count against this one's budget.
        connection.request(goals.clear(thread_id), deadline=deadline)
        connection.request(request, subscription, deadline=deadline)
        _first_turn(connection, subscription, deadline)
    except BaseException:
        subscription.close()
        raise
    return subscription


def _first_turn(connection: Connection, subscription: Subscription, deadline: Deadline) -> None:
    due = now() + _own_s(connection, deadline)
    while subscription.first_turn is None:
        left = max(0.0, min(due - now(), deadline.left()))
        if not wait_ready(subscription, None if left == math.inf else left):
            raise _unanswered(connection, deadline, "thread/goal/set, which is a first turn,")
        if subscription.first_turn is None:
            subscription.drain(decoder())  # raises what has ended the connection
            raise TurnFailedError(
                "the goal ended before its first turn", thread_id=subscription.thread_id, turn_id=""
            )


def _own_s(connection: Connection, deadline: Deadline) -> float:
    """How long what follows from an answer of the runtime's is waited for, whatever the deadline."""
    own_s = connection.request_timeout_s
    return math.inf if own_s is None or deadline.is_of_call else own_s


def _unanswered(connection: Connection, deadline: Deadline, what: str) -> RequestTimeoutError:
    if deadline.left() <= 0:
        return deadline.missed(what)
    return RequestTimeoutError(what, connection.request_timeout_s or 0.0)


class GoalCursor(EventCursor):
    """A goal handle's place in its events, of which it makes those of one turn."""

    def __init__(self, connection: Connection, subscription: Subscription, turn_id: str) -> None:
        super().__init__(connection, subscription, turn_id)
        self._turn = LogicalTurn(turn_id)
        self._drained = deque()

    def _make(self) -> bool:
        drained = len(self._drained)
        try:
            self.batch.extend(self._turn.events(self._drained))
            self._drained.clear()
        except BaseException:  # of a signal handler
            self.tear()
            raise
        return drained > 0

    def _last(self) -> list[Any]:
        return self._turn.end()

    def _made_outcome(self, watch: Subscription) -> Outcome:
        thread_id, turn_id = self._subscription.thread_id, self.turn_id
        return Outcome(
            self._connection,
            watch,
            lambda: TurnCollector(thread_id, turn_id, of_goal=True, is_told=True),
            lambda: LogicalTurn(turn_id),
        )


@dataclass(slots=True, init=False, repr=False)
class GoalHandle(Owned, Generic[OutputT_co]):
    """A goal that was set: the turns that the runtime starts for it, one after the other, as one turn.

    Made by `Thread.goal()`. Its events are those of all its turns, with the
    id of the first; it is over when the runtime starts no more. Each event goes to one consumer: a handle is
    read once, by `stream()`, `stream_text()` or `run()`. After or beside that, `result()` gives what the goal
    came to.

    A goal goes on whatever becomes of its handle, with two exceptions: while `run()` waits, and inside a
    block (`with goal:`), the handle owns it. A block that is left before the end, or a `run()` that is
    stopped, gives it up: the goal is paused and its turn interrupted, and nobody waits for that.

    Args:
        thread_id: The goal's thread.
        id: The first turn's id, which stands for the whole.

    Example:
        >>> def main():
        ...     with Codex() as codex:
        ...         thread = codex.thread_start()
        ...         goal = thread.goal("Make all tests pass.")
        ...         for event in goal.stream():
        ...             print(event.method)
        ...         print(goal.goal.status)
    """

    _runtime: Runtime
    thread_id: str
    id: str
    _subscription: Subscription = field(repr=False, compare=False)
    _cursor: GoalCursor = field(repr=False, compare=False)
    _interrupted: types.TurnInterruptResponse | None = field(repr=False, compare=False)
    # Of what handlers have done wrong, the last before this goal.
    _since: int = field(repr=False, compare=False)
    # Asks for the output, if one is wanted.
    _report: Report | None = field(repr=False, compare=False)
    # What run() has come to.
    _result: GoalResult[Any] | None = field(repr=False, compare=False)

    def __init__(
        self,
        _client: late.Codex | late.CodexClient | Runtime,
        _subscription: Subscription,
        _since: int,
        _report: Report | None = None,
    ) -> None:
        self._since = _since
        self._report = _report
        self._result = None
        self._runtime = runtime_of(_client)
        self.thread_id = _subscription.thread_id
        self.id = _subscription.first_turn or ""
        self._subscription = _subscription
        self._interrupted = None
        self._cursor = GoalCursor(self._runtime.connection, _subscription, self.id)

    @property
    def goal(self) -> types.ThreadGoal | None:
        """The goal as the runtime last reported it: status, tokens, time. None before it has."""
        return goal_of(self._subscription.latest_goal)

    @property
    def current_turn_id(self) -> str | None:
        """The turn that runs now; None between two of them, and at the end."""
        return self._subscription.running_turn

    @property
    def is_over(self) -> bool:
        """Whether the runtime starts no more turns, read or not."""
        return self._subscription.over

    def steer(self, input: Input | str, *, timeout_s: float | None = None) -> types.TurnSteerResponse:
        """Give the turn that runs more input; between two turns it waits for the next one.

        Raises:
            InvalidInputError: The input is empty. Nothing was sent.
            TurnNotRunningError: The goal is over.
            RequestTimeoutError: No answer, or no next turn, in `timeout_s`.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s)
        connection = self._runtime.connection
        turn_id = self.current_turn_id or self.id
        # From before the request, so that no turn can start unheard between a refusal and the wait.
        listening = connection.native.subscribe_notifications(goals.NEWS, thread_id=self.thread_id)
        try:
            while self._is_worth_asking(connection):
                request = requests.turn_steer(self.thread_id, turn_id, input)
                try:
                    return connection.request(request, deadline=deadline)
                except TurnNotRunningError as error:
                    found = goals.active_turn(error)
                while found is None and not self.is_over and self.current_turn_id in (None, turn_id):
                    left = deadline.left() if deadline.is_given else None
                    if not wait_ready(listening, left):
                        raise deadline.missed(request.method)
                    listening.drain(decoder())
                turn_id = found or self.current_turn_id or turn_id
        finally:
            listening.close()
        raise self._over("steer")

    def interrupt(self, *, timeout_s: float | None = None) -> types.TurnInterruptResponse:
        """Pause the goal, stop the turn that runs, and wait until both have happened. The stream then ends.

        Both are on their way before anything is waited for, also where the caller is being cancelled. The
        runtime keeps the goal, paused. Once it was interrupted through this handle, doing it again has no
        effect.

        Raises:
            TurnNotRunningError: The goal is over.
            RequestTimeoutError: It is not over in time; by default `CodexConfig.request_timeout_s`.
            TransportClosedError: The connection ended first.
        """
        from ..generated.v2_all import TurnInterruptResponse

        if self._interrupted is None:
            connection = self._runtime.connection
            if not self._is_worth_asking(connection):
                raise self._over("interrupt")
            deadline = Deadline(timeout_s)
            listening = connection.native.subscribe_notifications(goals.NEWS, thread_id=self.thread_id)
            try:
                self._subscription.stop()
                self._end_of(connection, listening, deadline)
            finally:
                listening.close()
            self._interrupted = TurnInterruptResponse()
        return self._interrupted

    def _end_of(self, connection: Connection, listening: Subscription, deadline: Deadline) -> None:
        """Wait until the goal is over, by what is said of its thread."""
        due = now() + _own_s(connection, deadline)
        while not self.is_over:
            left = max(0.0, min(due - now(), deadline.left()))
            if not wait_ready(listening, None if left == math.inf else left):
                raise _unanswered(connection, deadline, "thread/goal/set, which is the end of its turn,")
            listening.drain(decoder())
        if connection.native.closed:
            listening.drain(decoder())  # raises what has ended the connection

    def cancel(self, *, timeout_s: float | None = None) -> None:
        """Give the goal up: `interrupt()` it, and wait until it is over. Idempotent.

        What nobody reads of it is let go. Nothing is raised if it is over already, or the connection has
        ended.

        Raises:
            RequestTimeoutError: The runtime does not answer.
        """
        try:
            with suppress(TurnNotRunningError, TransportClosedError):
                self.interrupt(timeout_s=timeout_s)
        except BaseException:
            self._cursor.give_up()
            raise
        self._cursor.let_go()

    _in_place_of_a_copy = "A goal has one handle; share it."

    def _standing(self) -> str:
        native = self._cursor.native
        state = "running" if not self.is_over else closed(native) if native.closed else "over"
        return f"id={self.id!r} thread_id={self.thread_id!r} {state}"

    def _is_worth_asking(self, connection: Connection) -> bool:
        # A connection that has ended makes every goal one that is over, but says so itself when it is asked.
        return not self.is_over or connection.native.closed

    def _over(self, what: str) -> TurnNotRunningError:
        return goals.not_running(
            f"no active goal to {what}", "it is over; set another one with thread.goal()"
        )

    def stream(self, *, idle_timeout_s: float | None = None) -> TurnStream:
        """The events of all turns as those of one, each a `Notification`, up to and including turn/completed.

        A failed turn does not raise here: turn/completed says so.

        Args:
            idle_timeout_s: Seconds for which nothing of the goal's turns may arrive, as for a turn's stream.

        Raises:
            StreamClosedError: The events were read to the end or given up before.
            StreamOverflowError: While iterating: the consumer was too slow and deltas were dropped.
            TransportClosedError: While iterating: the connection ended before the goal did.
            TurnTimeoutError: While iterating: nothing arrived in time.
        """
        return TurnStream(self._cursor, "all", self._patience(idle_timeout_s))

    def stream_text(self, *, idle_timeout_s: float | None = None) -> TextStream:
        """The text of all turns' messages as it is written: the deltas of all agent messages, as `str`.

        Raises:
            StreamClosedError: The events were read to the end or given up before.
            TurnFailedError: While iterating: the last turn failed.
            StreamOverflowError: While iterating: the consumer was too slow and deltas were dropped.
            TransportClosedError: While iterating: the connection ended before the goal did.
            TurnTimeoutError: While iterating: nothing arrived in time.
        """
        return TextStream(self._cursor, "text", self._patience(idle_timeout_s))

    def _patience(self, idle_timeout_s: float | None) -> Patience | None:
        return None if idle_timeout_s is None else Patience(NEVER, idle_timeout_s)

    def run(
        self, *, timeout_s: float | None = None, idle_timeout_s: float | None = None
    ) -> GoalResult[OutputT_co]:
        """Wait until the goal is over and return what it came to.

        With `output_type`, one more turn of the thread then asks for the output of a goal that is reached.

        It owns the goal meanwhile: stopped by a cancellation, an exception or the end of its time, it pauses
        the goal and interrupts the turn that runs.

        Args:
            timeout_s: Seconds that the goal may still take.
            idle_timeout_s: Seconds for which nothing of its turns may arrive.

        Raises:
            TurnFailedError: The last turn failed.
            TurnTimeoutError: The time is over. The error has what was collected.
            OutputValidationError: The goal was not reached, or its report is not of `output_type`.
            StreamClosedError: The events were read to the end or given up before.
            TransportClosedError: The connection ended before the goal did.
        """
        return self._finish(Patience(Deadline(timeout_s), idle_timeout_s))

    def result(
        self, *, timeout_s: float | None = None, idle_timeout_s: float | None = None
    ) -> GoalResult[OutputT_co | None]:
        """Wait until the goal is over and return what it came to, after or beside the handle's stream.

        It takes nothing away from a stream and does not own the goal: stopped by anything, it only stops to
        wait. Asked again, it gives the same. With `output_type` it has the output that `run()` has asked for,
        and None before: it starts no turn itself.

        Args:
            timeout_s: Seconds to wait.
            idle_timeout_s: Seconds for which nothing of its turns may arrive.

        Raises:
            TurnFailedError: The last turn failed.
            TurnTimeoutError: The time is over. The error has what was collected; the goal goes on.
            StreamClosedError: The handle was closed, or given up before anything of it was asked for.
            TransportClosedError: The connection ended before the goal did.
        """
        patience = Patience(Deadline(timeout_s), idle_timeout_s)
        if self._result is not None:
            return self._result
        with self._told():
            result = self._cursor.outcome(patience)
        return self._made(result)

    def _finish(self, patience: Patience) -> GoalResult[OutputT_co]:
        with self._told():
            collector = TurnCollector(self.thread_id, self.id, of_goal=True)
            result = self._cursor.result(collector, patience)
        made = self._result = self._made(result)
        if self._report is not None:
            made = self._result = self._report(made, patience)
        return made

    def _made(self, result: TurnResult[Any]) -> GoalResult[Any]:
        result.request_errors = self.request_errors
        return GoalResult.of(result, self.goal)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """An error about the goal's turns has what handlers have done wrong, and what came of the goal."""
        try:
            yield
        except (TurnFailedError, TurnTimeoutError) as error:
            error.request_errors = self.request_errors
            if isinstance(error, TurnTimeoutError) and error.partial is not None:
                error.partial = GoalResult.of(error.partial, self.goal)
            raise

    @property
    def request_errors(self) -> tuple[RequestHandlerError, ...]:
        """What handlers have done wrong with requests of this goal's turns and their sub-agents, so far.

        The last ones, if there were very many.
        """
        return self._runtime.serving.faults.of_thread(self.thread_id, self._since)

    def close(self) -> None:
        """Let go of the events that were not read, and of the result. The goal goes on."""
        self._cursor.forget()

    def _handed_over(self) -> GoalHandle[OutputT_co]:
        return self._cursor.hand_over(self)

    def __enter__(self) -> GoalHandle[OutputT_co]:
        try:
            self._cursor.own()
        except BaseException:  # a Ctrl-C: the block is not entered, and so not left
            self._cursor.give_up()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cursor.give_up()
