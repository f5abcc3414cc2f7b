"""How many handlers are at work at once: a limit per lane, first come first served within one.

A lane is a conversation's approvals and questions, or its calls of tools. Not a client's: a handler may
start a turn whose requests it waits for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from .. import _forks

# Begins the work, and says whether it did: what is settled by now need not.
Start = Callable[[], bool]


@dataclass
class _Lane:
    at_work: int = 0
    waiting: deque[Start] = field(default_factory=deque)


class Lanes:
    """The lanes of one client. Nothing is started with its lock held."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = _forks.reentrant_lock()
        self._lanes: dict[Hashable, _Lane] = {}

    def enter(self, name: Hashable, start: Start) -> None:
        """Start some work, now or when its turn has come. Whoever has started it calls `leave`."""
        with self._lock:
            lane = self._lanes.setdefault(name, _Lane())
            lane.waiting.append(start)
        self._go_on(name)

    def leave(self, name: Hashable) -> None:
        """Some work is done."""
        with self._lock:
            self._lanes[name].at_work -= 1
        self._go_on(name)

    def _go_on(self, name: Hashable) -> None:
        while (start := self._next(name)) is not None:
            if not start():
                with self._lock:
                    self._lanes[name].at_work -= 1

    def _next(self, name: Hashable) -> Start | None:
        """What may start now; it counts as at work."""
        with self._lock:
            lane = self._lanes.get(name)
            if lane is None:
                return None
            if not lane.waiting or lane.at_work >= self._limit:
                if not lane.waiting and not lane.at_work:
                    del self._lanes[name]
                return None
            lane.at_work += 1
            return lane.waiting.popleft()
