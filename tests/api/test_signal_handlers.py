"""Handlers of signals that use the very object in which the main thread waits: they work, or are refused.

A handler runs in the midst of the main thread's code, on the same thread. Whatever it waits for that this
code holds would never come.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic as now
from types import FrameType
from typing import Any

import pytest

from codex_app_server import ClientClosedError, Codex, CodexConfig, StreamClosedError, TurnHandle
from codex_app_server._sync import startup
from codex_app_server.client import CodexClient
from tests.api.test_interrupts_anywhere import Tracer
from tests.peer import ScriptedPeer, delta, event, started
from tests.processes import SIGNAL, signal_main

# In a deadlock the alarm of pytest-timeout ends the wait.
pytestmark = pytest.mark.timeout(10)

# Shorter than the alarm's time: what the main thread waits for in vain must not wait for the main thread.
DEADLINE_S = 5.0
BUSY = "already executing"


@contextmanager
def handled(*handlers: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """The first signal is handled by the first one, and so on; gives what sends one to the main thread.

    What a handler raises goes through the code that it interrupts, so they catch what they expect.
    """
    left = list(handlers)

    def handle(number: int, frame: FrameType | None) -> None:
        left.pop(0)()

    before = signal.signal(SIGNAL, handle)
    try:
        yield signal_main
        assert not left, "a signal has not come"
    finally:
        signal.signal(SIGNAL, before)


def main_is_in(*names: str) -> bool:
    """Whether the main thread stands in functions of the package that are called so."""
    frame: FrameType | None = sys._current_frames()[threading.main_thread().ident or 0]
    found = set()
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith("codex_app_server."):
            found.add(frame.f_code.co_name)
        frame = frame.f_back
    return found >= set(names)


@contextmanager
def meanwhile(*steps: Callable[[], object]) -> Iterator[None]:
    """Does these in another thread, one after the other."""

    def work() -> None:
        for step in steps:
            step()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def until(reached: Callable[[], bool]) -> Callable[[], None]:
    def wait() -> None:
        due = now() + DEADLINE_S
        while not reached() and now() < due:
            threading.Event().wait(0.001)

    return wait


def works_or_is_busy(call: Callable[[], object], seen: list[str]) -> Callable[[], None]:
    def handle() -> None:
        try:
            call()
        except RuntimeError as error:
            seen.append("busy" if BUSY in str(error) else repr(error))
        else:
            seen.append("works")

    return handle


def turn_of(codex: Codex, peer: ScriptedPeer, turn_id: str = "u") -> TurnHandle:
    peer.answers["turn/start"] = started(turn_id)
    turn = codex.thread_start().turn("Go.")
    peer.send(event("turn/started", "t", turn_id))
    return turn


def config(peer: ScriptedPeer) -> CodexConfig:
    peer.answers |= {
        "thread/start": {"thread": {"id": "t"}},
        "model/list": {"data": []},
    }
    return CodexConfig(launch_args_override=peer.argv, shutdown_grace_s=0.5)


# --- in a stream


def test_a_handler_interrupts_the_turn_that_the_main_thread_reads(peer: ScriptedPeer) -> None:
    seen: list[str] = []
    peer.answers["turn/interrupt"] = {}
    peer.send_once("turn/interrupt", event("turn/completed", "t", "u", status="interrupted"))
    with Codex(config(peer)) as codex:
        turn = turn_of(codex, peer)
        stream = turn.stream()
        next(stream)
        with (
            handled(works_or_is_busy(turn.interrupt, seen)) as send,
            meanwhile(until(lambda: main_is_in("fill")), send),
        ):
            assert [one.method for one in stream] == ["turn/completed"]
    assert seen == ["works"]


def test_a_handler_closes_the_stream_that_the_main_thread_reads(peer: ScriptedPeer) -> None:
    seen: list[str] = []
    with Codex(config(peer)) as codex:
        stream = turn_of(codex, peer).stream()
        next(stream)
        with (
            handled(works_or_is_busy(stream.close, seen)) as send,
            meanwhile(until(lambda: main_is_in("fill")), send),
        ):
            try:
                rest = [one.method for one in stream]
            except StreamClosedError:
                rest = []
        assert rest == []
    assert seen == ["works"]


def test_a_handler_reads_the_stream_that_the_main_thread_reads(peer: ScriptedPeer) -> None:
    seen: list[str] = []
    with Codex(config(peer)) as codex:
        stream = turn_of(codex, peer).stream()
        next(stream)
        with (
            handled(works_or_is_busy(lambda: next(stream), seen)) as send,
            meanwhile(
                until(lambda: main_is_in("fill")),
                send,
                until(lambda: bool(seen)),
                lambda: peer.send(delta("t", "u", "one"), event("turn/completed", "t", "u")),
            ),
        ):
            assert [one.method for one in stream] == ["item/agentMessage/delta", "turn/completed"]
    # While the main thread waits for the next event there is none for anybody else.
    assert seen == ["busy"]


@pytest.mark.parametrize("what", ["stream", "stream_text", "run"])
def test_a_handler_closes_the_client_of_what_the_main_thread_reads(peer: ScriptedPeer, what: str) -> None:
    seen: list[str] = []
    with Codex(config(peer)) as codex:
        turn = turn_of(codex, peer)
        waiting: dict[str, Callable[[], object]] = {
            "stream": lambda: list(turn.stream()),
            "stream_text": lambda: list(turn.stream_text()),
            "run": turn.run,
        }
        with (
            handled(works_or_is_busy(codex.close, seen)) as send,
            meanwhile(until(lambda: main_is_in("fill")), send),
            pytest.raises(ClientClosedError),
        ):
            waiting[what]()
    assert seen == ["works"]


def test_a_handler_closes_the_client_of_a_request_that_the_main_thread_waits_for(peer: ScriptedPeer) -> None:
    seen: list[str] = []
    with Codex(config(peer)) as codex:
        del peer.answers["model/list"]
        with (
            handled(works_or_is_busy(codex.close, seen)) as send,
            meanwhile(lambda: peer.expect("model/list"), send),
            pytest.raises(ClientClosedError),
        ):
            codex.models()
    assert seen == ["works"]


def test_a_second_ctrl_c_in_the_midst_of_the_first_ones_interrupt_is_answered_at_once(
    peer: ScriptedPeer,
) -> None:
    seen: list[str] = []
    with Codex(config(peer)) as codex:
        turn = turn_of(codex, peer)
        stream = turn.stream()
        next(stream)
        interrupt = works_or_is_busy(turn.interrupt, seen)

        def stop() -> None:
            request = peer.expect("turn/interrupt")
            send()
            # The second one waits for the first one's answer, or was refused already.
            until(lambda: main_is_in("interrupt"))()
            peer.answer(request, {})
            peer.send(event("turn/completed", "t", "u", status="interrupted"))

        with handled(interrupt, interrupt) as send, meanwhile(until(lambda: main_is_in("fill")), send, stop):
            assert [one.method for one in stream] == ["turn/completed"]
    assert seen in (["busy", "works"], ["works", "works"])


# --- in a start


@pytest.mark.parametrize("stage", ["start", "initialize"])
def test_a_handler_closes_a_low_level_client_that_the_main_thread_starts(
    peer: ScriptedPeer, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runtime never answers."""
    seen: list[str] = []
    del peer.answers["initialize"]
    client = CodexClient(config(peer))

    def interrupted(config: CodexConfig) -> Any:
        if stage == "start":
            signal.raise_signal(SIGNAL)
        return resolve(config)

    def wait() -> None:
        if stage == "initialize":
            peer.expect("initialize")
            send()

    resolve = vars(startup)["resolve"]
    monkeypatch.setattr(startup, "resolve", interrupted)
    with (
        handled(works_or_is_busy(client.close, seen)) as send,
        meanwhile(wait),
        pytest.raises(ClientClosedError) if stage == "initialize" else suppress(ClientClosedError),
    ):
        client.start()
        if stage == "initialize":
            client.initialize()
    client.close()
    assert len(seen) == 1


