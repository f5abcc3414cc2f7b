"""How many handlers are at work at once, and in which order."""

from __future__ import annotations

import threading
from collections.abc import Callable

from codex_app_server._serving.limits import Limits


class Works:
    """Work that is begun and ended by hand; one that is settled does not begin."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def start(self, name: str, *, settled: bool = False) -> Callable[[], bool]:
        def start() -> bool:
            if not settled:
                self.begun.append(name)
            return not settled

        return start


def test_as_many_are_at_work_as_the_limit_says_first_come_first_served() -> None:
    limits, works = Limits(2), Works()
    for name in "abcd":
        limits.enter("t", works.start(name))
    assert works.begun == ["a", "b"]
    limits.leave("t")
    assert works.begun == ["a", "b", "c"]
    limits.leave("t")
    limits.leave("t")
    assert works.begun == ["a", "b", "c", "d"]


def test_what_is_counted_apart_does_not_hold_each_other_up() -> None:
    limits, works = Limits(1), Works()
    limits.enter("t", works.start("a"))
    limits.enter("u", works.start("b"))
    assert works.begun == ["a", "b"]


def test_what_is_settled_when_its_turn_comes_is_passed_over() -> None:
    limits, works = Limits(1), Works()
    limits.enter("t", works.start("a"))
    for _ in range(10_000):  # more than the interpreter's stack
        limits.enter("t", works.start("gone", settled=True))
    limits.enter("t", works.start("b"))
    limits.leave("t")
    assert works.begun == ["a", "b"]
    limits.leave("t")
    limits.enter("t", works.start("c"))
    assert works.begun == ["a", "b", "c"]


def test_a_conversation_that_nobody_uses_is_forgotten() -> None:
    limits, works = Limits(1), Works()
    for number in range(100):
        limits.enter(number, works.start(str(number)))
        limits.leave(number)
    assert not limits._counted


def test_work_that_ends_within_its_own_start_leaves_room() -> None:
    limits = Limits(1)
    done: list[int] = []

    def start() -> bool:
        done.append(len(done))
        limits.leave("t")
        return True

    for _ in range(100):
        limits.enter("t", start)
    assert len(done) == 100


def test_threads_that_come_and_go_never_exceed_the_limit() -> None:
    limits, most_allowed = Limits(3), 3
    at_work, most, lock = [0], [0], threading.Lock()
    over = threading.Semaphore(0)

    def work() -> None:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        with lock:
            at_work[0] -= 1
        limits.leave("t")
        over.release()

    def start() -> bool:
        threading.Thread(target=work).start()
        return True

    def enter() -> None:
        for _ in range(50):
            limits.enter("t", start)

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        assert over.acquire(timeout=30)
    for thread in threads:
        thread.join()
    assert 1 <= most[0] <= most_allowed
    assert not limits._counted
