"""A log of lines at the native boundary: its switch, its thread's place, what is lost, and the ends of it."""

from __future__ import annotations

import gc
import os
import threading
import time

import pytest

from codex_app_server._native import Connection, LineLog
from codex_app_server.errors import ForkedProcessError
from tests.native.wire import caught_up, connected
from tests.peer import ScriptedPeer


def drained(log: LineLog) -> list[tuple[str, int, float, str, int, bool]]:
    """All entries, once the log is off."""
    entries = []
    while (batch := log.next()) is not None:
        entries += batch
    return entries


def test_entries_say_where_when_and_how_long() -> None:
    log = LineLog()
    with ScriptedPeer() as peer, connected(peer, wire_log=log) as connection:
        caught_up(connection, peer)
        begun = time.time()
        assert log.turn_on()
        assert log.is_on
        caught_up(connection, peer)
        log.turn_off()
        caught_up(connection, peer)
        (sent, received) = drained(log)
        assert connection.stats()["wire_lines_lost"] == 0
    assert sent[0] == "sent"
    assert sent[3] == '{"id":2,"method":"model/list","params":{}}'
    assert received[0] == "received"
    assert received[3] == '{"id": 2, "result": {}}'
    for _, pid, at, text, length, is_cut in (sent, received):
        assert (pid, length, is_cut) == (connection.pid, len(text), False)
        assert begun - 1 < at < time.time() + 1


def test_connections_share_a_log_and_each_counts_its_own_losses() -> None:
    log = LineLog(1_000)
    assert log.turn_on()
    with (
        ScriptedPeer() as first,
        ScriptedPeer() as second,
        connected(first, wire_log=log) as one,
        connected(second, wire_log=log) as other,
    ):
        caught_up(one, first)
        for _ in range(20):
            caught_up(other, second)
        log.turn_off()
        lost = one.stats()["wire_lines_lost"], other.stats()["wire_lines_lost"]
        (told, *lines) = drained(log)
        assert told == ("lost", 0, 0.0, "", sum(lost), False)
        assert lost[0] == 2
        assert len(lines) + sum(lost) == 42


def test_the_place_of_the_thread_is_given_once() -> None:
    log = LineLog()
    assert log.turn_on()
    assert log.turn_on()
    assert log.claim()
    assert not log.claim()
    assert not log.turn_on()
    log.resign()
    assert not log.is_on
    assert log.turn_on()
    assert log.claim()
    log.turn_off()
    assert log.next() is None
    assert log.claim()
    log.end()
    assert not log.turn_on()
    assert log.next() is None


def test_a_thread_that_waits_for_lines_holds_the_interpreter_up_for_nobody() -> None:
    log = LineLog()
    assert log.turn_on()
    ended = threading.Event()

    def drain() -> None:
        drained(log)
        ended.set()

    threading.Thread(target=drain, daemon=True).start()
    assert not ended.wait(0.05)
    log.end()
    assert ended.wait(20)


def test_stderr_ends_with_the_process() -> None:
    log = LineLog()
    assert log.turn_on()
    with ScriptedPeer() as peer, connected(peer, stderr_log=log):
        peer.write_stderr("one\ntwo")
        peer.exit(0)
        entries = drained(log)
    assert [(origin, text, length) for origin, _, _, text, length, _ in entries] == [
        ("stderr", "one", 3),
        ("stderr", "two", 3),
    ]


def test_what_was_cut_is_told_also_where_the_text_has_more_bytes_than_the_line() -> None:
    log = LineLog()
    assert log.turn_on()
    with ScriptedPeer() as peer, connected(peer, wire_log=log) as connection:
        peer.send_raw(b"\xe9" * 20_000 + b"\n")
        caught_up(connection, peer)
    log.turn_off()
    ((text, length, is_cut),) = [entry[3:] for entry in drained(log) if entry[3].startswith("\ufffd")]
    assert (length, is_cut) == (20_000, True)
    assert len(text.encode()) > length


def test_a_process_that_cannot_be_started_leaves_the_log_as_it_is() -> None:
    log = LineLog()
    assert log.turn_on()
    with pytest.raises(OSError, match="nothing"):
        Connection(["/nothing"], stderr_log=log)
    assert log.is_on


def test_a_forked_child_is_refused_and_drops_nothing() -> None:
    log = LineLog()
    assert log.turn_on()
    pid = os.fork()
    if pid == 0:  # pragma: no cover
        code = 1
        try:
            log.next()
        except ForkedProcessError:
            del log
            gc.collect()
            code = 0
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