# --- what a handler raises


class AlarmError(Exception):
    """Raised by a handler, as those of a deadline do."""


EVENTS = 5


def test_an_exception_anywhere_in_a_read_loses_no_event_in_silence(peer: ScriptedPeer) -> None:
    silent = []
    with Codex(config(peer)) as codex:
        nth = 0
        while True:
            nth += 1
            turn_id = f"u{nth}"
            stream = turn_of(codex, peer, turn_id).stream()
            assert next(stream).method == "turn/started"
            peer.send(
                *(delta("t", turn_id, str(number)) for number in range(EVENTS)),
                event("turn/completed", "t", turn_id),
            )
            tracer = Tracer(nth)
            read: list[str] = []

            def read_all(stream: Any, read: list[str]) -> bool:
                try:
                    for one in stream:
                        read.append(getattr(one.payload, "delta", one.method))
                except StreamClosedError:
                    return True
                return False

            try:
                with tracer.on():
                    told_so = read_all(stream, read)
            except KeyboardInterrupt:
                told_so = read_all(stream, read)
            if not told_so and read != [*map(str, range(EVENTS)), "turn/completed"]:
                silent.append(f"{nth}: {tracer.place}: {read}")
            if tracer.place is None:
                break
    assert nth > 20, "hardly a moment was found"
    assert not silent, f"{len(silent)} of {nth} moments lose events:\n" + "\n".join(silent)


