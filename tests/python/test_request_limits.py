"""How many handlers are at work at once, and in which order."""

from __future__ import annotations

import threading
from collections.abc import Callable

from codex_app_server._serving.limits import Limits


class Job:
    """Work that is begun and ended by hand; one that is settled does not begin."""

    def __init__(self, begin: Callable[[], object], *, settled: bool = False) -> None:
        self._begin = begin
        self._is_settled = settled
        self.over = threading.Event()
        self.pointless = False

    def start(self) -> bool:
        if not self._is_settled:
            self._begin()
        return not self._is_settled

    def is_pointless(self) -> bool:
        return self.pointless

    def wait_settled(self) -> None:
        assert self.over.wait(30)


class Works:
    """Jobs by name, and which were begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.made: dict[str, Job] = {}

    def work(self, name: str, *, settled: bool = False) -> Job:
        made = self.made[name] = Job(lambda: self.begun.append(name), settled=settled)
        return made

    def end(self) -> None:
        """Nobody waits for anything any more."""
        for job in self.made.values():
            job.over.set()


def test_as_many_are_at_work_as_the_limit_says_first_come_first_served() -> None:
    limits, works = Limits(2), Works()
    for name in "abcd":
        limits.enter("t", works.work(name))
    assert works.begun == ["a", "b"]
    limits.leave("t", works.made["b"])
    assert works.begun == ["a", "b", "c"]
    limits.leave("t", works.made["b"])
    assert works.begun == ["a", "b", "c"]
    limits.leave("t", works.made["a"])
    assert works.begun == ["a", "b", "c", "d"]
    works.end()


def test_what_is_counted_apart_does_not_hold_each_other_up() -> None:
    limits, works = Limits(1), Works()
    limits.enter("t", works.work("a"))
    limits.enter("u", works.work("b"))
    assert works.begun == ["a", "b"]


def test_what_is_settled_when_its_turn_comes_is_passed_over() -> None:
    limits, works = Limits(1), Works()
    limits.enter("t", works.work("a"))
    for _ in range(10_000):  # more than the interpreter's stack
        limits.enter("t", works.work("gone", settled=True))
    limits.enter("t", works.work("b"))
    limits.leave("t", works.made["a"])
    assert works.begun == ["a", "b"]
    limits.leave("t", works.made["b"])
    limits.enter("t", works.work("c"))
    assert works.begun == ["a", "b", "c"]
    works.end()


def test_a_conversation_that_nobody_uses_is_forgotten() -> None:
    limits, works = Limits(1), Works()
    for number in range(100):
        limits.enter(number, works.work(str(number)))
        limits.leave(number, works.made[str(number)])
    assert not limits._counted


def test_work_that_ends_within_its_own_start_leaves_room() -> None:
    limits = Limits(1)
    done: list[int] = []

    def enter() -> None:
        def begin() -> None:
            done.append(1)
            limits.leave("t", job)

        job = Job(begin)
        limits.enter("t", job)

    for _ in range(100):
        enter()
    assert len(done) == 100


def test_what_is_at_work_for_nothing_gives_its_place_to_who_waits() -> None:
    limits, works = Limits(1), Works()
    limits.enter("t", works.work("a"))
    begun = threading.Event()
    second = Job(begun.set)
    limits.enter("t", second)
    assert not begun.is_set()
    works.made["a"].pointless = True
    works.made["a"].over.set()
    assert begun.wait(30)
    # When it is over at last, it frees nobody else's place.
    limits.enter("t", works.work("c"))
    limits.leave("t", works.made["a"])
    assert works.begun == ["a"]
    second.over.set()
    works.end()


def test_what_is_answered_keeps_its_place_until_it_is_over() -> None:
    limits, works = Limits(1), Works()
    limits.enter("t", works.work("a"))
    limits.enter("t", works.work("b"))
    works.made["a"].over.set()
    limits.enter("t", works.work("c"))
    assert works.begun == ["a"]
    limits.leave("t", works.made["a"])
    assert works.begun == ["a", "b"]
    works.end()


def test_threads_that_come_and_go_never_exceed_the_limit() -> None:
    limits, most_allowed = Limits(3), 3
    at_work, most, lock = [0], [0], threading.Lock()
    over = threading.Semaphore(0)

    def enter() -> None:
        def run() -> None:
            with lock:
                at_work[0] += 1
                most[0] = max(most[0], at_work[0])
            with lock:
                at_work[0] -= 1
            job.over.set()
            limits.leave("t", job)
            over.release()

        job = Job(lambda: threading.Thread(target=run).start())
        limits.enter("t", job)

    def enter_many() -> None:
        for _ in range(50):
            enter()

    threads = [threading.Thread(target=enter_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        assert over.acquire(timeout=30)
    for thread in threads:
        thread.join()
    assert 1 <= most[0] <= most_allowed
    assert not limits._counted
