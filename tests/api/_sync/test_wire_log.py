# Made from _async/test_wire_log.py by `python scripts/make_sync.py`; do not edit.

"""The lines of the wire on `codex_app_server.wire`, in order and without secrets; and those of stderr."""

from __future__ import annotations

import dataclasses
import logging
import re
import threading
from collections.abc import Iterator

import pytest

from codex_app_server import Codex, CodexConfig
from codex_app_server._logs import wire as wire_log
from codex_app_server.models import JsonObject
from codex_app_server.testing import OfflineModel
from tests.log_records import LogRecords
from tests.peer import ScriptedPeer

KEY = "sk-" + "0123456789abcdef" * 2
PLAIN = "Letters-Only-Secret"


@pytest.fixture
def wire() -> Iterator[LogRecords]:
    with LogRecords("codex_app_server.wire") as records:
        yield records


def test_the_lines_of_a_turn_are_logged_in_both_directions_in_wire_order(
    model: OfflineModel, wire: LogRecords
) -> None:
    wire.logger.setLevel(logging.DEBUG)
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        turn = thread.turn("hello")
        streamed = [event.method for event in turn.stream()]
        wire.until(lambda messages: any("turn/completed" in message for message in messages))
        assert {message.split(" ")[0] for message in wire.messages} == {str(codex._client.pid)}
    lines = wire.lines
    assert [line["method"] for arrow, line in lines if arrow == "->"][:4] == [
        "initialize",
        "initialized",
        "thread/start",
        "turn/start",
    ]
    received = [
        line["method"]
        for arrow, line in lines
        if arrow == "<-" and turn.id in str(line.get("params", "")) and line["method"] in streamed
    ]
    assert received == streamed
    numbers = [(arrow, line["id"]) for arrow, line in lines if "id" in line]
    assert {number for arrow, number in numbers if arrow == "->"} == {1, 2, 3}
    assert all(numbers.index(("->", number)) < numbers.index(("<-", number)) for number in (1, 2, 3))
    times = [record.created for record in wire.records]
    assert times == sorted(times)
    assert [record.msecs for record in wire.records] == [time % 1 * 1000 for time in times]


def test_nothing_is_logged_while_the_logger_is_not_enabled(model: OfflineModel, wire: LogRecords) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        thread.run("before")
        wire.logger.setLevel(logging.DEBUG)
        thread.run("meanwhile")
        wire.logger.setLevel(logging.INFO)
        thread.run("after")
        wire.until(lambda messages: any("turn/completed" in message for message in messages))
        assert not wire_log._log.lines.is_on
        texts = " ".join(wire.messages)
        assert "meanwhile" in texts
        assert "before" not in texts
        assert "after" not in texts


def test_the_log_is_turned_off_where_nobody_asks_for_anything(peer: ScriptedPeer, wire: LogRecords) -> None:
    wire.logger.setLevel(logging.DEBUG)
    with Codex(CodexConfig(launch_args_override=peer.argv)):
        wire.until(lambda messages: any('"initialized"' in message for message in messages))
        (thread,) = wire_log._log._threads
        wire.logger.setLevel(logging.INFO)
        # The next line is one too many, and its thread sees it.
        peer.send({"method": "future/thing", "params": {}})
        thread.join(20)
        assert not thread.is_alive()
        assert not wire_log._log.lines.is_on


@pytest.mark.parametrize("name", [None, "codex_app_server"])
def test_a_level_that_changes_above_it_is_seen_in_the_midst_of_a_turn(
    name: str | None, model: OfflineModel, wire: LogRecords
) -> None:
    above = logging.getLogger(name)
    level = above.level
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        model.hold()
        turn = thread.turn("hello")
        model.wait_for_requests(1)
        try:
            # No request is made from here on.
            above.setLevel(logging.DEBUG)
            stream = turn.stream()
            next(stream)
            assert wire_log._log.lines.is_on
            model.release()
            for _ in stream:
                pass
            wire.until(lambda messages: any("turn/completed" in message for message in messages))
        finally:
            above.setLevel(level)
        codex.models()
        assert not wire_log._log.lines.is_on


@pytest.mark.parametrize("how", ["level", "disabled"])
def test_the_first_request_after_the_logger_was_enabled_is_logged(
    how: str, peer: ScriptedPeer, wire: LogRecords
) -> None:
    wire.logger.disabled = True
    if how == "disabled":
        wire.logger.setLevel(logging.DEBUG)
    peer.answers["model/list"] = {"data": []}
    try:
        with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
            codex.models()
            assert not wire_log._log.lines.is_on
            wire.logger.disabled = False
            wire.logger.setLevel(logging.DEBUG)
            codex.models()
            wire.until(lambda messages: any('"data"' in message for message in messages))
        assert [line.get("method") for _, line in wire.lines] == ["model/list", None]
    finally:
        wire.logger.disabled = False


