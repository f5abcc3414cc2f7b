"""Interleavings and faults that once went wrong, each forced."""

from __future__ import annotations

import ctypes
import gc
import json
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from codex_app_server._incoming import decoding
from codex_app_server._native import Connection, Decoder
from codex_app_server.errors import ParseError, StreamOverflowError, TransportClosedError
from codex_app_server.models import Notification
from tests.leaks import Footprint
from tests.native.wire import caught_up, connected, decoder, drain, finish, start, start_turn, texts
from tests.peer import ScriptedPeer, delta, event, started
from tests.processes import kill

DEAF = [sys.executable, "-S", "-E", "-c", "import time; time.sleep(1000)"]


@pytest.fixture
def connection(peer: ScriptedPeer) -> Iterator[Connection]:
    with connected(peer) as connection:
        yield connection


@pytest.mark.parametrize("end", ["close", "kill"])
def test_a_request_that_waits_for_the_pipe_ends_with_the_connection(end: str) -> None:
    connection = Connection(DEAF, eof_grace_s=0.05, term_grace_s=0.05)
    calls = []
    for text in ("x" * 1_000_000, "", ""):
        call = connection.open_call("thread/read")
        call.send(json.dumps(text).encode())
        calls.append(call)
    if end == "close":
        connection.close()
    else:
        kill(connection.pid)
    assert connection.wait(20)
    for call in calls:
        assert call.wait(20)
        with pytest.raises(TransportClosedError):
            call.take()


def test_leftovers_that_flood_stdout_do_not_keep_a_dead_runtime_alive(tmp_path: Path) -> None:
    script = tmp_path / "runtime.py"
    script.write_text(
        "import subprocess, sys\n"
        "flood = [subprocess.Popen(['yes'], start_new_session=True) for _ in range(3)]\n"
        "open(sys.argv[1], 'w').write(' '.join(str(one.pid) for one in flood))\n"
        "sys.stdin.readline()\nsys.exit(5)\n"
    )
    pids = tmp_path / "pids"
    connection = Connection([sys.executable, str(script), str(pids)])
    call = start(connection, "thread/read")
    try:
        assert call.wait(20)
        with pytest.raises(TransportClosedError) as caught:
            call.take()
        assert caught.value.exit_code == 5
        assert connection.wait(20)
    finally:
        for pid in pids.read_text().split():
            kill(int(pid))


