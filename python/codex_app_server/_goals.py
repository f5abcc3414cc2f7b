"""What a goal is on the wire, and how the turns that the runtime starts for it become one.

Owns the requests about goals and the fold of several turns' events into those of one logical turn, which has
the first one's id. It waits for nothing: the handles of both shells hand it their events.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from . import _decode
from ._params import options
from ._requests import Request
from ._result import TurnResult, completed_payload
from .errors import InvalidInputError, InvalidRequestError, TurnNotRunningError
from .models import Notification, UnknownNotification

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ._openings import Errand
    from .generated.v2_all import (
        ThreadGoal,
        ThreadGoalClearResponse,
        ThreadGoalSetResponse,
        ThreadGoalStatus,
        ThreadReadResponse,
    )

# What a goal is followed by.
NEWS = [
    "turn/started",
    "turn/completed",
    "thread/goal/updated",
    "thread/goal/cleared",
    "thread/archived",
    "thread/deleted",
    "thread/closed",
]


_INVALID = -32600


def change(
    thread_id: str,
    *,
    objective: str | None = None,
    status: ThreadGoalStatus | str | None = None,
    token_budget: int | None = None,
) -> Request[ThreadGoalSetResponse]:
    """The request that sets a goal, or changes a part of it."""
    given = options(objective=objective, goal_status=status, token_budget=token_budget)
    return Request("thread/goal/set", {"threadId": thread_id, **given}, _decode.answer)


def activate(thread_id: str, objective: str, token_budget: int | None) -> Request[ThreadGoalSetResponse]:
    """The request after which the runtime works towards a goal."""
    return change(thread_id, objective=objective, status="active", token_budget=token_budget)


def clear(thread_id: str) -> Request[ThreadGoalClearResponse]:
    """The request that takes a goal back."""
    return Request("thread/goal/clear", {"threadId": thread_id}, _decode.answer)


def pause(thread_id: str) -> Request[ThreadGoalSetResponse]:
    """The request after which the runtime starts no more turns for a goal."""
    return change(thread_id, status="paused")


def pause_errand(thread_id: str) -> Errand:
    """`pause` as the native side sends it when nobody is there to do it."""
    request = pause(thread_id)
    return request.method, json.dumps(request.params).encode()


def refuse_if_deaf(opted_out: Collection[str]) -> None:
    """Refuse a client that does not hear how a goal goes on.

    Raises:
        InvalidInputError: It has opted out of what a goal is followed by.
    """
    missing = {*NEWS} & {*opted_out}
    if missing:
        raise InvalidInputError(
            f"A goal cannot be followed without {' and '.join(sorted(missing))}: take this out of "
            "CodexConfig.opt_out_notifications."
        )


def refuse_unless_ready(answer: ThreadReadResponse) -> None:
    """Refuse a thread on which a goal cannot be set.

    Raises:
        InvalidRequestError: It is not stored, or does something.
    """
    thread = answer.thread
    # A newer runtime may say either in another way: then it is the runtime's to refuse.
    if getattr(thread, "ephemeral", False) is True:
        raise refusal(
            f"thread must be persisted before starting a goal: {thread.id}",
            "start the thread without ephemeral=True",
        )
    status = getattr(getattr(thread, "status", None), "root", None)
    if getattr(status, "type", "idle") == "active":
        raise busy(thread.id)


def refusal(message: str, hint: str) -> InvalidRequestError:
    """What the runtime would say if it knew what this package knows."""
    error = InvalidRequestError(_INVALID, message)
    error.hint = hint
    return error


def not_running(message: str, hint: str) -> TurnNotRunningError:
    """The same about a goal that is over."""
    error = TurnNotRunningError(_INVALID, message)
    error.hint = hint
    return error


def busy(thread_id: str) -> InvalidRequestError:
    """The refusal of a goal on a thread where another one goes on, or a turn is being started."""
    return refusal(
        f"thread must be idle before starting a goal: {thread_id}",
        "wait for its turn or goal to end, or interrupt it",
    )


_FOUND = re.compile(r"expected active turn id `?[^` ]*`? but found `?([^` ]+)`?")


def active_turn(error: InvalidRequestError) -> str | None:
    """The turn that runs instead of the one that was named, if the runtime's refusal says so."""
    found = _FOUND.search(error.message)
    return found[1] if found else None


def goal_of(params: bytes | None) -> ThreadGoal | None:
    """The goal in the params of a thread/goal/updated."""
    if params is None:
        return None
    payload: Any = _decode.payload("thread/goal/updated", params)
    if not isinstance(payload, UnknownNotification):
        goal: ThreadGoal = payload.goal
        return goal
    from ._lenient import build
    from .generated.v2_all import ThreadGoal

    raw = payload.params.get("goal") if isinstance(payload.params, dict) else None
    made = build(ThreadGoal, raw)
    return made if isinstance(made, ThreadGoal) else None


@dataclass(slots=True)
class GoalResult(TurnResult):
    """What the turns of a goal came to, taken as one.

    The fields of `TurnResult`, over all turns: `id` is the first one's, `status` and `error` are the last
    one's, `items` are everybody's.

    Args:
        goal: The goal as the runtime last reported it, with its status, tokens and time; None if it has not.
    """

    goal: ThreadGoal | None

    @property
    def is_reached(self) -> bool:
        """Whether the goal is complete. Else it was paused, cleared, or blocked, or ran out of a budget."""
        status = getattr(self.goal, "status", None)
        return getattr(status, "value", status) == "complete"

    @classmethod
    def of(cls, result: TurnResult, goal: ThreadGoal | None) -> GoalResult:
        """The result of a goal's turns, folded as if they were one."""
        return cls(**{each.name: getattr(result, each.name) for each in fields(TurnResult)}, goal=goal)


class LogicalTurn:
    """Folds the events of a goal's turns, in wire order, into those of one turn.

    Its turn/started is the first turn's; those of the others are left out. Each turn/completed is held back
    until it is known to be the last one. Every other event is given on with the first turn's id.
    """

    def __init__(self, turn_id: str) -> None:
        self._turn_id = turn_id
        self._started_at: int | None = None
        self._begun = False
        self._completed: Notification | None = None

    def events(self, events: Iterable[Any]) -> list[Any]:
        """What the logical turn has of these events; plain text is given on."""
        return [made for event in events if (made := self._made(event)) is not None]

    def _made(self, event: Any) -> Any:
        if isinstance(event, str):
            return event
        if event.method == "turn/completed":
            self._completed = event
            return None
        if event.method == "turn/started":
            if self._begun:
                return None
            self._begun = True
            self._started_at = getattr(getattr(event.payload, "turn", None), "started_at", None)
            return event
        self._rename(event.payload)
        return event

    def _rename(self, payload: Any) -> None:
        # Each event was decoded for this stream alone, so it may be changed in place.
        if isinstance(payload, UnknownNotification):
            if isinstance(payload.params, dict) and "turnId" in payload.params:
                payload.params["turnId"] = self._turn_id
        elif getattr(payload, "turn_id", None) is not None:
            payload.turn_id = self._turn_id

    def end(self) -> list[Notification]:
        """The logical turn's turn/completed, once; nothing if no turn was ever completed."""
        event, self._completed = self._completed, None
        if event is None:
            return []
        payload = completed_payload(event)
        turn = payload.turn
        turn.id = self._turn_id
        if self._started_at is not None:
            turn.started_at = self._started_at
            if isinstance(turn.completed_at, int):
                # Of seconds, which is all that the runtime says about when its turns were.
                turn.duration_ms = (turn.completed_at - self._started_at) * 1000
        return [Notification(event.method, payload)]
