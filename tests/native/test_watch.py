"""A second subscription to a turn or a goal, for its result: what it has, and what it leaves alone."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from codex_app_server._async.waiting import wait_ready
from codex_app_server._native import Connection, Subscription
from codex_app_server.errors import StreamClosedError, StreamOverflowError, TransportClosedError
from tests.leaks import assert_idle
from tests.native.wire import caught_up, connected, decoder, drain, finish, raw, start_turn
from tests.peer import ScriptedPeer, delta, event, started


@pytest.fixture
def connection(peer: ScriptedPeer) -> Iterator[Connection]:
    with connected(peer) as connection:
        yield connection


def item(text: str, turn_id: str = "u") -> dict[str, Any]:
    return event("item/completed", "t", turn_id, item={"type": "agentMessage", "id": "i", "text": text})


def new_turn(connection: Connection, peer: ScriptedPeer, turn_id: str = "u") -> Subscription:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started(turn_id))
    finish(call)
    return call.take_subscription()


def assert_nothing_left(connection: Connection) -> None:
    assert_idle(connection.stats)
    assert connection.stats()["turns_routed"] == 0


def result(watch: Subscription) -> list[str]:
    """The methods of all that is left."""
    return [one.method.rsplit("/", 1)[-1] for one in drain(watch)]


def test_a_watch_has_the_result_of_a_stream_that_is_read_and_closed(
    connection: Connection, peer: ScriptedPeer
) -> None:
    turn = new_turn(connection, peer)
    watch = turn.watch()
    assert (watch.thread_id, watch.turn_id, watch.finished, watch.missed) == ("t", "u", False, False)
    peer.send(delta("t", "u", "one"), item("one"))
    caught_up(connection, peer)
    assert [one.method for one in turn.drain(decoder)] == ["item/agentMessage/delta", "item/completed"]
    turn.keep()
    turn.close()
    peer.send(delta("t", "u", "two"), item("two"), event("turn/completed", "t", "u"))
    assert result(watch) == ["completed", "completed", "completed"]
    assert watch.finished
    assert watch.over
    del turn, watch
    assert_nothing_left(connection)


def test_a_watch_that_is_made_late_has_what_was_not_taken(connection: Connection, peer: ScriptedPeer) -> None:
    turn = new_turn(connection, peer)
    peer.send(item("taken"))
    caught_up(connection, peer)
    assert len(turn.drain(decoder)) == 1
    peer.send(delta("t", "u", "text"), item("stored"), event("error", "t", "u"))
    caught_up(connection, peer)
    watch = turn.watch()
    assert watch.wait(0), "an error is told at once"
    methods = [one.method for one in watch.drain_ready(decoder, 128, 20)]
    assert methods == ["item/completed", "error"]
    assert not watch.wait(0)
    peer.send(event("turn/completed", "t", "u"))
    assert result(watch) == ["completed"]
    assert len(turn.drain(decoder)) == 4


def test_what_was_taken_in_one_piece_with_what_was_drained_is_in_a_watch(
    connection: Connection, peer: ScriptedPeer
) -> None:
    turn = new_turn(connection, peer)
    peer.send(item("drained"), item("one"), delta("t", "u", "text"), item("two"))
    caught_up(connection, peer)
    assert len(turn.drain(decoder, 1)) == 1
    watch = turn.watch()
    peer.send(item("three"), event("turn/completed", "t", "u"))
    found = [raw(one).get("item", {}).get("text") for one in drain(watch)]
    assert found == ["one", "two", "three", None]
    assert len(drain(turn)) == 5


def test_what_was_recorded_is_in_a_watch_of_a_turn_that_was_read_and_closed(
    connection: Connection, peer: ScriptedPeer
) -> None:
    turn = new_turn(connection, peer)
    peer.send(item("drained"), item("one"), delta("t", "u", "text"))
    caught_up(connection, peer)
    assert len(turn.drain(decoder, 1)) == 1
    turn.record()
    peer.send(item("two"))
    caught_up(connection, peer)
    assert len(turn.drain(decoder, 1)) == 1
    turn.keep()
    turn.close()
    with pytest.raises(RuntimeError, match="closed"):
        turn.drain(decoder)
    peer.send(item("three"), event("turn/completed", "t", "u"))
    caught_up(connection, peer)
    for _ in range(2):
        found = [raw(one).get("item", {}).get("text") for one in drain(turn.watch())]
        assert found == ["one", "two", "three", None]
    turn.record()
    turn.forget()
    with pytest.raises(RuntimeError, match="is watched"):
        turn.watch()
    assert_nothing_left(connection)


def test_what_is_recorded_and_drained_in_part_is_in_a_watch_once(
    connection: Connection, peer: ScriptedPeer
) -> None:
    turn = new_turn(connection, peer)
    turn.record()
    peer.send(item("drained"), delta("t", "u", "text"), item("taken"))
    caught_up(connection, peer)
    assert len(turn.drain(decoder, 1)) == 1
    peer.send(item("stored"), event("turn/completed", "t", "u"))
    caught_up(connection, peer)
    found = [raw(one).get("item", {}).get("text") for one in drain(turn.watch())]
    assert found == ["drained", "taken", "stored", None]
    assert len(drain(turn)) == 4


def test_what_is_recorded_goes_with_its_subscription(connection: Connection, peer: ScriptedPeer) -> None:
    turn = new_turn(connection, peer)
    turn.keep()
    turn.record()
    peer.send(item("one"), item("two"))
    caught_up(connection, peer)
    assert len(turn.drain(decoder)) == 2
    turn.close()
    assert connection.stats()["mailbox_bytes"] > 0
    assert connection.stats()["turns_routed"] == 1
    del turn
    assert connection.stats()["mailbox_bytes"] == 0
    peer.send(event("turn/completed", "t", "u"))
    caught_up(connection, peer)
    assert_nothing_left(connection)


def test_what_is_closed_or_is_no_turns_is_not_recorded(connection: Connection, peer: ScriptedPeer) -> None:
    turn = new_turn(connection, peer)
    turn.close()
    for subscription in (turn, connection.subscribe_subject("watchId", "w")):
        with pytest.raises(RuntimeError, match="are recorded"):
            subscription.record()


def test_a_watch_of_much_that_was_stored_has_all_of_it(peer: ScriptedPeer) -> None:
    with connected(peer) as connection:
        turn = new_turn(connection, peer)
        peer.send(*(item("x" * 50_000) for _ in range(100)))
        caught_up(connection, peer)
        watch = turn.watch()
        assert connection.stats()["mailbox_bytes"] > 10_000_000
        peer.send(event("turn/completed", "t", "u"))
        assert result(watch) == ["completed"] * 101
        assert len(drain(turn)) == 101
        del watch, turn
        assert_nothing_left(connection)


def test_a_thread_that_waits_for_a_watch_is_woken_at_the_end(
    connection: Connection, peer: ScriptedPeer
) -> None:
    turn = new_turn(connection, peer)
    watch = turn.watch()
    found: list[list[str]] = []
    waiter = threading.Thread(target=lambda: found.append(result(watch)))
    waiter.start()
    peer.send(item("one"), event("turn/completed", "t", "u"))
    waiter.join(20)
    assert found == [["completed", "completed"]]


def test_a_task_that_waits_for_a_watch_is_woken_at_the_end(
    connection: Connection, peer: ScriptedPeer
) -> None:
    turn = new_turn(connection, peer)
    watch = turn.watch()

    async def until_it_is_over() -> bool:
        waiting = asyncio.ensure_future(wait_ready(watch, 20))
        await asyncio.sleep(0)
        peer.send(item("one"), event("turn/completed", "t", "u"))
        return await waiting

    assert asyncio.run(until_it_is_over())
    assert result(watch) == ["completed", "completed"]


def test_a_turn_whose_owner_is_gone_is_stopped_although_it_is_watched(
    connection: Connection, peer: ScriptedPeer
) -> None:
    turn = new_turn(connection, peer)
    watch = turn.watch()
    peer.send(event("turn/started", "t", "u"))
    del turn
    gc.collect()
    peer.answer(peer.expect("turn/interrupt"), {})
    peer.send(event("turn/completed", "t", "u", status="interrupted"))
    (end,) = drain(watch)
    assert raw(end)["turn"]["status"] == "interrupted"
    del watch
    assert_nothing_left(connection)


def test_what_is_asked_of_a_watch_changes_nothing_for_its_turn(
    connection: Connection, peer: ScriptedPeer
) -> None:
    turn = new_turn(connection, peer)
    turn.own()
    watch = turn.watch()
    watch.keep()
    watch.own()
    watch.settle()
    assert watch.hand_over("handle") == "handle"
    assert not watch.owes
    with pytest.raises(RuntimeError, match="only a goal is stopped"):
        watch.stop()
    with pytest.raises(RuntimeError, match="for the result only"):
        watch.select("all")
    watch.give_up()
    with pytest.raises(RuntimeError, match="closed"):
        watch.drain(decoder)
    peer.send(event("turn/started", "t", "u"), delta("t", "u", "on it goes"))
    caught_up(connection, peer)
    assert len(turn.drain(decoder)) == 2
    turn.give_up()
    peer.expect("turn/interrupt")


def test_what_is_closed_or_is_no_turns_is_not_watched(connection: Connection, peer: ScriptedPeer) -> None:
    turn = new_turn(connection, peer)
    turn.own()
    turn.close()
    stream = connection.subscribe_subject("watchId", "w")
    for subscription in (turn, stream, connection.subscribe_notifications()):
        with pytest.raises(RuntimeError, match="is watched"):
            subscription.watch()


def test_a_watch_is_idle_as_its_turn_is(connection: Connection, peer: ScriptedPeer) -> None:
    turn = new_turn(connection, peer)
    time.sleep(0.05)
    watch = turn.watch()
    idle_s = watch.idle_s()
    assert idle_s is not None
    assert idle_s >= 0.05
    peer.send(delta("t", "u", "filtered"))
    caught_up(connection, peer)
    assert (watch.idle_s() or 0) < idle_s


def test_a_watch_is_told_why_the_end_will_not_come(connection: Connection, peer: ScriptedPeer) -> None:
    turn = connection.subscribe_turn("t", "u")
    watch = turn.watch()
    turn.close()
    peer.send({"method": "thread/closed", "params": {"threadId": "t"}})
    assert watch.wait(20)
    with pytest.raises(StreamClosedError):
        watch.drain(decoder)


def test_a_watch_is_told_of_the_end_of_the_connection(connection: Connection, peer: ScriptedPeer) -> None:
    turn = connection.subscribe_turn("t", "u")
    watch = turn.watch()
    turn.close()
    peer.send(item("one"))
    caught_up(connection, peer)
    connection.close()
    assert len(watch.drain(decoder)) == 1
    with pytest.raises(TransportClosedError):
        watch.drain(decoder)


def test_an_overflow_of_the_stream_leaves_its_watch_whole(peer: ScriptedPeer) -> None:
    with connected(peer, turn_budget=50_000) as connection:
        turn = new_turn(connection, peer)
        early = turn.watch()
        for _ in range(20):
            peer.send(item("x" * 100), *(delta("t", "u", "x" * 1000) for _ in range(10)))
        caught_up(connection, peer)
        late = turn.watch()
        peer.send(event("turn/completed", "t", "u"))
        with pytest.raises(StreamOverflowError):
            drain(turn)
        for watch in (early, late):
            assert result(watch) == ["completed"] * 21
        del turn, early, late, watch
        assert_nothing_left(connection)


def test_a_watch_of_a_goal_has_all_its_turns_and_knows_the_first(
    connection: Connection, peer: ScriptedPeer
) -> None:
    goal = connection.own_thread("t", errand=("thread/goal/set", b'{"status":"paused"}'))
    assert goal is not None
    call = connection.open_call("thread/goal/set", stream=goal)
    assert call.wait(20)
    call.send(b"{}")
    peer.answer(peer.expect("thread/goal/set"), {})
    finish(call)
    watch = goal.watch()
    goal.keep()
    peer.send(event("turn/started", "t", "u"), item("one"), event("turn/completed", "t", "u"))
    caught_up(connection, peer)
    assert (watch.turn_id, watch.first_turn, watch.goes_on) == ("", "u", True)
    goal.close()
    del goal
    updated = {"method": "thread/goal/updated", "params": {"threadId": "t", "goal": {"status": "complete"}}}
    peer.send(event("turn/started", "t", "v"), updated, event("turn/completed", "t", "v"))
    assert result(watch) == ["started", "completed", "completed", "started", "completed"]
    assert (watch.first_turn, watch.goes_on) == ("u", False)
    assert json.loads(watch.latest_goal or b"")["goal"] == {"status": "complete"}
    del watch
    assert_nothing_left(connection)