def test_whoever_pulls_requests_sees_that_the_logger_was_enabled(
    peer: ScriptedPeer, wire: LogRecords
) -> None:
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex, codex.requests() as pulled:
        peer.send({"id": 7, "method": "currentTime/read", "params": {"threadId": "t"}})
        next(pulled)
        assert not wire_log._log.lines.is_on
        wire.logger.setLevel(logging.DEBUG)
        peer.send({"id": 8, "method": "currentTime/read", "params": {"threadId": "t"}})
        next(pulled)
        assert wire_log._log.lines.is_on


def test_what_a_slow_handler_loses_is_counted_and_logged(
    peer: ScriptedPeer, wire: LogRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire_log, "_log", wire_log._WireLog(20_000))
    total = 2_000
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        peer.answers["model/list"] = {"data": []}
        codex.models()
        wire.go_on.clear()
        wire.logger.setLevel(logging.DEBUG)
        wire_log.check()
        peer.send({"method": "new/first", "params": {}})
        assert wire.is_stuck.wait(20)
        for number in range(total):
            peer.send({"method": "new/flood", "params": {"number": number}})
        codex.models()
        lost = codex.stats()["wire_lines_lost"]
        assert 0 < lost < total
        wire.go_on.set()
        wire.until(lambda messages: any('"data"' in message for message in messages))
        said = [message for message in wire.messages if "not logged" in message]
        assert said == [f"{lost} lines were not logged here, which is too slow for them"]
        # The first, its flood, a request and its answer; what is kept is the end, without a gap.
        assert len(wire.records) - 1 + lost == 1 + total + 2
        flood = [message for message in wire.messages if "flood" in message]
        numbers = [int(message.split('"number": ')[1].rstrip("}")) for message in flood]
        assert numbers == list(range(total - len(numbers), total))
        assert wire.messages[1] == said[0]
        wire_log._log.end()


def test_a_long_line_is_cut_and_tells_its_length(peer: ScriptedPeer, wire: LogRecords) -> None:
    wire.logger.setLevel(logging.DEBUG)
    with Codex(CodexConfig(launch_args_override=peer.argv)):
        line = {"method": "new/long", "params": {"text": "word " * 10_000}}
        peer.send(line)
        messages = wire.until(lambda messages: any("new/long" in message for message in messages))
    [long] = [message for message in messages if "new/long" in message]
    length = 50_000 + len('{"method": "new/long", "params": {"text": ""}}')
    assert long.endswith(f"… ({length} bytes)")
    assert 16_300 < len(long) < 16_500


def test_a_long_line_that_is_no_utf_8_tells_its_length_too(
    peer: ScriptedPeer, wire: LogRecords, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    wire.logger.setLevel(logging.DEBUG)
    config = CodexConfig(launch_args_override=peer.argv, on_stderr=told.append)
    with Codex(config):
        peer.send_raw(b"\xe9" * 20_000 + b"\n")
        messages = wire.until(lambda messages: any("\ufffd" in message for message in messages))
        peer._command(b"e", b"\xe9" * 20_000 + b"\n")
        peer.exit(3)
        peer._thread.join(20)
    caplog.clear()
    assert any(message.endswith("… (20000 bytes)") for message in messages)
    assert told[0].endswith("… (20000 bytes)")


def test_no_secret_of_a_login_is_logged(model: OfflineModel, wire: LogRecords) -> None:
    wire.logger.setLevel(logging.DEBUG)
    with Codex(model.config()) as codex:
        codex.login_api_key(KEY)
        codex.logout()
        codex.login_api_key(PLAIN)
        codex.logout()
        config: JsonObject = {"mcp_servers.other.command": "true", "mcp_servers.other.env.OTHER_TOKEN": PLAIN}
        codex.thread_start(config=config)
    wire.until(lambda messages: any("thread/started" in message for message in messages))
    texts = "\n".join(wire.messages)
    assert texts.count("account/login/start") == 2
    assert KEY not in texts
    assert PLAIN not in texts
    # They are JSON all the same.
    assert [line["params"] for _, line in wire.lines if line.get("method") == "account/login/start"] == [
        {"type": "apiKey", "apiKey": "[redacted]"}
    ] * 2


def test_controls_of_a_terminal_are_escaped(
    peer: ScriptedPeer, wire: LogRecords, caplog: pytest.LogCaptureFixture
) -> None:
    wire.logger.setLevel(logging.DEBUG)
    with Codex(CodexConfig(launch_args_override=peer.argv)):
        peer.send_raw(b"no \x1b]0;message\x07\r\n")
        peer.send_raw('{"method": "new/c1", "params": "\x9b31m"}\n'.encode())
        messages = wire.until(lambda messages: any("c1" in message for message in messages))
    caplog.clear()
    assert all(message.isprintable() for message in messages)
    assert any(r"no \u001b]0;message\u0007" in message for message in messages)


def test_a_close_waits_for_no_handler(model: OfflineModel, wire: LogRecords) -> None:
    wire.go_on.clear()
    wire.logger.setLevel(logging.DEBUG)
    with Codex(model.config()) as codex:
        assert wire.is_stuck.wait(20)
        thread = codex.thread_start()
        assert (thread.run("hello")).final_response == "hello"
    assert wire.records == []


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit])
def test_a_filter_that_fails_is_told_once_and_ends_nothing(
    kind: type[BaseException],
    model: OfflineModel,
    wire: LogRecords,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire_log, "_log", wire_log._WireLog())

    def fail(record: logging.LogRecord) -> bool:
        raise kind("broken")

    wire.logger.addFilter(fail)
    try:
        wire.logger.setLevel(logging.DEBUG)
        with Codex(model.config()) as codex:
            codex.models()
    finally:
        wire.logger.removeFilter(fail)
    wire_log._log.end()
    assert caplog.text.count("is not logged, nor is any other") == 1
    caplog.clear()


