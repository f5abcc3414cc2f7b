"""Resumes of one thread follow each other: each finds out whether the thread is loaded before it asks.

Owns the line of each thread that is being resumed, with the shells' own kind of lock, as long as somebody
stands in it. Nobody waits here. Used by the clients of both shells.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from . import forks

LockT = TypeVar("LockT")


class Line(Generic[LockT]):
    """The resumes of one thread.

    Args:
        lock: Held by a resume until the thread is as it was asked to be.
    """

    __slots__ = ("__weakref__", "lock", "served")

    def __init__(self, lock: LockT) -> None:
        self.lock = lock
        # When the runtime has last answered one of them.
        self.served = -math.inf


class Resumes(Generic[LockT]):
    """Those of one runtime.

    Two at once would both find the thread unloaded, and the options of the second would be lost: the runtime
    ignores them for a thread that is loaded. And one that is refused would let go of what the other has.
    """

    def __init__(self, make: Callable[[], LockT]) -> None:
        self._make = make
        self._lines: WeakValueDictionary[str, Line[LockT]] = WeakValueDictionary()
        self._making = forks.reentrant_lock()

    def line_of(self, thread_id: str) -> Line[LockT]:
        """Where the resumes of this thread stand."""
        with self._making:
            return self._lines.setdefault(thread_id, Line(self._make()))
