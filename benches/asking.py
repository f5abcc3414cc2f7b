"""A runtime that asks: approvals of commands, so many of each turn in flight, each answered before the next.

Owns what is asked and what is counted as an answer. `flood` is the server around it.
"""

from __future__ import annotations

import json
from typing import Any

from . import lines
from .plan import Plan, thread_id, turn_id

METHOD = "item/commandExecution/requestApproval"


class Asking:
    """The requests of all turns of one plan; `deltas` of each, `burst` of them in flight."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._asked = [0] * plan.turns
        self._answered = [0] * plan.turns

    def first(self) -> bytes:
        """What is asked at the beginning."""
        in_flight = range(min(self._plan.burst, self._plan.deltas))
        turns = range(self._plan.turns)
        begun = [next(lines.turn_lines(Plan(), turn)) for turn in turns]
        return b"".join([*begun, *(self._next(turn) for turn in turns for _ in in_flight)])

    def answered(self, message: dict[str, Any]) -> bytes:
        """What is said after an answer: the next request of its turn, or the turn's end."""
        if message.get("result") != {"decision": "accept"}:
            raise SystemExit(f"an approval was answered with {message}")
        turn = int(message["id"]) // self._plan.deltas
        self._answered[turn] += 1
        settled = lines.line("serverRequest/resolved", thread_id(turn), None, {"requestId": message["id"]})
        if self._answered[turn] == self._plan.deltas:
            *_, end = lines.turn_lines(Plan(), turn)
            return settled + end
        return settled + self._next(turn)

    def _next(self, turn: int) -> bytes:
        number = self._asked[turn]
        if number == self._plan.deltas:
            return b""
        self._asked[turn] += 1
        params = {
            "kind": "command",
            "threadId": thread_id(turn),
            "turnId": turn_id(turn),
            "itemId": f"call_{number}",
            "startedAtMs": 1795867748100,
            "environmentId": "local",
            "reason": "To see what is there.",
            "command": "/bin/bash -lc 'ls -la src'",
            "cwd": "/home/somebody/project",
            "commandActions": [{"type": "listFiles", "command": "ls -la src", "path": "src"}],
            "proposedExecpolicyAmendment": ["ls", "-la", "src"],
            "availableDecisions": ["accept", "cancel"],
        }
        request = {"id": turn * self._plan.deltas + number, "method": METHOD, "params": params}
        return json.dumps(request, separators=(",", ":")).encode() + b"\n"