def test_an_alarm_in_a_wait_loses_no_event(peer: ScriptedPeer) -> None:
    def ring() -> None:
        raise AlarmError

    with Codex(config(peer)) as codex:
        stream = turn_of(codex, peer).stream()
        next(stream)
        for number in range(20):
            with (
                handled(ring) as send,
                meanwhile(until(lambda: main_is_in("fill")), send),
                pytest.raises(AlarmError),
            ):
                next(stream)
            peer.send(delta("t", "u", str(number)))
            assert next(stream).payload.delta == str(number)  # type: ignore[union-attr]
        peer.send(event("turn/completed", "t", "u"))
        assert [one.method for one in stream] == ["turn/completed"]


def test_an_alarm_that_is_a_runtime_error_ends_a_wait_for_a_result(peer: ScriptedPeer) -> None:
    def ring() -> None:
        raise RuntimeError("Too long.")

    with Codex(config(peer)) as codex:
        turn = turn_of(codex, peer)
        for _ in range(5):
            with (
                handled(ring) as send,
                meanwhile(until(lambda: main_is_in("fill")), send),
                pytest.raises(RuntimeError, match="Too long"),
            ):
                turn.result()
        peer.send(event("turn/completed", "t", "u"))
        assert turn.result().id == "u"


def test_an_alarm_at_any_moment_of_a_flood_loses_no_event(peer: ScriptedPeer) -> None:
    rings = 200
    rung = 0

    def ring() -> None:
        nonlocal rung
        rung += 1
        if main_is_in("__next__"):
            raise AlarmError

    def is_due(number: int) -> bool:
        # One after the other: of two that are pending at once the system makes one.
        return rung == number and (ended or len(read) >= number * 100)

    def ring_often() -> None:
        for number in range(rings):
            until(partial(is_due, number))()
            send()

    with Codex(config(peer)) as codex:
        stream = turn_of(codex, peer).stream()
        next(stream)
        sent = [str(number) for number in range(rings * 100)]
        read: list[str] = []
        ended = False

        def flood() -> None:
            peer.send(*(delta("t", "u", text) for text in sent), event("turn/completed", "t", "u"))

        with handled(*[ring] * rings) as send, meanwhile(ring_often), meanwhile(flood):
            while not ended:
                try:
                    one = next(stream)
                except AlarmError:
                    continue
                except StopIteration:
                    ended = True
                else:
                    read.append(getattr(one.payload, "delta", one.method))
            until(lambda: rung == rings)()
        assert read == [*sent, "turn/completed"]


def test_an_exception_anywhere_in_a_read_of_notifications_loses_none_in_silence(peer: ScriptedPeer) -> None:
    names = [f"name {number}" for number in range(4)]

    with Codex(config(peer)) as codex:
        nth = 0
        place: str | None = ""
        while place is not None:
            nth += 1
            with codex.notifications() as stream:
                peer.send(
                    *(
                        {"method": "thread/name/updated", "params": {"threadId": "t", "threadName": name}}
                        for name in names
                    )
                )
                got: list[str] = []
                tracer = Tracer(nth)
                closed = False
                while len(got) < len(names) and not closed:
                    try:
                        with tracer.on():
                            one = next(stream)
                    except KeyboardInterrupt:
                        continue
                    except StreamClosedError:
                        closed = True
                    else:
                        got.append(str(getattr(one.payload, "thread_name", None)))
                place = tracer.place
                assert got == names[: len(got)], place
        assert nth > 20
