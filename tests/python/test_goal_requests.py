"""What is asked of the runtime about goals, what it says of them, and what is refused before it is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codex_app_server._incoming.goals import goal_of
from codex_app_server._outgoing import goals
from codex_app_server.errors import InvalidInputError, InvalidRequestError
from codex_app_server.generated.v2_all import ThreadGoal, ThreadGoalStatus, ThreadReadResponse
from codex_app_server.models import UnknownValue

GOAL = {
    "threadId": "t",
    "objective": "Win.",
    "status": "active",
    "createdAt": 1,
    "updatedAt": 2,
    "tokensUsed": 3,
    "timeUsedSeconds": 4,
}


def said(goal: object) -> bytes:
    return json.dumps({"threadId": "t", "turnId": None, "goal": goal}).encode()


def test_each_request_has_its_method_and_no_more_than_was_given() -> None:
    asked: list[tuple[str, Any]] = [
        (request.method, request.params)
        for request in (
            goals.activate("t", "Win.", 1000),
            goals.activate("t", "Win.", None),
            goals.change("t", status=ThreadGoalStatus.blocked),
            goals.pause("t"),
            goals.clear("t"),
        )
    ]
    assert asked == [
        (
            "thread/goal/set",
            {"threadId": "t", "objective": "Win.", "status": "active", "tokenBudget": 1000},
        ),
        ("thread/goal/set", {"threadId": "t", "objective": "Win.", "status": "active"}),
        ("thread/goal/set", {"threadId": "t", "status": "blocked"}),
        ("thread/goal/set", {"threadId": "t", "status": "paused"}),
        ("thread/goal/clear", {"threadId": "t"}),
    ]
    method, params = goals.pause_errand("t")
    assert (method, json.loads(params)) == ("thread/goal/set", {"threadId": "t", "status": "paused"})


@pytest.mark.parametrize(
    "method",
    [
        "turn/started",
        "turn/completed",
        "thread/goal/updated",
        "thread/goal/cleared",
        "thread/archived",
        "thread/deleted",
        "thread/closed",
    ],
)
def test_a_client_that_does_not_hear_one_of_them_cannot_follow_a_goal(method: str) -> None:
    goals.refuse_if_deaf({"item/agentMessage/delta"})
    with pytest.raises(InvalidInputError, match=f"without {method}: .*opt_out_notifications"):
        goals.refuse_if_deaf({method, "item/agentMessage/delta"})


def test_the_goal_in_an_event_is_the_model() -> None:
    goal = goal_of(said(GOAL))
    assert goal == ThreadGoal.model_validate(GOAL)
    assert goal_of(None) is None


def test_a_goal_that_does_not_fit_its_model_keeps_what_does() -> None:
    goal: Any = goal_of(said({**GOAL, "tokensUsed": "many", "objective": "\ud800"}))
    assert (goal.status, goal.tokens_used) == (ThreadGoalStatus.active, UnknownValue("many"))
    assert goal.objective == "\ufffd"


@pytest.mark.parametrize("params", [b"[]", b"5", b"no JSON", b'{"goal":5}', b"{}"])
def test_what_is_no_goal_at_all_is_none(params: bytes) -> None:
    assert goal_of(params) is None


def thread(**fields: Any) -> Any:
    return ThreadReadResponse.model_construct(
        thread=type("Thread", (), {"id": "t", **fields})(),
    )


def status(kind: str) -> Any:
    return type("Status", (), {"root": type("Root", (), {"type": kind})()})()


def test_a_goal_needs_a_thread_that_is_stored_and_idle() -> None:
    for ready in (thread(), thread(ephemeral=False, status=status("idle")), thread(status="of tomorrow")):
        goals.refuse_unless_ready(ready)
    with pytest.raises(InvalidRequestError, match=r"must be persisted .*: t \(start the thread without"):
        goals.refuse_unless_ready(thread(ephemeral=True))
    with pytest.raises(
        InvalidRequestError, match=r"must be idle .*: t \(wait for its turn or goal"
    ) as caught:
        goals.refuse_unless_ready(thread(status=status("active")))
    assert caught.value.code == -32600


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("expected active turn id `u1` but found `u2`", "u2"),
        ("expected active turn id u1 but found u2", "u2"),
        ("no active turn to interrupt", None),
    ],
)
def test_a_refusal_names_the_turn_that_runs_instead(message: str, found: str | None) -> None:
    assert goals.active_turn(InvalidRequestError(-32600, message)) == found
