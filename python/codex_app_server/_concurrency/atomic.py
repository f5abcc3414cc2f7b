"""A value that threads and signal handlers change without a lock.

Owns one value and the order of its changes: compare-and-swap, which Python does not offer. Knows nothing of
what the value means. Used by the cursors of both shells.

Why no lock: a signal handler runs between any two bytecodes of the main thread, and so does a finalizer in
whatever thread the garbage collector comes up. One that waits for another thread, as in
`stop.set(); worker.join()`, would wait for ever if the code below it held a lock that the other thread needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Version(Generic[T]):
    """One value, and the version after it once there is one: an entry that is made once and never changed."""

    __slots__ = ("after", "value")

    def __init__(self, value: T) -> None:
        self.value = value
        self.after: dict[str, _Version[T]] = {}


class Atomic(Generic[T]):
    """An immutable value, replaced as a whole. Nobody waits: whoever is overtaken tries again.

    The versions form a chain. `dict.setdefault` with a string is one atomic operation, with and without the
    interpreter's lock, so of all who want to follow the same version one does, and the others see which.
    """

    __slots__ = ("_recent",)

    def __init__(self, value: T) -> None:
        # One of the last versions: a thread that was held up may put back an older one than it finds. The
        # chain leads on from there.
        self._recent = _Version(value)

    @property
    def value(self) -> T:
        """The value now."""
        version = self._recent
        while (after := version.after.get("version")) is not None:
            version = after
        return version.value

    def update(self, change: Callable[[T], T]) -> T:
        """Replace the value by what `change` makes of it, and return that.

        `change` has no effects, because it is called again if it was overtaken. What it raises leaves the
        value as it is.
        """
        version = self._recent
        while True:
            while (after := version.after.get("version")) is not None:
                version = after
            value = change(version.value)
            if value is version.value:
                return value
            proposed = _Version(value)
            if version.after.setdefault("version", proposed) is proposed:
                self._recent = proposed
                return value