@pytest.mark.parametrize("exits", [False, True])
def test_stderr_comes_by_line_on_a_thread_of_its_own(
    exits: bool, peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[str, str]] = []
    fails = SystemExit(1) if exits else RuntimeError("broken")

    def on_stderr(line: str) -> None:
        if line == "last":
            # Slower than the end of the process.
            codex._runtime.spawned.native.wait(20)
            threading.Event().wait(0.2)
        told.append((line, threading.current_thread().name))
        if line == "two":
            raise fails

    config = CodexConfig(launch_args_override=peer.argv, on_stderr=on_stderr)
    with Codex(config) as codex:
        peer.write_stderr("one\ntwo\r\nth")
        peer.write_stderr("ree\n" + "x" * 20_000 + "\nlast")
        # Everything that was written before this is read before it.
        peer.exit(3)
        peer._thread.join(20)
    assert [thread for _, thread in told] == ["codex-stderr"] * 5
    lines = [line for line, _ in told]
    assert lines[:3] == ["one", "two", "three"]
    assert lines[3] == "x" * 16 * 1024 + "… (20000 bytes)"
    assert lines[4] == "last"
    assert "on_stderr has failed (1 times so far)" in caplog.text
    caplog.clear()


def test_what_on_stderr_raises_is_logged_ever_more_rarely(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    def on_stderr(line: str) -> None:
        raise RuntimeError(line)

    with Codex(CodexConfig(launch_args_override=peer.argv, on_stderr=on_stderr)):
        peer.write_stderr("line\n" * 9)
        peer.exit(3)
        peer._thread.join(20)
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"on_stderr has failed ({times} times so far)" for times in (1, 2, 4, 8)]
    caplog.clear()


def test_who_is_slow_to_take_stderr_holds_nothing_up_and_loses_the_oldest_lines(
    model: OfflineModel, peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()
    told: list[str] = []

    def on_stderr(line: str) -> None:
        told.append(line)
        go_on.wait(50)

    peer.answers["model/list"] = {"data": []}
    config = CodexConfig(launch_args_override=peer.argv, on_stderr=on_stderr)
    total = 3_000
    with Codex(config) as codex:
        for number in range(total):
            peer.write_stderr(f"{number} {'x' * 1_000}\n")
        while codex.stats()["stderr_lines_lost"] == 0:
            # It is answered all the time.
            codex.models()
        peer.write_stderr("the end\n")
        peer.exit(0)
        peer._thread.join(20)
        while not codex._runtime.connection.native.closed:
            pass
        go_on.set()
    lost = codex.stats()["stderr_lines_lost"]
    assert told[-1] == "the end"
    assert len(told) + lost == total + 1
    # Told where they are missing, which may be in two places.
    losses = re.findall(r"(\d+) lines of the runtime's stderr are lost", caplog.text)
    assert sum(map(int, losses)) == lost > 0
    caplog.clear()


def test_the_runtime_s_own_stderr_is_heard(model: OfflineModel) -> None:
    told: list[str] = []
    config = dataclasses.replace(model.config(), on_stderr=told.append)
    config.env = {**(config.env or {}), "RUST_LOG": "info"}
    with Codex(config) as codex:
        (codex.thread_start()).run("hello")
        tail = codex._runtime.connection.native.stderr_tail.splitlines()[:-1]
    assert tail
    assert told[told.index(tail[0]) :][: len(tail)] == tail
