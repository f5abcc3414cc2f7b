"""What a goal comes to: its state as the runtime reports it, and its turns as one.

Owns the fold of several turns' events into those of one logical turn, which has the first one's id. It waits
for nothing: the handles of both shells hand it their events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from .. import types
from .._native import plain
from ..errors import RequestHandlerError  # noqa: F401 - evaluates the inherited field of GoalResult
from ..models import Notification, UnknownNotification
from .result import OutputT_co, TurnResult, completed_payload


def goal_of(params: bytes | None) -> types.ThreadGoal | None:
    """The goal in the params of a thread/goal/updated."""
    # The usual reader of events is not asked: whatever it would refuse is read here all the same.
    simpler = None if params is None else plain(params)
    if simpler is None:
        return None
    from ..generated.v2_all import ThreadGoal
    from .lenient import build

    sent = json.loads(simpler)
    made = build(ThreadGoal, sent.get("goal") if isinstance(sent, dict) else None)
    return made if isinstance(made, ThreadGoal) else None


@dataclass(slots=True)
class GoalResult(TurnResult[OutputT_co]):
    """What the turns of a goal came to, taken as one.

    The fields of `TurnResult`, over all turns: `id` is the first one's, `status` and `error` are the last
    one's, `items` are everybody's. `output` is what the goal's report says, if one was wanted.

    Args:
        goal: The goal as the runtime last reported it, with its status, tokens and time; None if it has not.
    """

    goal: types.ThreadGoal | None

    @property
    def is_reached(self) -> bool:
        """Whether the goal is complete. Else it was paused, cleared, or blocked, or ran out of a budget."""
        return self.goal_status == "complete"

    @property
    def goal_status(self) -> str | None:
        """The goal's status as the protocol has it, for example "complete"; None if it is not known."""
        status = getattr(self.goal, "status", None)
        plain: str | None = getattr(status, "value", status)
        return plain

    @classmethod
    def of(cls, result: TurnResult[Any], goal: types.ThreadGoal | None) -> GoalResult[Any]:
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
