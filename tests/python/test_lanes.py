"""How many handlers are at work at once, and in which order."""

from __future__ import annotations

import threading
from collections.abc import Callable

from codex_app_server._serving.lanes import Lanes


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
    lanes, works = Lanes(2), Works()
    for name in "abcd":
        lanes.enter("t", works.start(name))
    assert works.begun == ["a", "b"]
    lanes.leave("t")
    assert works.begun == ["a", "b", "c"]
    lanes.leave("t")
    lanes.leave("t")
    assert works.begun == ["a", "b", "c", "d"]


def test_lanes_do_not_hold_each_other_up() -> None:
    lanes, works = Lanes(1), Works()
    lanes.enter("t", works.start("a"))
    lanes.enter("u", works.start("b"))
    assert works.begun == ["a", "b"]


def test_what_is_settled_when_its_turn_comes_is_passed_over() -> None:
    lanes, works = Lanes(1), Works()
    lanes.enter("t", works.start("a"))
    for _ in range(10_000):  # more than the interpreter's stack
        lanes.enter("t", works.start("gone", settled=True))
    lanes.enter("t", works.start("b"))
    lanes.leave("t")
    assert works.begun == ["a", "b"]
    lanes.leave("t")
    lanes.enter("t", works.start("c"))
    assert works.begun == ["a", "b", "c"]


def test_a_lane_that_nobody_uses_is_forgotten() -> None:
    lanes, works = Lanes(1), Works()
    for number in range(100):
        lanes.enter(number, works.start(str(number)))
        lanes.leave(number)
    assert not lanes._lanes


def test_work_that_ends_within_its_own_start_leaves_the_lane_free() -> None:
    lanes = Lanes(1)
    done: list[int] = []

    def start() -> bool:
        done.append(len(done))
        lanes.leave("t")
        return True

    for _ in range(100):
        lanes.enter("t", start)
    assert len(done) == 100


def test_threads_that_come_and_go_never_exceed_the_limit() -> None:
    lanes, limit = Lanes(3), 3
    at_work, most, lock = [0], [0], threading.Lock()
    over = threading.Semaphore(0)

    def work() -> None:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        with lock:
            at_work[0] -= 1
        lanes.leave("t")
        over.release()

    def start() -> bool:
        threading.Thread(target=work).start()
        return True

    def enter() -> None:
        for _ in range(50):
            lanes.enter("t", start)

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        assert over.acquire(timeout=30)
    for thread in threads:
        thread.join()
    assert 1 <= most[0] <= limit
    assert not lanes._lanes
