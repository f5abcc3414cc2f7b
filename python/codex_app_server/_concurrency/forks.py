"""The shells' locks in a forked child: they are free there, whoever held them in the parent.

So whoever uses an inherited client in the child comes as far as the comparison of pids, which refuses him,
and does not wait for a thread that does not exist.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from types import FrameType
from typing import Any

# How many forks this process is away from the one that loaded this.
generation = 0

# How the names of the package's modules begin.
_INSIDE = __name__.partition(".")[0] + "."

_locks: weakref.WeakSet[Any] = weakref.WeakSet()


def lock() -> threading.Lock:
    """A lock that is free in a forked child."""
    made = threading.Lock()
    _locks.add(made)
    return made


def reentrant_lock() -> threading.RLock:
    """The same, which knows whether its thread is inside of it already."""
    made = threading.RLock()
    _locks.add(made)
    return made


def _is_inside(frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(_INSIDE):
            return True
        frame = frame.f_back
    return False


def _free() -> None:
    global generation  # noqa: PLW0603
    generation += 1
    # A handler of the program's may have forked in the midst of a wait of ours. What this thread holds, it
    # releases itself when it is refused. A lock that does not know whose it is may be such a one.
    is_inside = _is_inside(sys._getframe(1))
    for made in _locks:
        is_owned = getattr(made, "_is_owned", None)
        if not (is_inside if is_owned is None else is_owned()):
            made._at_fork_reinit()  # as the threading module itself does


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free)
