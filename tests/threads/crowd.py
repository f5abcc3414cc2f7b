"""Threads that do something at the same moment."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.api._sync.concurrency import TIMEOUT_S, together

HAS_GIL: bool = getattr(sys, "_is_gil_enabled", lambda: True)()


def at_once(count: int, job: Callable[[int], Any]) -> list[Any]:
    """What `job` returns in each of `count` threads, given the thread's number, or the first failure."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> Any:
        barrier.wait(TIMEOUT_S)
        return job(number)

    return together(*(lambda number=number: begin(number) for number in range(count)))


def pairs(jobs: list[Callable[[], Any]]) -> list[list[Any]]:
    """What each job returns in two threads that call it at the same moment, one job after the other.

    For steps that take less than a microsecond: a barrier wakes its threads one by one, so each waits for the
    other in a loop. It gives way there: at once to a thread that needs the interpreter's lock, later to one
    that needs the processor.
    """
    reached = [0, 0]
    patience = 1 if HAS_GIL else 5000

    def work(number: int) -> list[Any]:
        found = []
        try:
            for job in jobs:
                reached[number] += 1
                looks = itertools.count(1)
                while reached[1 - number] < reached[number]:
                    if next(looks) % patience == 0:
                        time.sleep(0)
                found.append(job())
        finally:
            reached[number] = len(jobs) + 1  # also after a failure, so that the other one ends
        return found

    return [list(pair) for pair in zip(*at_once(2, work), strict=True)]
