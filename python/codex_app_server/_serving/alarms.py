"""What is to be done at a certain time, unless it is called off before.

Owns one daemon thread for all clients, which is there while something is to be done. A thread that waits for
each deadline would double those of the calls. Used for the deadlines of handlers.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("codex_app_server")

# For how long the thread waits for another alarm, in seconds.
_IDLE_S = 1.0
# Alarms that were called off stay in the heap until they are due, or more than these and half of it are such.
_MOST_CALLED_OFF = 64


class Alarm:
    """One thing that is to be done."""

    __slots__ = ("work",)

    def __init__(self, work: Callable[[], None]) -> None:
        self.work: Callable[[], None] | None = work

    def cancel(self) -> None:
        """It need not be done any more. Idempotent; it may be too late."""
        if self.work is not None:
            self.work = None
            _clock.note_called_off()


class _Clock:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Alarm]] = []
        self._count = itertools.count()
        self._called_off = 0
        self._runs = False

    def add(self, due: float, alarm: Alarm) -> None:
        with self._changed:
            if not self._runs:
                threading.Thread(target=self._run, name="codex-deadlines", daemon=True).start()
                self._runs = True
            heapq.heappush(self._due, (due, next(self._count), alarm))
            if self._due[0][2] is alarm:
                self._changed.notify()

    def note_called_off(self) -> None:
        with self._changed:
            # A count of about so many: two may call one off, and it may be due in that moment.
            self._called_off += 1
            if self._called_off >= min(len(self._due), max(_MOST_CALLED_OFF, len(self._due) // 2)):
                self._due = [entry for entry in self._due if entry[2].work is not None]
                heapq.heapify(self._due)
                self._called_off = 0
                # If nothing is left, the thread need not wait for when it was due.
                self._changed.notify()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception:
                logger.exception("What was to be done when a deadline was over has failed")

    def _next(self) -> Callable[[], None] | None:
        """Wait for what is due; None when there was nothing for a while."""
        with self._changed:
            while True:
                if not self._due:
                    if not self._changed.wait(_IDLE_S) and not self._due:
                        self._runs = False
                        return None
                    continue
                left = self._due[0][0] - time.monotonic()
                if left > 0:
                    self._changed.wait(min(left, threading.TIMEOUT_MAX))
                    continue
                _, _, alarm = heapq.heappop(self._due)
                work, alarm.work = alarm.work, None
                if work is not None:
                    return work
                self._called_off = max(0, self._called_off - 1)


_clock = _Clock()


def after(seconds: float, work: Callable[[], None]) -> Alarm:
    """Call `work`, which waits for nothing, in so many seconds, on the thread of all alarms."""
    alarm = Alarm(work)
    _clock.add(time.monotonic() + seconds, alarm)
    return alarm


def _begin_anew() -> None:
    global _clock  # noqa: PLW0603
    _clock = _Clock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
