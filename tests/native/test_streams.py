"""Notifications that are no turn's: who gets them, what is dropped, what is undone when a consumer goes."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from codex_app_server._async.waiting import wait_ready
from codex_app_server._native import Call, Connection, Subscription
from codex_app_server.errors import (
    ClientClosedError,
    InvalidRequestError,
    StreamOverflowError,
    TransportClosedError,
)
from codex_app_server.models import Notification
from tests.leaks import assert_idle
from tests.native.wire import caught_up, connected, decoder, drain, finish, raw, start_turn
from tests.peer import ScriptedPeer, delta, event, started


@pytest.fixture
def connection(peer: ScriptedPeer) -> Iterator[Connection]:
    with connected(peer) as connection:
        yield connection


def changed(watch_id: str, *paths: str) -> dict[str, Any]:
    return {"method": "fs/changed", "params": {"watchId": watch_id, "changedPaths": paths}}


def output(process_id: str, text: str) -> dict[str, Any]:
    params = {"processHandle": process_id, "stream": "stdout", "deltaBase64": text, "capReached": False}
    return {"method": "process/outputDelta", "params": params}


def exited(process_id: str) -> dict[str, Any]:
    return {"method": "process/exited", "params": {"processHandle": process_id, "exitCode": 0}}


def named(thread_id: str, name: str) -> dict[str, Any]:
    return {"method": "thread/name/updated", "params": {"threadId": thread_id, "threadName": name}}


def methods(events: list[Notification]) -> list[str]:
    return [one.method for one in events]


def watch(connection: Connection, watch_id: str = "w") -> tuple[Subscription, Call]:
    """A subscription, and the request that it is about, written."""
    errand = ("fs/unwatch", f'{{"watchId":"{watch_id}"}}'.encode())
    subscription = connection.subscribe_subject("watchId", watch_id, errand=errand)
    call = connection.open_call("fs/watch", stream=subscription)
    assert call.wait(20)
    assert not subscription.owes
    call.send(b"{}")
    return subscription, call


# --- who gets what


def test_a_listener_gets_the_methods_it_asked_for_and_a_turns_only_then(
    connection: Connection, peer: ScriptedPeer
) -> None:
    everything = connection.subscribe_notifications()
    turns = connection.subscribe_notifications(["turn/completed", "brand/new"])
    of_thread = connection.subscribe_notifications(thread_id="t")
    ends_of_thread = connection.subscribe_notifications(["turn/completed"], thread_id="t")
    nothing = connection.subscribe_notifications([])
    peer.send(
        delta("t", "u", "x"),
        event("turn/completed", "t", "u"),
        event("turn/completed", "other", "v"),
        named("t", "n"),
        named("other", "n"),
        changed("w"),
        {"method": "brand/new", "params": {"turnId": "u"}},
        {"method": "brand/newer", "params": {}},
    )
    caught_up(connection, peer)
    assert methods(everything.drain(decoder)) == [
        "thread/name/updated",
        "thread/name/updated",
        "fs/changed",
        "brand/newer",
    ]
    assert methods(turns.drain(decoder)) == ["turn/completed", "turn/completed", "brand/new"]
    assert [one.payload["threadName"] for one in of_thread.drain(decoder)] == ["n"]
    assert [one.payload["turn"]["id"] for one in ends_of_thread.drain(decoder)] == ["u"]
    assert nothing.drain(decoder) == []
    assert connection.stats()["streams_routed"] == 5


def test_a_listener_to_turns_and_the_turns_own_consumer_both_get_its_events(
    connection: Connection, peer: ScriptedPeer
) -> None:
    watching = connection.subscribe_notifications(["turn/completed"])
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    peer.send(delta("t", "u", "x"), event("turn/completed", "t", "u"))
    finish(call)
    assert methods(drain(call.take_subscription())) == ["item/agentMessage/delta", "turn/completed"]
    assert methods(watching.drain(decoder)) == ["turn/completed"]
    assert not watching.finished


def test_before_the_first_subscription_events_are_counted_and_not_kept(
    connection: Connection, peer: ScriptedPeer
) -> None:
    peer.send(named("t", "early"), changed("w"))
    caught_up(connection, peer)
    assert connection.stats()["events_unclaimed"] == 2
    assert connection.stats()["mailbox_bytes"] == 0
    everything = connection.subscribe_notifications()
    peer.send(named("t", "late"))
    assert everything.wait(20)
    assert [one.payload["threadName"] for one in everything.drain(decoder)] == ["late"]
    assert connection.stats()["events_unclaimed"] == 2


def test_what_names_no_stream_is_a_value_error(connection: Connection) -> None:
    with pytest.raises(ValueError, match='"threadId" names no stream'):
        connection.subscribe_subject("threadId", "t")
    assert connection.stats()["streams_routed"] == 0


def test_the_last_word_alone_wakes_who_asked_for_it(connection: Connection, peer: ScriptedPeer) -> None:
    end = connection.subscribe_subject("processHandle", "p")
    end.select("end")
    peer.send(output("p", "a"))
    caught_up(connection, peer)
    assert not end.wait(0)
    peer.send(exited("p"))
    assert end.wait(20)
    assert methods(drain(end)) == ["process/exited"]
    assert connection.stats()["streams_routed"] == 0


@pytest.mark.parametrize("ending", ["exit", "close"])
def test_every_kind_of_stream_ends_with_the_connection(ending: str, peer: ScriptedPeer) -> None:
    with connected(peer) as connection:
        streams = [
            connection.subscribe_notifications(),
            connection.subscribe_subject("watchId", "w"),
        ]
        peer.send(named("t", "n"), changed("w"))
        caught_up(connection, peer)
        if ending == "exit":
            peer.exit(3)
        else:
            connection.close()
        streams.append(connection.subscribe_notifications())
        for stream in streams:
            with pytest.raises(TransportClosedError) as caught:
                drain(stream)
            assert isinstance(caught.value, ClientClosedError) is (ending == "close")


# --- what is dropped


BUDGET = 100_000


def fill(connection: Connection, peer: ScriptedPeer, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        peer.send(changed("w", f"{number}", "p" * 1000))
    caught_up(connection, peer)


def numbers(events: list[Notification]) -> list[int]:
    return [int(raw(one)["changedPaths"][0]) for one in events]


def read(subscription: Subscription) -> list[int | StreamOverflowError]:
    """Everything that is there, and what was told of losses, in order."""
    found: list[int | StreamOverflowError] = []
    while subscription.wait(0):
        try:
            found += numbers(subscription.drain(decoder))
        except StreamOverflowError as error:
            found.append(error)
    return found


@pytest.mark.parametrize("kind", ["subject", "notifications", "thread"])
def test_a_flood_is_bounded_counted_and_told_where_it_happened(kind: str, peer: ScriptedPeer) -> None:
    with connected(peer, turn_budget=BUDGET) as connection:
        if kind == "subject":
            subscription = connection.subscribe_subject("watchId", "w")
        elif kind == "notifications":
            subscription = connection.subscribe_notifications(["fs/changed"])
        else:
            subscription = connection.subscribe_notifications(thread_id="t")
        for number in range(200):
            path = {"changedPaths": [str(number), "p" * 1000], "watchId": "w", "threadId": "t"}
            # Known to have no thread, fs/changed reaches a thread's listeners by no name of its own.
            method = "fs/future" if kind == "thread" else "fs/changed"
            peer.send({"method": method, "params": path})
        caught_up(connection, peer)
        stats = connection.stats()
        assert stats["mailbox_bytes"] <= BUDGET
        assert stats["events_lost"] > 100
        assert stats["bytes_lost"] > 1000 * stats["events_lost"]
        found = read(subscription)
        kept = len(found) - 1
        assert found[:-1] == list(range(kept))
        overflow = found[-1]
        assert isinstance(overflow, StreamOverflowError)
        assert overflow.lost_events == stats["events_lost"] == 200 - kept
        assert overflow.lost_bytes == stats["bytes_lost"]
        assert overflow.turn_id is None
        assert overflow.thread_id == ("t" if kind == "thread" else None)
        assert ("watchId w" in str(overflow)) is (kind == "subject")
        if kind != "thread":
            fill(connection, peer, 3, first=200)
            assert read(subscription) == [200, 201, 202]
        assert connection.stats()["mailbox_bytes"] == 0


def test_each_overflow_is_told_once(peer: ScriptedPeer) -> None:
    with connected(peer, turn_budget=BUDGET) as connection:
        subscription = connection.subscribe_subject("watchId", "w")
        told = []
        for _ in range(3):
            fill(connection, peer, 200)
            told.append([one for one in read(subscription) if isinstance(one, StreamOverflowError)])
        assert [len(errors) for errors in told] == [1, 1, 1]
        assert sum(error.lost_events for (error,) in told) == connection.stats()["events_lost"]


def test_the_exit_of_a_process_survives_its_output(peer: ScriptedPeer) -> None:
    with connected(peer, turn_budget=20_000) as connection:
        subscription = connection.subscribe_subject("processHandle", "p")
        peer.send(*(output("p", "o" * 1000) for _ in range(100)), exited("p"))
        caught_up(connection, peer)
        events: list[Notification] = []
        lost = 0
        while not subscription.finished:
            try:
                events += subscription.drain(decoder)
            except StreamOverflowError as error:
                lost += error.lost_events
        assert events[-1].method == "process/exited"
        assert len(events) - 1 + lost == 100


def test_the_largest_stream_gives_way_for_the_whole_connection(peer: ScriptedPeer) -> None:
    with connected(peer, total_budget=BUDGET) as connection:
        big = connection.subscribe_subject("watchId", "w")
        small = connection.subscribe_notifications(["thread/name/updated"])
        peer.send(named("t", "kept"))
        fill(connection, peer, 200)
        assert connection.stats()["mailbox_bytes"] <= BUDGET
        found = read(big)
        assert isinstance(found[0], StreamOverflowError)
        assert found[0].lost_events == connection.stats()["events_lost"] > 0
        assert found[1:] == list(range(found[0].lost_events, 200))
        assert methods(small.drain(decoder)) == ["thread/name/updated"]


# --- what is undone


@pytest.mark.parametrize("way", ["close", "give_up", "forget"])
def test_a_stream_that_is_left_in_the_middle_is_undone(
    way: str, connection: Connection, peer: ScriptedPeer
) -> None:
    subscription, call = watch(connection)
    peer.answer(peer.expect("fs/watch"), {"path": "/"})
    finish(call)
    assert subscription.owes
    if way == "close":
        subscription.close()
        subscription.close()
    elif way == "give_up":
        subscription.give_up()
    del subscription, call
    gc.collect()
    unwatch = peer.expect("fs/unwatch")
    assert unwatch["params"] == {"watchId": "w"}
    peer.refuse(unwatch, -32600, "no such watch")
    caught_up(connection, peer)
    assert peer.received == 0
    stats = connection.stats()
    assert (stats["errands_sent"], stats["streams_routed"], stats["requests_pending"]) == (1, 0, 0)


def test_a_request_that_was_given_up_on_the_wire_is_undone_behind_it(
    connection: Connection, peer: ScriptedPeer
) -> None:
    subscription, call = watch(connection)
    request = peer.expect("fs/watch")
    call.abandon()
    subscription.close()
    peer.answer(request, {"path": "/"})
    peer.answer(peer.expect("fs/unwatch"), {})
    caught_up(connection, peer)
    assert connection.stats()["requests_pending"] == 0


def test_what_was_never_written_is_not_undone(connection: Connection, peer: ScriptedPeer) -> None:
    subscription = connection.subscribe_subject("watchId", "w", errand=("fs/unwatch", b"{}"))
    call = connection.open_call("fs/watch", stream=subscription)
    assert call.wait(20)
    call.abandon()
    subscription.close()
    caught_up(connection, peer)
    assert peer.received == 0
    assert connection.stats()["errands_sent"] == 0


def test_a_refused_request_is_not_undone_and_can_be_made_again(
    connection: Connection, peer: ScriptedPeer
) -> None:
    subscription, call = watch(connection)
    peer.refuse(peer.expect("fs/watch"), -32600, "no")
    with pytest.raises(InvalidRequestError):
        finish(call)
    assert not subscription.owes
    again = connection.open_call("fs/watch", stream=subscription)
    assert again.wait(20)
    again.send(b"{}")
    peer.answer(peer.expect("fs/watch"), {})
    finish(again)
    peer.send(changed("w", "1"))
    assert subscription.wait(20)
    assert numbers(subscription.drain(decoder)) == [1]
    assert subscription.owes


def test_what_the_consumer_has_undone_is_not_undone_again(connection: Connection, peer: ScriptedPeer) -> None:
    subscription, call = watch(connection)
    peer.answer(peer.expect("fs/watch"), {})
    finish(call)
    subscription.settle()
    subscription.close()
    caught_up(connection, peer)
    assert peer.received == 0


def test_what_has_ended_by_itself_is_not_undone(connection: Connection, peer: ScriptedPeer) -> None:
    subscription = connection.subscribe_subject("processHandle", "p", errand=("process/kill", b"{}"))
    call = connection.open_call("process/spawn", stream=subscription)
    assert call.wait(20)
    call.send(b"{}")
    peer.send(exited("p"))
    peer.answer(peer.expect("process/spawn"), {})
    finish(call)
    subscription.close()
    caught_up(connection, peer)
    assert peer.received == 0


@pytest.mark.parametrize("refused", [False, True])
def test_an_answer_ends_its_stream_behind_the_last_output(
    refused: bool, connection: Connection, peer: ScriptedPeer
) -> None:
    errand = ("command/exec/terminate", b"{}")
    subscription = connection.subscribe_subject("processId", "c", errand=errand)
    call = connection.open_call("command/exec", stream=subscription, until_answer=True)
    assert call.open_ended
    assert call.wait(20)
    call.send(b"{}")
    request = peer.expect("command/exec")
    last = {"method": "command/exec/outputDelta", "params": {"processId": "c", "deltaBase64": ""}}
    if refused:
        peer.refuse(request, -32600, "no")
    else:
        peer.send(last)
        peer.answer(request, {"exitCode": 0})
    assert call.wait(20)
    assert len(drain(subscription)) == (0 if refused else 1)
    assert subscription.wait(0)
    subscription.close()
    caught_up(connection, peer)
    assert peer.received == 0
    assert connection.stats()["streams_routed"] == 0


def test_a_loop_that_waits_is_woken_by_the_answer_that_ends_its_stream(
    connection: Connection, peer: ScriptedPeer
) -> None:
    subscription = connection.subscribe_subject("processId", "c")
    call = connection.open_call("command/exec", stream=subscription, until_answer=True)
    assert call.wait(20)
    call.send(b"{}")

    async def until_it_is_over() -> bool:
        waiting = asyncio.ensure_future(wait_ready(subscription))
        await asyncio.sleep(0)
        peer.answer(peer.expect("command/exec"), {"exitCode": 0})
        return await waiting

    assert asyncio.run(until_it_is_over())
    assert drain(subscription) == []


def test_a_stream_that_was_left_before_its_request_was_written_is_undone_behind_it(
    connection: Connection, peer: ScriptedPeer
) -> None:
    subscription = connection.subscribe_subject("watchId", "w", errand=("fs/unwatch", b"{}"))
    call = connection.open_call("fs/watch", stream=subscription)
    assert call.wait(20)
    subscription.close()
    call.send(b"{}")
    peer.answer(peer.expect("fs/watch"), {})
    peer.answer(peer.expect("fs/unwatch"), {})
    finish(call)


def test_nothing_is_undone_on_a_connection_that_has_ended(peer: ScriptedPeer) -> None:
    with connected(peer) as connection:
        subscription, call = watch(connection)
        peer.answer(peer.expect("fs/watch"), {})
        finish(call)
        connection.close()
        assert not subscription.owes
        subscription.close()
        assert connection.stats()["errands_sent"] == 0


def test_errands_of_many_streams_all_arrive(connection: Connection, peer: ScriptedPeer) -> None:
    watches = []
    for number in range(100):
        watches.append(watch(connection, f"w{number}"))
        peer.answer(peer.expect("fs/watch"), {})
        finish(watches[-1][1])
    del watches
    gc.collect()
    undone = []
    for _ in range(100):
        request = peer.expect("fs/unwatch")
        undone.append(request["params"]["watchId"])
        peer.answer(request, {})
    assert sorted(undone) == sorted(f"w{number}" for number in range(100))
    caught_up(connection, peer)
    assert connection.stats()["streams_routed"] == 0


# --- at once


def test_a_start_and_a_leave_at_once_leave_nothing_running(
    connection: Connection, peer: ScriptedPeer
) -> None:
    running: set[str] = set()
    begun = 0
    # A call that is forgotten is given up.
    kept: list[Call] = []

    def begin(params: dict[str, Any]) -> dict[str, Any]:
        nonlocal begun
        begun += 1
        running.add(params["watchId"])
        return {}

    def end(params: dict[str, Any]) -> dict[str, Any]:
        running.discard(params["watchId"])
        return {}

    peer.answers |= {"fs/watch": begin, "fs/unwatch": end}
    for number in range(400):
        params = f'{{"watchId":"{number}"}}'.encode()
        subscription = connection.subscribe_subject("watchId", f"{number}", errand=("fs/unwatch", params))
        call = connection.open_call("fs/watch", stream=subscription)
        kept.append(call)
        assert call.wait(20)

        def leave(call: Call = call, subscription: Subscription = subscription, number: int = number) -> None:
            for _ in range(number % 40):
                call.admitted  # noqa: B018
            if number % 2:
                call.abandon()
            subscription.close()

        leaving = threading.Thread(target=leave)
        leaving.start()
        with suppress(RuntimeError):  # given up before
            call.send(params)
        leaving.join()
    caught_up(connection, peer)
    assert_idle(connection.stats)
    assert begun >= 200
    assert running == set()


def test_listeners_come_and_go_while_events_pour_in(connection: Connection, peer: ScriptedPeer) -> None:
    stop = threading.Event()
    burst = [changed("w", "1"), named("t", "n"), delta("t", "u", "x"), exited("p")] * 100

    def flood() -> None:
        while not stop.is_set():
            peer.send(*burst)

    def listen() -> int:
        seen = 0
        for number in range(150):
            subscriptions = [
                connection.subscribe_notifications(),
                connection.subscribe_notifications(["turn/completed", "fs/changed"], thread_id=None),
                connection.subscribe_subject("watchId", "w"),
                connection.subscribe_subject("processHandle", "p"),
            ]
            if number % 3 == 0:
                assert subscriptions[2].wait(20)
                seen += len(subscriptions[2].drain(decoder))
            for subscription in subscriptions:
                subscription.close()
        return seen

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            seen = [pool.submit(listen) for _ in range(4)]
            assert all(one.result(60) >= 50 for one in seen)
    finally:
        stop.set()
        flooding.join()
    caught_up(connection, peer)
    stats = connection.stats()
    assert (stats["streams_routed"], stats["mailbox_bytes"], stats["events_lost"]) == (0, 0, 0)
