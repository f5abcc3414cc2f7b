"""How many handlers are at work at once: a limit for each conversation, first come first served.

Not for a client: a handler may start a turn whose requests it waits for. Approvals and calls of tools of one
conversation are counted apart; whoever uses this names what is counted together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from .. import _forks

# Begins the work, and says whether it did: what is settled by now need not.
Start = Callable[[], bool]


@dataclass
class _Counted:
    at_work: int = 0
    waiting: deque[Start] = field(default_factory=deque)


class Limits:
    """The limits of one client. Nothing is started with the lock held."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = _forks.reentrant_lock()
        self._counted: dict[Hashable, _Counted] = {}

    def enter(self, name: Hashable, start: Start) -> None:
        """Start some work, now or when there is room. Whoever has started it calls `leave`."""
        with self._lock:
            self._counted.setdefault(name, _Counted()).waiting.append(start)
        self._go_on(name)

    def leave(self, name: Hashable) -> None:
        """Some work is done."""
        with self._lock:
            self._counted[name].at_work -= 1
        self._go_on(name)

    def _go_on(self, name: Hashable) -> None:
        while (start := self._next(name)) is not None:
            if not start():
                with self._lock:
                    self._counted[name].at_work -= 1

    def _next(self, name: Hashable) -> Start | None:
        """What may start now; it counts as at work."""
        with self._lock:
            counted = self._counted.get(name)
            if counted is None:
                return None
            if not counted.waiting or counted.at_work >= self._most:
                if not counted.waiting and not counted.at_work:
                    del self._counted[name]
                return None
            counted.at_work += 1
            return counted.waiting.popleft()
