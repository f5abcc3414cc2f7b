# Made from _async/codex_client_goals.py by `python scripts/make_sync.py`; do not edit.

"""The low-level client's goals. A part of it.

Owns the routes that a program of the official package makes before it sets a goal itself.
"""

from __future__ import annotations

from typing import Any

from .. import types
from .._arguments import identifier
from .._concurrency.deadline import Deadline
from .._incoming.bound import Bound
from .._incoming.decoding import decoder
from .._native import Subscription
from .._outgoing import goals
from ..errors import InvalidInputTypeError, TransportClosedError
from ..generated.literals import ThreadGoalStatusLiteral
from ..models import Notification
from .feed import next_of
from .goal import GoalHandle, begun
from .runtime import Runtime
from .waiting import wait_ready


class GoalRoute(Bound):
    """A thread that is reserved for a goal which is not set yet.

    Args:
        runtime: The client's.
        subscription: The reservation.
    """

    def __init__(self, runtime: Runtime, subscription: Subscription) -> None:
        self.thread_id = subscription.thread_id
        # Once its first turn has started.
        self.handle: GoalHandle | None = None
        self._runtime = runtime
        self._since = runtime.serving.faults.mark()
        self._subscription = subscription
        self._is_taken = False
        self._is_closed = False

    _in_place_of_a_copy = "A goal has one route; share it."

    def _standing(self) -> str:
        state = "closed" if self._is_closed else "taken" if self._is_taken else "reserved"
        return f"thread_id={self.thread_id!r} {state}, client {self._runtime.standing()}"

    def taken(self) -> Subscription | None:
        """The reservation, for the request that sets the goal; once."""
        if self._is_taken:
            return None
        self._is_taken = True
        return self._subscription

    def followed(self, timeout_s: float | None) -> GoalHandle:
        """The handle of the goal, once its first turn has started."""
        deadline = Deadline(timeout_s)
        while self.handle is None:
            if self._subscription.first_turn is not None:
                self.handle = GoalHandle(self._runtime, self._subscription, self._since)
            elif not wait_ready(self._subscription, deadline.left() if deadline.is_given else None):
                raise deadline.missed_end("The wait for the goal's first turn")
            elif self._subscription.first_turn is None:
                self._subscription.drain(decoder())  # raises what has ended the connection
                raise TransportClosedError("The goal ended before its first turn.")
        return self.handle

    def close(self) -> None:
        """Let go of what was not read."""
        self._is_closed = True
        if self.handle is not None:
            self.handle._cursor.forget()
        self._subscription.close()


def _handle_in(state: Any) -> GoalHandle:
    if not isinstance(state, GoalHandle):
        raise InvalidInputTypeError(
            f"state must be what start_goal_operation() gave, not {type(state).__name__}."
        )
    return state


class CodexClientGoals:
    """A base of the low-level client."""

    _runtime: Runtime
    # By thread.
    _goals: dict[str, GoalRoute]

    def thread_goal_set(
        self,
        thread_id: str,
        *,
        objective: str | None = None,
        status: types.ThreadGoalStatus | ThreadGoalStatusLiteral | None = None,
        timeout_s: float | None = None,
    ) -> types.ThreadGoalSetResponse:
        """Set a thread's goal, or change a part of it. The runtime works towards it while it is active."""
        deadline = Deadline(timeout_s)
        request = goals.change(identifier("thread_id", thread_id), objective=objective, status=status)
        connection = self._runtime.start(deadline)
        route = self._goals.get(thread_id)
        return connection.request(request, None if route is None else route.taken(), deadline=deadline)

    def thread_goal_clear(
        self, thread_id: str, *, timeout_s: float | None = None
    ) -> types.ThreadGoalClearResponse:
        """Take back a thread's goal."""
        return self._runtime.request(goals.clear(identifier("thread_id", thread_id)), timeout_s)

    def pause_goal(self, thread_id: str, *, timeout_s: float | None = None) -> types.ThreadGoalSetResponse:
        """Pause a thread's goal: the turn that runs goes on, no other follows."""
        return self._runtime.request(goals.pause(identifier("thread_id", thread_id)), timeout_s)

    def start_goal_operation(
        self, thread_id: str, objective: str, *, timeout_s: float | None = None
    ) -> tuple[GoalHandle, str]:
        """Set a goal and follow its turns as one: `Thread.goal()`, whose errors it raises.

        Returns:
            The handle of the goal, and the first turn's id.
        """
        request = goals.activate(identifier("thread_id", thread_id), objective, None)
        deadline = Deadline(timeout_s)
        connection = self._runtime.start(deadline)
        since = self._runtime.serving.faults.mark()
        subscription = begun(connection, thread_id, request, deadline)
        goal = GoalHandle(self._runtime, subscription, since)
        return goal, goal.id

    def cancel_goal_operation(self, state: GoalHandle | GoalRoute, *, timeout_s: float | None = None) -> None:
        """Give a goal up: `GoalHandle.cancel()`."""
        if isinstance(state, GoalRoute):
            if state.handle is None:
                self.pause_goal(state.thread_id, timeout_s=timeout_s)
                return
            state = state.handle
        _handle_in(state).cancel(timeout_s=timeout_s)

    # --- a queue for each goal, as programs of the official package read them

    def register_goal_operation(self, thread_id: str) -> GoalRoute:
        """Reserve a thread for a goal that `thread_goal_set()` is to activate; its turns are the route's.

        Raises:
            InvalidRequestError: A turn runs on the thread, or it has a goal already.
        """
        errand = goals.pause_errand(identifier("thread_id", thread_id))
        subscription = self._runtime.connection.native.own_thread(thread_id, errand=errand)
        if subscription is None:
            raise goals.busy(thread_id)
        subscription.keep()
        route = self._goals[thread_id] = GoalRoute(self._runtime, subscription)
        return route

    def reserve_goal_operation(self, thread_id: str) -> GoalRoute:
        """The same: which turns are a goal's, the request that activates it decides."""
        return self.register_goal_operation(thread_id)

    def unregister_goal_operation(self, state: GoalHandle | GoalRoute) -> None:
        """Let go of what was not read of a goal, which goes on."""
        if isinstance(state, GoalRoute):
            if self._goals.get(state.thread_id) is state:
                del self._goals[state.thread_id]
            state.close()
        else:
            _handle_in(state)._cursor.forget()

    def next_goal_notification(
        self, state: GoalHandle | GoalRoute, *, timeout_s: float | None = None
    ) -> Notification:
        """The next event of a goal's turns, as those of one turn; waits for one.

        Raises:
            WaitTimeoutError: None has come for `timeout_s` seconds.
            StreamOverflowError: Deltas were dropped here, because nobody read them. Read on.
            TransportClosedError: The goal is over and all was read, or the connection has ended.
        """
        handle = state.followed(timeout_s) if isinstance(state, GoalRoute) else _handle_in(state)
        event: Notification | None = next_of(handle._cursor, timeout_s, "event of the goal")
        if event is None:
            raise TransportClosedError("The goal is over, and all its events were read.")
        return event
