"""What threads may share: a client, a handle, a stream. Without the interpreter's lock they run at once."""

from __future__ import annotations

import os
import select
import threading
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from codex_app_server import Codex, CodexConfig, StreamClosedError, TransportClosedError
from codex_app_server._native import Connection
from codex_app_server._sync.turn import TurnHandle
from codex_app_server.models import Notification, ThreadNameUpdatedNotification
from codex_app_server.testing import OfflineModel
from tests.api._sync.concurrency import Background
from tests.leaks import Footprint, assert_idle
from tests.payloads import delta as delta_of
from tests.payloads import payload
from tests.peer import ScriptedPeer, delta, event
from tests.threads.crowd import at_once, pairs

CROWD = 16


@pytest.fixture
def codex(peer: ScriptedPeer) -> Iterator[Codex]:
    peer.answers["model/list"] = {"data": []}
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        yield codex


def named(name: str) -> dict[str, Any]:
    return {"method": "thread/name/updated", "params": {"threadId": "t", "threadName": name}}


def name_of(event: Notification) -> str | None:
    return payload(event, ThreadNameUpdatedNotification).thread_name


# --- a client


@pytest.mark.timeout(180)
def test_64_threads_run_turns_of_one_client(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        found = at_once(
            64, lambda number: codex.thread_start(ephemeral=True).run(f"turn {number}").final_response
        )
        assert found == [f"turn {number}" for number in range(64)]
        assert_idle(codex.stats)


def test_threads_that_wait_are_told_when_another_closes_the_client(codex: Codex) -> None:
    streams = [codex.notifications() for _ in range(CROWD)]

    def follow(number: int) -> str:
        if number == CROWD:
            codex.close()
            return "closed"
        with pytest.raises(TransportClosedError):
            next(streams[number])
        return "told"

    assert at_once(CROWD + 1, follow) == ["told"] * CROWD + ["closed"]


# --- a handle


def test_threads_that_open_and_leave_streams_of_one_handle_are_all_counted(codex: Codex) -> None:
    turn = TurnHandle(codex, "t", "u")
    anchor = turn.stream()

    def come_and_go(number: int) -> None:
        for _ in range(500):
            turn.stream().close()

    at_once(CROWD, come_and_go)
    assert not turn._cursor._closed
    anchor.close()
    assert turn._cursor._closed
    turn.close()
    assert codex.stats()["turns_routed"] == 0


def test_a_stream_that_two_threads_close_leaves_the_others_open(codex: Codex, peer: ScriptedPeer) -> None:
    turn = TurnHandle(codex, "t", "u")
    anchor = turn.stream()
    pairs([turn.stream().close for _ in range(2000)])
    peer.send(event("turn/completed", "t", "u"))
    assert [one.method for one in anchor] == ["turn/completed"]
    assert codex.stats()["turns_routed"] == 0


def test_of_two_threads_that_want_a_turns_result_one_gets_it(codex: Codex) -> None:
    def collect(turn: TurnHandle) -> bool:
        try:
            turn._cursor.collect()
        except StreamClosedError:
            return False
        return True

    turns = [TurnHandle(codex, "t", f"u{number}") for number in range(2000)]
    found = pairs([partial(collect, turn) for turn in turns])
    assert all(sorted(pair) == [False, True] for pair in found)


def test_a_turn_that_is_kept_goes_to_one_of_two_threads_that_ask_for_it(codex: Codex) -> None:
    connection = codex._runtime.connection
    ids = [("t", f"u{number}") for number in range(2000)]
    for each in ids:
        connection.keep(connection.native.subscribe_turn(*each))
    kept = list(connection.unclaimed.values())
    found = pairs([partial(connection.subscribe, *each) for each in ids])
    assert [pair.count(one) for one, pair in zip(kept, found, strict=True)] == [1] * len(ids)
    assert connection.unclaimed == {}


# --- a stream


def test_threads_that_read_one_stream_get_each_event_once_and_in_order(
    codex: Codex, peer: ScriptedPeer
) -> None:
    count = 20_000
    turn = TurnHandle(codex, "t", "u")
    stream = turn.stream()
    sent = [delta("t", "u", str(number)) for number in range(count)]
    peer.send(*sent, event("turn/completed", "t", "u"))
    found = at_once(8, lambda _: [int(delta_of(one)) for one in stream if one.method != "turn/completed"])
    assert all(part == sorted(part) for part in found)
    assert sorted(number for part in found for number in part) == list(range(count))
    turn.close()  # and with it what its result needs
    assert_idle(codex.stats)


def test_a_stream_that_is_closed_during_a_read_is_over(codex: Codex, peer: ScriptedPeer) -> None:
    stream = codex.notifications()

    class ClosedAfterTheDrain:
        """Another thread closes the stream when its events are drained, and not yet with their reader."""

        native = stream._feed._subscription
        close = native.close

        def drain_ready(self, *arguments: Any) -> list[Notification]:
            events = self.native.drain_ready(*arguments)
            at_once(1, lambda _: stream.close())
            return events

    stream._feed._subscription = ClosedAfterTheDrain()  # type: ignore[assignment]
    peer.send(named("one"), named("two"))
    assert list(stream) == []
    assert list(stream) == []


def test_streams_are_closed_by_one_thread_while_another_reads_them(codex: Codex, peer: ScriptedPeer) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            peer.send(*(named("n") for _ in range(50)))
            codex.models()  # it is read, so the next ones are not held up by the pipe

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for _ in range(100):
            stream = codex.notifications()
            reading = Background(partial(list, stream))
            stream.close()
            assert {name_of(one) for one in reading.result()} <= {"n"}
    finally:
        stop.set()
        writing.join()
    assert codex.stats()["streams_routed"] == 0


# --- a process


def test_a_fork_beside_threads_that_start_runtimes_holds_up_neither_side() -> None:
    """A fork in the midst of a start would give the child the pipe that reports it, or a lock for ever."""
    stop = threading.Event()
    starts = [0] * 4

    def start() -> None:
        # The child of a fork has the end of its input, too, for as long as it lives.
        connection = Connection(["/bin/cat"], eof_grace_s=0.05)
        connection.close()
        assert connection.wait(20)

    def keep_starting(number: int) -> None:
        while not stop.is_set():
            start()
            starts[number] += 1

    def all_start_again() -> None:
        before = list(starts)
        Footprint.wait_until(lambda: all(now > then + 1 for now, then in zip(starts, before, strict=True)))

    threads = [threading.Thread(target=keep_starting, args=(number,)) for number in range(len(starts))]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            all_start_again()
            (told, tell), (held, hold) = os.pipe(), os.pipe()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks with threads
                child = os.fork()
            if child == 0:  # pragma: no cover
                os.close(hold)
                with suppress(BaseException):
                    start()
                    os.write(tell, b"started")
                    os.read(held, 1)
                os._exit(0)
            os.close(tell)
            with os.fdopen(told, "rb") as telling, os.fdopen(hold, "wb"):
                os.close(held)
                assert select.select([telling], [], [], 20)[0], "the child hangs"
                assert os.read(telling.fileno(), 7) == b"started"
                all_start_again()
            os.waitpid(child, 0)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
