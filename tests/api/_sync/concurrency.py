"""Doing things at once, with threads. `_async/concurrency.py` has the same names for tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from tests.peer import ScriptedPeer

TIMEOUT_S = 50.0


class Background:
    """A job that runs beside the test."""

    def __init__(self, job: Callable[[], Any]) -> None:
        self._future: Future[Any] = Future()
        self._thread = threading.Thread(target=self._run, args=(job,))
        self._thread.start()

    def _run(self, job: Callable[[], Any]) -> None:
        try:
            self._future.set_result(job())
        except BaseException as error:
            self._future.set_exception(error)

    def result(self) -> Any:
        """What it returned, or what it raised."""
        try:
            return self._future.result(TIMEOUT_S)
        finally:
            self._thread.join(TIMEOUT_S)


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """Run all at once and return their results in order; the first failure is raised."""
    running = [Background(job) for job in jobs]
    return [one.result() for one in running]


class Marks:
    """Named points: one side reaches them, the other waits for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reached: dict[str, threading.Event] = {}

    def _event(self, name: str) -> threading.Event:
        with self._lock:
            return self._reached.setdefault(name, threading.Event())

    def reach(self, name: str) -> None:
        self._event(name).set()

    def wait(self, name: str) -> None:
        assert self._event(name).wait(TIMEOUT_S), name


def expected(peer: ScriptedPeer, method: str | None) -> dict[str, Any]:
    """The next message of the client, which must be `method` if that is given."""
    return peer.expect(method)
