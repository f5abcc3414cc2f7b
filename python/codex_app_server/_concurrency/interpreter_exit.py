"""The end of the process: no client may outlive it or keep it from ending.

Owns the weak list of open connections. Before the interpreter joins its threads, every connection is latched
closed, so that a thread that waits for an event returns; `atexit` runs only after that join and would come
too late. Daemon threads end without a word then. At exit it waits, for a bounded time,
until the runtimes are gone, and then for what is to be done after that. Called by the connections.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from .._native import Connection, interpreter_exits


class Closable(Protocol):
    """One connection, of either shell."""

    native: Connection
    close_timeout_s: float


class _Connections:
    """The open connections of this process."""

    def __init__(self) -> None:
        # A signal's handler may open a client while its thread is in here.
        self._lock = threading.RLock()
        self._open: weakref.WeakSet[Closable] = weakref.WeakSet()
        self._hooked = False
        self._last: list[Callable[[], None]] = []
        self.is_ending = False

    def add(self, connection: Closable) -> None:
        with self._lock:
            self._open.add(connection)
            self._hook_once()

    def add_last(self, work: Callable[[], None]) -> None:
        with self._lock:
            self._last.append(work)
            self._hook_once()

    def _hook_once(self) -> None:
        if not self._hooked:
            self._hook()
            self._hooked = True

    def _hook(self) -> None:
        register = getattr(threading, "_register_atexit", None)
        if register is not None:
            # These callbacks run last in, first out, and concurrent.futures registers one that joins
            # its workers when it is imported. Imported later, it would wait for a worker that waits
            # for a turn.
            import concurrent.futures.thread  # noqa: F401

            with suppress(RuntimeError):  # the interpreter is ending already
                register(self.latch)
        atexit.register(self.finish)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def _all(self) -> list[Closable]:
        with self._lock:
            return list(self._open)

    def latch(self) -> None:
        """Close everything; whoever waits is told so. Does not wait."""
        self.is_ending = True
        interpreter_exits()
        for connection in self._all():
            connection.native.close()

    def finish(self) -> None:
        """Close everything and wait, for a bounded time, until the runtimes are gone."""
        self.latch()
        started = time.monotonic()
        for connection in self._all():
            connection.native.wait(max(0.0, started + connection.close_timeout_s - time.monotonic()))
        for work in self._last:
            work()

    def forget(self) -> None:
        """In a forked child: the connections are the parent's, and the lock may be held for ever."""
        self._lock = threading.RLock()
        self._open.clear()


_connections = _Connections()


def track(connection: Closable) -> None:
    """Close `connection` when the interpreter exits, and wait for its end then, for `close_timeout_s`."""
    _connections.add(connection)


def at_end(work: Callable[[], None]) -> None:
    """Do `work`, which takes a bounded time, when the interpreter exits and the runtimes are gone."""
    _connections.add_last(work)


def is_ending() -> bool:
    """Whether the interpreter begins to end."""
    return _connections.is_ending