def test_a_signal_that_ends_a_wait_takes_no_event(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(call)
    subscription = call.take_subscription()

    class Interrupted(Exception):
        pass

    def handler(*_: object) -> None:
        raise Interrupted

    main = threading.main_thread().ident or 0

    def waits() -> bool:
        """Whether the main thread stands in the line that waits, where it lets go of the GIL."""
        frame = sys._current_frames()[main]
        line = frame.f_code.co_firstlineno + 3
        return frame.f_code is interrupted.__code__ and frame.f_lineno == line

    def interrupt() -> None:
        while not waits():
            time.sleep(0)
        signal.pthread_kill(main, signal.SIGUSR1)
        peer.send(delta("t", "u", str(number)))

    def interrupted() -> None:
        with ThreadPoolExecutor() as pool:
            pool.submit(interrupt)
            subscription.drain_ready(decoder, 16)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        for number in range(50):
            with pytest.raises(Interrupted):
                interrupted()
            assert subscription.wait(20)
            assert texts(subscription.drain_ready(decoder, 16)) == [str(number)]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_late_start_does_not_interrupt_who_is_joining(connection: Connection, peer: ScriptedPeer) -> None:
    first = start_turn(connection, "t")
    request = peer.expect("turn/start")
    second = start_turn(connection, "t")
    other = peer.expect("turn/start")
    first.abandon()
    peer.answer(request, started("u"))
    peer.answer(other, started("u"))
    finish(second)
    caught_up(connection, peer)
    assert connection.stats()["errands_sent"] == 0


@pytest.mark.parametrize("how", ["abandon", "give_up"])
def test_who_leaves_does_not_interrupt_who_is_joining(
    connection: Connection, peer: ScriptedPeer, how: str
) -> None:
    first = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    assert first.wait(20)
    subscription = None
    if how == "give_up":
        finish(first)
        subscription = first.take_subscription()
    second = start_turn(connection, "t")
    other = peer.expect("turn/start")
    if subscription is None:
        first.abandon()
    else:
        subscription.give_up()
    peer.answer(other, started("u"))
    finish(second)
    caught_up(connection, peer)
    assert connection.stats()["errands_sent"] == 0


def test_a_listener_that_leaves_does_not_make_the_next_joiner_an_owner(
    connection: Connection, peer: ScriptedPeer
) -> None:
    first = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(first)
    subscription = first.take_subscription()
    connection.subscribe_turn("t", "u").close()
    subscription.close()
    second = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(second)
    second.take_subscription().give_up()
    caught_up(connection, peer)
    assert connection.stats()["errands_sent"] == 0


def test_an_abandon_that_races_with_the_answer_leaves_no_subscriber(
    connection: Connection, peer: ScriptedPeer
) -> None:
    keeping = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(keeping)
    subscription = keeping.take_subscription()
    for number in range(1000):
        call = start_turn(connection, "t")
        peer.answer(peer.expect("turn/start"), started("u"))
        for _ in range((number * 37) % 4000):  # somewhere around the answer's arrival
            pass
        call.abandon()
    caught_up(connection, peer)
    peer.send(delta("t", "u", "x"))
    caught_up(connection, peer)
    assert texts(subscription.drain(decoder)) == ["x"]
    assert connection.stats()["mailbox_bytes"] == 0


def test_a_turn_that_is_over_and_unread_gives_way_like_any_other(peer: ScriptedPeer) -> None:
    with connected(peer, total_budget=600_000) as connection:
        large = start_turn(connection, "large")
        peer.answer(peer.expect("turn/start"), started("u"))
        peer.send(*[delta("large", "u", "x" * 800)] * 500, event("turn/completed", "large", "u"))
        finish(large)
        caught_up(connection, peer)
        subscription = large.take_subscription()
        small = []
        for number in range(10):
            call = start_turn(connection, f"s{number}")
            peer.answer(peer.expect("turn/start"), started(f"v{number}"))
            peer.send(*[delta(f"s{number}", f"v{number}", "x" * 800)] * 30)
            finish(call)
            small.append(call.take_subscription())
        caught_up(connection, peer)
        for one in small:
            assert len(one.drain(decoder)) == 30
        with pytest.raises(StreamOverflowError):
            subscription.drain(decoder)


def test_a_loss_is_reported_once(peer: ScriptedPeer) -> None:
    with connected(peer, turn_budget=5_000) as connection:
        call = start_turn(connection, "t")
        peer.answer(peer.expect("turn/start"), started("u"))
        finish(call)
        subscription = call.take_subscription()
        peer.send(delta("t", "u", "x" * 10_000))
        caught_up(connection, peer)
        with pytest.raises(StreamOverflowError):
            subscription.drain(decoder)
        peer.send(delta("t", "u", "x"), event("turn/completed", "t", "u"))
        assert texts(drain(subscription)) == ["completed"]
        assert connection.stats()["events_lost"] == 2


@pytest.mark.alone
def test_what_must_not_be_dropped_costs_the_reader_no_more_over_the_budget(peer: ScriptedPeer) -> None:
    def seconds(connection: Connection, count: int) -> float:
        call = start_turn(connection, "t")
        peer.answer(peer.expect("turn/start"), started(f"u{count}"))
        finish(call)
        peer.send(*[event("item/completed", "t", f"u{count}", item={"text": "x" * 200})] * count)
        begun = time.perf_counter()
        caught_up(connection, peer)
        return time.perf_counter() - begun

    with connected(peer, turn_budget=100_000) as connection:
        seconds(connection, 500)
        few, many = seconds(connection, 4_000), seconds(connection, 16_000)
        # Copying the mailbox for each event made it sixteen times as much for four times the events.
        assert many < 10 * few + 0.1


@pytest.mark.parametrize("bad", ["a", "bad"])
def test_a_ctrl_c_while_an_event_is_decoded_is_raised_and_loses_no_event(
    connection: Connection, peer: ScriptedPeer, bad: str
) -> None:
    def payload(_method: str, params: bytes) -> Any:
        value = json.loads(params)
        if value.get("delta") == bad and not failures:
            failures.append(value)
            raise KeyboardInterrupt
        return value

    failures: list[Any] = []
    failing = Decoder(Notification, payload)
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    peer.send(*(delta("t", "u", text) for text in ("a", "b", "bad", "c")))
    caught_up(connection, peer)
    finish(call)
    subscription = call.take_subscription()
    with pytest.raises(KeyboardInterrupt):
        subscription.drain(failing)
    assert texts(subscription.drain(failing)) == ["a", "b", "bad", "c"]


@pytest.mark.parametrize("keep", [list, deque])
def test_what_was_drained_is_kept_though_a_signals_handler_raises(
    connection: Connection, peer: ScriptedPeer, keep: Callable[[], list[Any] | deque[Any]]
) -> None:
    class Interrupted(Exception):
        pass

    def handler(*_: object) -> None:
        raise Interrupted

    def after_a_signal(drain: partial[Any]) -> None:
        """The signal comes before `drain`, and no line of Python that its handler could run in between."""
        steps: list[partial[Any]] = [partial(ctypes.PyDLL(None)["raise"], int(signal.SIGUSR1)), drain]
        with pytest.raises(Interrupted):
            list(map(partial.__call__, steps))

    # No line of Python decodes, either.
    bare = Decoder(Notification, zip)
    subscription = connection.subscribe_turn("t", "u")
    peer.send(delta("t", "u", "a"), event("turn/started", "t", "u"))
    caught_up(connection, peer)
    kept = keep()
    before = signal.signal(signal.SIGUSR1, handler)
    # The callbacks of what it frees are lines of Python.
    gc.disable()
    try:
        # It raises before it takes anything out.
        after_a_signal(partial(subscription.drain_ready, bare, 16, into=kept))
        assert not kept
        after_a_signal(partial(subscription.drain, bare, into=kept))
    finally:
        gc.enable()
        signal.signal(signal.SIGUSR1, before)
    assert [one.method for one in kept] == ["item/agentMessage/delta", "turn/started"]
    assert not subscription.drain(bare)


def test_what_was_drained_is_kept_behind_what_was_there(connection: Connection, peer: ScriptedPeer) -> None:
    subscription = connection.subscribe_turn("t", "u")
    peer.send(delta("t", "u", "a"), delta("t", "u", "b"))
    caught_up(connection, peer)
    with pytest.raises(AttributeError):
        subscription.drain(decoder, 1, cast("list[Any]", ()))
    kept = subscription.drain(decoder, 1)
    assert subscription.drain_ready(decoder, 16, into=kept) == kept[1:]
    assert texts(kept) == ["a", "b"]


def test_a_drain_that_waits_gives_up_when_nothing_comes(connection: Connection, peer: ScriptedPeer) -> None:
    subscription = connection.subscribe_turn("t", "u")
    assert subscription.drain_ready(decoder, 16, 0.01) == []
    peer.send(event("item/started", "t", "u"))
    caught_up(connection, peer)
    # What is stored, but not wanted, is not waited for.
    subscription.select("text")
    assert subscription.drain_ready(decoder, 16, 0.01) == []
    peer.send(event("turn/completed", "t", "u"))
    assert texts(subscription.drain_ready(decoder, 16, 20)) == ["completed"]
    assert subscription.drain_ready(decoder, 16) == []


def test_a_call_that_its_owner_lost_frees_its_place(connection: Connection) -> None:
    for _ in range(40):
        connection.open_call("thread/read")
    assert connection.open_call("thread/read").wait(20)


def test_a_subscription_that_its_owner_lost_is_left(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(call)
    del call
    peer.send(delta("t", "u", "x" * 5000))
    caught_up(connection, peer)
    assert connection.stats()["mailbox_bytes"] == 0


@pytest.mark.parametrize(
    "answer", [b"%s", b'%s,"error":"busy"', b'%s,"result":[1', b'%s,"error":{"code":1,"data":"\xff"}']
)
def test_an_answer_that_cannot_be_read_ends_its_request(
    connection: Connection, peer: ScriptedPeer, answer: bytes
) -> None:
    call = start(connection, "thread/read")
    request = peer.expect("thread/read")
    peer.send_raw(b"{" + answer % (b'"id":%d' % request["id"]) + b"}\n")
    assert call.wait(20)
    with pytest.raises(ParseError, match="cannot be read"):
        call.take()
    assert len(connection.take_diagnostics()) == 1


@pytest.mark.parametrize(
    "line", [b'{"id":%d,"method":null}', b'{"id":%d,"method":"item/tool/call', b'{"id":%d']
)
def test_a_line_that_may_be_no_answer_ends_no_request(
    connection: Connection, peer: ScriptedPeer, line: bytes
) -> None:
    call = start(connection, "thread/read")
    request = peer.expect("thread/read")
    peer.send_raw(line % request["id"] + b"\n")
    peer.answer(request, {"it": 1})
    assert finish(call) == {"it": 1}


def test_an_answer_is_read_however_deep_it_nests(connection: Connection, peer: ScriptedPeer) -> None:
    call = start(connection, "thread/read")
    deep = b"[" * 100_000 + b"]" * 100_000
    peer.send_raw(b'{"id":%d,"result":%s}\n' % (peer.expect("thread/read")["id"], deep))
    assert call.wait(20)
    assert bytes(call.take()) == deep


def test_six_hundred_errands_at_once_do_not_stop_the_reader(
    connection: Connection, peer: ScriptedPeer
) -> None:
    turns = []
    for number in range(600):
        call = start_turn(connection, f"t{number}")
        peer.answer(peer.expect("turn/start"), started(f"u{number}"))
        finish(call)
        turns.append(call.take_subscription())
    peer.answers["turn/interrupt"] = {}
    for turn in turns:
        turn.give_up()
    # They are due when the turns have begun: all in few chunks.
    peer.send(*(event("turn/started", f"t{number}", f"u{number}") for number in range(600)))
    caught_up(connection, peer)
    for gauge in ("requests_waiting", "requests_admitted"):
        Footprint.wait_until(lambda: connection.stats()[gauge] == 0)  # noqa: B023
    assert connection.stats()["errands_sent"] == 600


def test_errands_are_swept_while_other_messages_come(connection: Connection, peer: ScriptedPeer) -> None:
    calls = [start(connection, "thread/start") for _ in range(9)]
    requests = [peer.expect("thread/start") for _ in calls]
    for call in calls:
        call.abandon()
    for request in requests:
        peer.answer(request, {"thread": {"id": str(request["id"])}})
    for _ in range(8):
        peer.expect("thread/unsubscribe")

    def followed() -> bool:
        peer.send({"method": "skills/changed", "params": {}})
        return peer.received == 1

    Footprint.wait_until(followed)


def test_an_answer_that_was_written_before_the_exit_is_not_lost() -> None:
    # The runtime closes its stdin, which the writer notices first, and then still answers.
    program = (
        'import os\nos.read(0, 65536)\nos.close(0)\nos.write(1, b\'{"id":1,"result":{}}\\n\')\nos._exit(0)\n'
    )
    for _ in range(30):
        connection = Connection([sys.executable, "-S", "-E", "-c", program])
        first = start(connection, "thread/read")
        for _ in range(20):
            try:
                start(connection, "thread/read")
            except (TransportClosedError, RuntimeError):
                break
        assert finish(first) == {}
        connection.close()
        assert connection.wait(20)


def test_infinity_is_a_timeout(connection: Connection) -> None:
    assert connection.open_call("thread/read").wait(float("inf"))
    with pytest.raises(ValueError, match="time span"):
        connection.wait(float("nan"))


def test_a_machine_without_threads_left_starts_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    before = Footprint.settled()
    program = (
        "import resource, sys\n"
        "from codex_app_server._native import Connection\n"
        "resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))\n"
        "import os\n"
        "os.setuid(65534) if os.getuid() == 0 else None\n"
        "try:\n    Connection(['sleep', '1000'])\n"
        "except OSError as error:\n    print(error.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "11", done.stderr  # EAGAIN
    Footprint.take().assert_no_more_than(before)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        (rb'"delta":"first","delta":"last"', "last"),
        (rb'"delta":"first","d\u0065lta":"last"', "last"),
        (rb'"delta":"half \ud83d of a pair"', "half \ufffd of a pair"),
        (rb'"delta":"\ude00\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"delta":"\ud800","delta":"last"', "last"),
        (rb'"delta":"text","delta":"\udfff\n"', "\ufffd\n"),
    ],
)
@pytest.mark.parametrize("selection", ["all", "text"])
def test_the_text_of_a_delta_is_the_same_for_every_consumer(
    connection: Connection, peer: ScriptedPeer, selection: Literal["all", "text"], members: bytes, text: str
) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(call)
    subscription = call.take_subscription()
    subscription.select(selection)
    params = b'{"threadId":"t","turnId":"u","itemId":"i",%s}' % members
    peer.send_raw(b'{"method":"item/agentMessage/delta","params":%s}\n' % params)
    caught_up(connection, peer)
    (event,) = subscription.drain(decoding.decoder())
    seen = event if isinstance(event, str) else event.payload.delta
    assert seen == text
    seen.encode()
