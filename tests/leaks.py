"""What a process holds: native threads, descriptors, and the processes that descend from it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.processes import descendants, descriptors, threads


@dataclass(frozen=True)
class Footprint:
    """A count of each kind; `threading.enumerate()` would miss native threads."""

    threads: int
    descriptors: int
    processes: frozenset[int]

    @classmethod
    def take(cls) -> Footprint:
        return cls(
            threads=threads(),
            descriptors=descriptors(),
            processes=frozenset(descendants(os.getpid())),
        )

    @classmethod
    def settled(cls) -> Footprint:
        """Once two looks find the same: what an earlier test has ended needs a moment to be gone."""
        deadline = time.monotonic() + 5
        before, now = None, cls.take()
        while now != before and time.monotonic() < deadline:
            time.sleep(0.01)
            before, now = now, cls.take()
        return now

    def assert_no_more_than(self, before: Footprint) -> None:
        """A thread that has said its last word may need a moment to be gone: looked at again, bounded.

        So it may be less, too: on a busy machine one of an earlier test's was in `before`.
        """
        deadline = time.monotonic() + 5
        now = self
        while now._exceeds(before) and time.monotonic() < deadline:
            time.sleep(0.01)
            now = Footprint.take()
        assert not now._exceeds(before), f"left behind: {before} became {now}; {open_files()}"

    def _exceeds(self, before: Footprint) -> bool:
        return (
            self.threads > before.threads
            or self.descriptors > before.descriptors
            or not self.processes <= before.processes
        )

    @staticmethod
    def wait_until(reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not reached():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def assert_idle(stats: Callable[[], dict[str, int]]) -> None:
    """A connection has nothing going on: no stream, no request, no byte kept.

    The reader answers a request before it gives its place back, so it is looked at again, bounded.
    """
    names = ("streams_routed", "requests_pending", "requests_admitted", "requests_waiting", "mailbox_bytes")
    deadline = time.monotonic() + 5
    held = dict.fromkeys(names, 1)
    while any(held.values()) and time.monotonic() < deadline:
        now = stats()
        held = {name: now[name] for name in names}
    assert held == dict.fromkeys(names, 0), held


def open_files() -> dict[str, str]:
    """What this process has open, by its number, where the system tells."""
    files = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            files[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
    return files
