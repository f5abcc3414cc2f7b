"""How many handlers are at work at once: a limit for each conversation, first come first served.

Not for a client: a handler may start a turn whose requests it waits for. Approvals and calls of tools of one
conversation are counted apart; whoever uses this names what is counted together.

A handler may be at work for nothing: its turn is over, and it still waits for a person. While others wait for
its place, that is watched, and it does not count any more.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from .. import _forks
from . import workers


@dataclass(eq=False)
class Work:
    """One handler at work.

    Args:
        start: Begins it, and says whether it did: what is settled by now need not.
        wait_pointless: Waits until it is over or for nothing, and says whether it is for nothing.
    """

    start: Callable[[], bool]
    wait_pointless: Callable[[], bool]
    is_watched: bool = False


@dataclass
class _Counted:
    at_work: list[Work] = field(default_factory=list)
    waiting: deque[Work] = field(default_factory=deque)


class Limits:
    """The limits of one client. Nothing is started with the lock held."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = _forks.reentrant_lock()
        self._counted: dict[Hashable, _Counted] = {}

    def enter(self, name: Hashable, work: Work) -> None:
        """Start some work, now or when there is room. Whoever has started it calls `leave`."""
        with self._lock:
            self._counted.setdefault(name, _Counted()).waiting.append(work)
        self._go_on(name)

    def leave(self, name: Hashable, work: Work) -> None:
        """Some work is done, or does not count any more. Idempotent."""
        if self._remove(name, work):
            self._go_on(name)

    def _remove(self, name: Hashable, work: Work) -> bool:
        with self._lock:
            counted = self._counted.get(name)
            found = counted is not None and work in counted.at_work
            if counted is not None and found:
                counted.at_work.remove(work)
            return found

    def _go_on(self, name: Hashable) -> None:
        while (work := self._next(name)) is not None:
            if not work.start():
                self._remove(name, work)

    def _next(self, name: Hashable) -> Work | None:
        """What may start now; it counts as at work."""
        with self._lock:
            counted = self._counted.get(name)
            if counted is None:
                return None
            if counted.waiting and len(counted.at_work) < self._most:
                work = counted.waiting.popleft()
                counted.at_work.append(work)
                return work
            if not counted.waiting and not counted.at_work:
                del self._counted[name]
            unwatched = [work for work in counted.at_work if counted.waiting and not work.is_watched]
            for work in unwatched:
                work.is_watched = True
        for work in unwatched:
            workers.run(functools.partial(self._watch, name, work))
        return None

    def _watch(self, name: Hashable, work: Work) -> None:
        if work.wait_pointless():
            self.leave(name, work)
