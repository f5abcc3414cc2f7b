"""What is done at a certain time: in which order, what is called off, and what a fork leaves of it.

The clock is held while alarms are set, so that no order depends on how fast that is done.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from codex_app_server._serving import alarms
from codex_app_server._serving.alarms import Alarm, after

SOON_S = 20.0
LATE_S = 3600.0


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A clock of the test's own, whose thread is gone after it."""
    others = running()  # of earlier tests, which go by themselves
    clock = alarms._Clock()
    monkeypatch.setattr(alarms, "_clock", clock)
    monkeypatch.setattr(alarms, "_IDLE_S", 0.01)
    yield clock
    with clock._changed:
        clock._due.clear()
        clock._changed.notify_all()
    for thread in running(others):
        thread.join(SOON_S)
    assert running(others) == []


def running(others: Sequence[threading.Thread] = ()) -> list[threading.Thread]:
    """The clocks' threads, but for these."""
    threads = threading.enumerate()
    return [each for each in threads if each.name == "codex-deadlines" and each not in others]


class Rung:
    """Which alarms have rung, in their order."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, name: str) -> Callable[[], None]:
        def ring() -> None:
            with self._changed:
                self.names.append(name)
                self._changed.notify_all()

        return ring

    def wait(self, count: int) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.names) >= count, SOON_S), self.names
            return list(self.names)


def wait_until_it_waits(clock: Any) -> None:
    """The clock's thread is up, and waits for what is due next."""
    deadline = time.monotonic() + SOON_S
    while not clock._changed._waiters:
        assert time.monotonic() < deadline
        time.sleep(0)


def test_alarms_ring_in_the_order_of_their_time(clock: Any) -> None:
    rung = Rung()
    with clock._changed:
        now = time.monotonic()
        for seconds, name in ((0.03, "third"), (0.01, "first"), (0.02, "second")):
            clock.add(now + seconds, Alarm(rung(name)))
    assert rung.wait(3) == ["first", "second", "third"]


def test_alarms_of_one_time_ring_in_the_order_in_which_they_were_set(clock: Any) -> None:
    rung = Rung()
    with clock._changed:
        due = time.monotonic()
        for number in range(20):
            clock.add(due, Alarm(rung(str(number))))
    assert rung.wait(20) == [str(number) for number in range(20)]


def test_none_rings_before_its_time() -> None:
    begun = time.monotonic()
    rung = threading.Event()
    after(0.05, rung.set)
    assert rung.wait(SOON_S)
    assert time.monotonic() >= begun + 0.05


def test_an_earlier_alarm_does_not_wait_for_a_later_one(clock: Any) -> None:
    rung = Rung()
    late = after(LATE_S, rung("late"))
    wait_until_it_waits(clock)
    after(0.0, rung("early"))
    assert rung.wait(1) == ["early"]
    late.cancel()


def test_one_that_is_cancelled_does_not_ring(clock: Any) -> None:
    rung = Rung()
    with clock._changed:
        cancelled = after(0.0, rung("cancelled"))
        after(0.0, rung("next"))
        cancelled.cancel()
        cancelled.cancel()
    assert rung.wait(1) == ["next"]
    assert clock._called_off == 0


def test_cancelling_what_has_rung_does_nothing(clock: Any) -> None:
    rung = Rung()
    first = after(0.0, rung("first"))
    rung.wait(1)
    first.cancel()
    assert clock._called_off == 0


def test_cancelled_ones_do_not_pile_up(clock: Any) -> None:
    kept = [after(LATE_S, lambda: None) for _ in range(10)]
    for _ in range(10_000):
        after(LATE_S, lambda: None).cancel()
        assert len(clock._due) <= len(kept) + alarms._MOST_CALLED_OFF + 1
        # Counted from the last time that they were thrown away, or that would be done for each one.
        assert clock._called_off <= alarms._MOST_CALLED_OFF
    with clock._changed:
        assert {id(entry[2]) for entry in clock._due} >= {id(alarm) for alarm in kept}


def test_many_that_wait_are_kept_beside_many_that_are_cancelled(clock: Any) -> None:
    rung = Rung()
    with clock._changed:
        cancelled = [after(LATE_S, rung("never")) for _ in range(500)]
        for number in range(100):
            after(0.001 * number, rung(str(number)))
        for alarm in cancelled:
            alarm.cancel()
        assert len(clock._due) < 250
    assert rung.wait(100) == [str(number) for number in range(100)]


def test_a_work_that_raises_is_said_and_keeps_none_from_ringing(
    clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise LookupError("no such thing")

    rung = Rung()
    with clock._changed:
        after(0.0, fail)
        after(0.001, rung("next"))
    assert rung.wait(1) == ["next"]
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)
    caplog.clear()


def test_a_work_may_set_and_cancel_alarms(clock: Any) -> None:
    rung = Rung()
    late = after(LATE_S, rung("late"))

    def work() -> None:
        late.cancel()
        own.cancel()
        after(0.0, rung("set by the first"))

    with clock._changed:
        own = after(0.0, work)
    assert rung.wait(1) == ["set by the first"]


def test_there_is_one_thread_and_only_while_there_is_something_to_do(clock: Any) -> None:
    others = running()
    pending = [after(LATE_S, lambda: None) for _ in range(3)]
    (thread,) = running(others)
    assert thread.daemon
    for alarm in pending:
        alarm.cancel()
    thread.join(SOON_S)
    assert not thread.is_alive()
    # Another one, when there is something again.
    rung = Rung()
    after(0.0, rung("again"))
    assert rung.wait(1) == ["again"]


def test_times_beyond_what_the_system_can_wait_for_are_no_mistake(clock: Any) -> None:
    rung = Rung()
    for seconds in (threading.TIMEOUT_MAX * 2, float("inf")):
        after(seconds, rung("never"))
    wait_until_it_waits(clock)
    after(0.0, rung("now"))
    assert rung.wait(1) == ["now"]


def test_a_forked_child_has_a_clock_of_its_own(clock: Any) -> None:
    after(LATE_S, lambda: None)
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with clock._changed:
            held.set()
            let_go.wait(SOON_S)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(SOON_S)
    # In the child nobody will ever let go of the lock, and no thread is there that rings.
    forked = os.fork()
    if forked == 0:  # pragma: no cover - the child's coverage is not collected
        rung = threading.Event()
        try:
            threading.Timer(SOON_S, os._exit, [1]).start()
            after(0.0, rung.set)
            own = alarms._clock is not clock
            os._exit(0 if rung.wait(SOON_S) and own else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(forked, 0)
    let_go.set()
    holder.join(SOON_S)
    assert os.waitstatus_to_exitcode(status) == 0
