"""How the threads' shell waits: in the native side, without the GIL, interruptible by Ctrl-C.

Offers the same names as `_async/waiting.py`; the rest of the two shells is one text.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .._concurrency import forks
from .._incoming.failures import reentrant

__all__ = [
    "HANDLERS_OWN",
    "Background",
    "Lock",
    "Pace",
    "Waitable",
    "bounded",
    "entering",
    "in_own_task",
    "in_thread",
    "now",
    "rest",
    "sleep",
    "wait_ready",
]

ArgT = TypeVar("ArgT")

# What a handler raises that ends that handler only: anything, as its thread is no thread of the program's.
HANDLERS_OWN: type[BaseException] = BaseException
# How long the end of a connection waits for a handler of the program.
_MOMENT_S = 1.0


if TYPE_CHECKING:
    Lock = threading.RLock
else:
    Lock = forks.reentrant_lock

now = time.monotonic
sleep = time.sleep


class Pace:
    """How many events a consumer gets at once. Threads make way for each other in the native side."""

    __slots__ = ()

    # Five objects an event: more would be above the number at which CPython looks for garbage.
    batch = 128


class Background:
    """Work that goes on beside the program, in a thread of its own.

    The thread does not keep the program from ending: what it waits for ends before the interpreter does.
    """

    def __init__(self, work: Callable[[ArgT], None], argument: ArgT) -> None:
        self._thread = threading.Thread(target=work, args=(argument,), name="codex-handler", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Wait for its end for a moment. Work that takes longer goes on: a thread cannot be cancelled."""
        if self._thread is not threading.current_thread():
            self._thread.join(_MOMENT_S)


def in_own_task(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a call of the program's gives."""
    return call(*arguments)


class Waitable(Protocol):
    """What the native side can be waited for: calls, subscriptions, connections."""

    def wait(self, timeout: float | None = None) -> bool: ...


def wait_ready(waitable: Waitable, timeout: float | None = None) -> bool:
    """Wait until `waitable` is ready (True) or `timeout` seconds have passed (False)."""
    return waitable.wait(timeout)


def in_thread(work: Callable[[], object], timeout: float | None) -> bool:
    """Do something that takes long. Nobody else is held up by a thread."""
    work()
    return True


def bounded(seconds: float) -> float:
    """What a lock takes for a timeout."""
    return min(max(0.0, seconds), threading.TIMEOUT_MAX)


def entering(lock: Lock) -> Lock:
    """The lock, to be entered.

    Raises:
        ReentrantCallError: This thread is inside of it: a signal handler has interrupted what it now calls.
    """
    # As `threading.Condition` asks a lock of this kind.
    if lock._is_owned():  # type: ignore[attr-defined]
        raise reentrant()
    return lock


def rest() -> None:
    """Free what waiting needs if nothing waits now: nothing, for threads."""
