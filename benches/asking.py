"""A runtime that asks: approvals of commands or calls of tools, so many of each turn in flight.

Owns what is asked and what is counted as an answer. `flood` is the server around it.
"""

from __future__ import annotations

import json
from typing import Any

from . import lines
from .plan import Plan, thread_id, turn_id

APPROVAL = "item/commandExecution/requestApproval"
CALL = "item/tool/call"
KINDS = ("asking", "calling")


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
        turn, number = divmod(int(message["id"]), self._plan.deltas)
        self._answered[turn] += 1
        if self._plan.kind == "asking":
            right: Any = {"decision": "accept"}
            settled = lines.line(
                "serverRequest/resolved", thread_id(turn), None, {"requestId": message["id"]}
            )
        else:
            # Of these the runtime says nothing.
            right = {
                "contentItems": [{"type": "inputText", "text": f"word {number}: a book"}],
                "success": True,
            }
            settled = b""
        if message.get("result") != right:
            raise SystemExit(f"{right} was expected, and not {message}")
        if self._answered[turn] == self._plan.deltas:
            *_, end = lines.turn_lines(Plan(), turn)
            return settled + end
        return settled + self._next(turn)

    def _next(self, turn: int) -> bytes:
        number = self._asked[turn]
        if number == self._plan.deltas:
            return b""
        self._asked[turn] += 1
        ids = {"threadId": thread_id(turn), "turnId": turn_id(turn)}
        method, params = (
            (APPROVAL, _approval(number)) if self._plan.kind == "asking" else (CALL, _call(number))
        )
        request = {
            "id": turn * self._plan.deltas + number,
            "method": method,
            "params": {**ids, **params},
        }
        return json.dumps(request, separators=(",", ":")).encode() + b"\n"


def _call(number: int) -> dict[str, Any]:
    return {
        "callId": f"call_{number}",
        "namespace": None,
        "tool": "look_up",
        "arguments": {"word": f"word {number}", "limit": 3, "exact": False},
    }


def _approval(number: int) -> dict[str, Any]:
    return {
        "kind": "command",
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
