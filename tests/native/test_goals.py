"""A goal's route: whose it is, which turns it has, and what is undone when its owner goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from codex_app_server._native import Call, Connection, Subscription
from codex_app_server.errors import StreamOverflowError
from tests.native.wire import caught_up, connected, decoder, drain, texts
from tests.peer import ScriptedPeer, delta, event

PAUSE = ("thread/goal/set", b'{"threadId":"t","status":"paused"}')


@pytest.fixture
def connection(peer: ScriptedPeer) -> Iterator[Connection]:
    with connected(peer) as connection:
        yield connection


def updated(status: str) -> dict[str, Any]:
    return {"method": "thread/goal/updated", "params": {"threadId": "t", "goal": {"status": status}}}


def turn(turn_id: str, text: str, status: str = "completed") -> list[dict[str, Any]]:
    return [
        event("turn/started", "t", turn_id),
        delta("t", turn_id, text),
        event("turn/completed", "t", turn_id, status=status),
    ]


def owned(connection: Connection) -> Subscription:
    subscription = connection.own_thread("t", errand=PAUSE)
    assert subscription is not None
    return subscription


def set_goal(connection: Connection, peer: ScriptedPeer, subscription: Subscription) -> Call:
    """Sends the request that sets it, up to the answer."""
    call = connection.open_call("thread/goal/set", stream=subscription)
    assert call.wait(20)
    call.send(b"{}")
    peer.answer(peer.expect("thread/goal/set"), {})
    assert call.wait(20)
    call.take()
    return call


def test_a_goals_turns_come_in_order_until_it_is_over(connection: Connection, peer: ScriptedPeer) -> None:
    goal = owned(connection)
    assert connection.own_thread("t", errand=PAUSE) is None
    set_goal(connection, peer, goal)
    peer.send(updated("active"), *turn("u", "one"), *turn("v", "two")[:2])
    caught_up(connection, peer)
    assert (goal.first_turn, goal.running_turn, goal.over) == ("u", "v", False)
    peer.send(updated("complete"), *turn("v", "two")[2:], *turn("w", "later"))
    expected = ["started", "one", "completed", "started", "two", "completed"]
    assert texts(drain(goal)) == expected
    assert goal.over
    assert json.loads(goal.latest_goal or b"")["goal"] == {"status": "complete"}
    assert connection.stats()["streams_routed"] == 0


def test_what_is_left_before_it_was_given_away_is_paused_and_interrupted(
    connection: Connection, peer: ScriptedPeer
) -> None:
    goal = owned(connection)
    set_goal(connection, peer, goal)
    peer.send(updated("active"), event("turn/started", "t", "u"))
    caught_up(connection, peer)
    assert goal.owes
    goal.close()
    request = peer.expect("thread/goal/set")
    assert request["params"] == {"threadId": "t", "status": "paused"}
    assert peer.expect("turn/interrupt")["params"] == {"threadId": "t", "turnId": "u"}


def test_what_was_given_away_goes_on_unless_it_is_given_up(
    connection: Connection, peer: ScriptedPeer
) -> None:
    goal = owned(connection)
    set_goal(connection, peer, goal)
    goal.keep()
    assert not goal.owes
    goal.close()
    assert connection.own_thread("t", errand=PAUSE) is None
    peer.send(*turn("u", "x"), updated("complete"))
    caught_up(connection, peer)
    assert goal.over
    again = owned(connection)
    set_goal(connection, peer, again)
    again.keep()
    peer.send(event("turn/started", "t", "v"))
    caught_up(connection, peer)
    again.give_up()
    assert peer.expect()["method"] == "thread/goal/set"
    assert peer.expect()["params"]["turnId"] == "v"
    # A turn that the runtime had begun already.
    peer.send(event("turn/completed", "t", "v"), event("turn/started", "t", "w"))
    assert peer.expect()["params"]["turnId"] == "w"


@pytest.mark.parametrize("way", ["refused", "over"])
def test_what_has_not_begun_or_is_over_is_not_paused(
    way: str, connection: Connection, peer: ScriptedPeer
) -> None:
    goal = owned(connection)
    if way == "refused":
        call = connection.open_call("thread/goal/set", stream=goal)
        assert call.wait(20)
        call.send(b"{}")
        peer.refuse(peer.expect("thread/goal/set"), -32600, "no")
        assert call.wait(20)
        goal.close()
    else:
        set_goal(connection, peer, goal)
        peer.send(*turn("u", "x", status="interrupted"))
        caught_up(connection, peer)
        goal.give_up()
    caught_up(connection, peer)
    assert peer.received == 0


def test_over_budget_a_goal_gives_its_deltas_and_keeps_its_ends(peer: ScriptedPeer) -> None:
    with connected(peer, turn_budget=100_000) as connection:
        goal = owned(connection)
        set_goal(connection, peer, goal)
        peer.send(event("turn/started", "t", "u"), *(delta("t", "u", "x" * 1000) for _ in range(200)))
        peer.send(turn("u", "x")[2], *turn("v", "y"), updated("complete"))
        caught_up(connection, peer)
        with pytest.raises(StreamOverflowError):
            goal.drain(decoder)
        assert texts(drain(goal)) == ["started", "completed", "started", "completed"]


def test_a_goal_is_stopped_and_followed_to_its_end(connection: Connection, peer: ScriptedPeer) -> None:
    goal = owned(connection)
    set_goal(connection, peer, goal)
    goal.keep()
    peer.send(updated("active"), event("turn/started", "t", "u"))
    caught_up(connection, peer)
    follower = connection.subscribe_turn("t", "u")
    goal.stop()
    goal.stop()
    assert peer.expect("thread/goal/set")["params"] == {"threadId": "t", "status": "paused"}
    assert peer.expect("turn/interrupt")["params"] == {"threadId": "t", "turnId": "u"}
    peer.send(updated("paused"), event("turn/completed", "t", "u", status="interrupted"))
    assert texts(drain(goal)) == ["started", "completed"]
    # Nothing else was sent.
    caught_up(connection, peer)
    with pytest.raises(RuntimeError, match="only a goal"):
        follower.stop()
