"""How many handlers are at work at once: a limit for each conversation, first come first served.

Not for a client: a handler may start a turn whose requests it waits for. Approvals and calls of tools of one
conversation are counted apart; whoever uses this names what is counted together.

A handler may be at work for nothing: its turn is over, and it still waits for a person, perhaps for ever.
Such a one counts no more. While somebody wants a place, one thread waits for that of the handler that is at
work for the longest; of the others it is seen whenever something begins or is over.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

from .._concurrency import forks
from . import workers


class Work(Protocol):
    """One handler to be called."""

    def start(self) -> bool:
        """Begin it, and say whether it did: what is settled by now need not."""
        ...

    def is_pointless(self) -> bool:
        """Whether the runtime waits for its answer no more."""
        ...

    def wait_settled(self) -> None:
        """Wait until it is either answered or pointless."""


@dataclass
class _Counted:
    at_work: list[Work] = field(default_factory=list)
    waiting: deque[Work] = field(default_factory=deque)
    is_watched: bool = False


class Limits:
    """The limits of one client. Nothing is started with the lock held."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = forks.reentrant_lock()
        self._counted: dict[Hashable, _Counted] = {}

    def enter(self, name: Hashable, work: Work) -> None:
        """Start some work, now or when there is room. Whoever has started it calls `leave`."""
        with self._lock:
            self._counted.setdefault(name, _Counted()).waiting.append(work)
        self._go_on(name)

    def leave(self, name: Hashable, work: Work) -> None:
        """Some work is done."""
        self._remove(name, work)
        self._go_on(name)

    def _remove(self, name: Hashable, work: Work) -> None:
        with self._lock:
            counted = self._counted.get(name)
            if counted is not None and work in counted.at_work:
                counted.at_work.remove(work)

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
            if counted.waiting and len(counted.at_work) >= self._most:
                counted.at_work = [work for work in counted.at_work if not work.is_pointless()]
            if counted.waiting and len(counted.at_work) < self._most:
                work = counted.waiting.popleft()
                counted.at_work.append(work)
                return work
            if not counted.waiting and not counted.at_work:
                del self._counted[name]
            if counted.is_watched or not counted.waiting:
                return None
            counted.is_watched = True
            watched = counted.at_work[0]
        try:
            workers.run(functools.partial(self._watch, name, watched))
        except RuntimeError:  # no thread is to be had
            self._watch_no_more(name)
        return None

    def _watch(self, name: Hashable, work: Work) -> None:
        work.wait_settled()
        self._watch_no_more(name)
        if work.is_pointless():
            self._go_on(name)

    def _watch_no_more(self, name: Hashable) -> None:
        with self._lock:
            if name in self._counted:
                self._counted[name].is_watched = False
