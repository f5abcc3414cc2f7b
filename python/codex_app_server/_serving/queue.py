"""Requests that wait to be pulled: the other way to serve, beside handlers.

A queue takes what it wants from its construction to its close. Whoever waits does so in the native side, a
thread as well as a task of any loop.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from .._concurrency import forks
from .._native import Gate, LoopWaker, Wait
from ..errors import RequestSettledError, TransportClosedError
from ..requests import ServerRequest

# Settled requests are swept out when twice as many are held as were open the last time, and not before this.
_SWEEP_AT = 64


class RequestQueue:
    """Requests for one consumer.

    Args:
        kinds: The classes that it takes; all if there are none.
        thread_id: The thread whose requests it takes, and those of its sub-agents; any by default.
        name: How the records call it.
        is_last: Whether it gets only what no other queue wants, whenever that was opened.
    """

    def __init__(
        self,
        kinds: tuple[type[ServerRequest], ...] = (),
        thread_id: str | None = None,
        name: str = "requests()",
        *,
        is_last: bool = False,
    ) -> None:
        self.is_last = is_last
        self.kinds = kinds
        self.thread_id = thread_id
        self.name = name
        self._lock = forks.reentrant_lock()
        self._gate = Gate()
        self._waiting: deque[ServerRequest] = deque()
        # Taken, and perhaps still open.
        self._taken: list[ServerRequest] = []
        self._sweep_at = self._prune_at = _SWEEP_AT
        self._ended: TransportClosedError | None = None
        self.closed = False

    def wants(self, kind: type[ServerRequest], thread_ids: tuple[str, ...]) -> bool:
        """Whether it takes requests of this class from a thread that descends from the others."""
        if self.closed or (self.kinds and not issubclass(kind, self.kinds)):
            return False
        return self.thread_id is None or self.thread_id in thread_ids

    def put(self, request: ServerRequest) -> bool:
        """Hand one in; False if it was closed meanwhile."""
        with self._lock:
            if self.closed or self._ended is not None:
                return False
            self._waiting.append(request)
            if len(self._waiting) >= self._sweep_at:
                # Somebody else answers them, by their tokens, and nobody takes them.
                self._waiting = deque(each for each in self._waiting if not each.settled)
                self._sweep_at = max(_SWEEP_AT, 2 * len(self._waiting))
        self._gate.set()
        return True

    def take(self) -> ServerRequest | None:
        """The next one that is open; None when none waits, or this was closed. Never waits.

        Raises:
            TransportClosedError: The connection has ended.
        """
        with self._lock:
            while self._waiting:
                request = self._waiting.popleft()
                if not request.settled:
                    self._taken.append(request)
                    if len(self._taken) >= self._prune_at:
                        # What is deferred is not refused at the close either.
                        self._taken = [each for each in self._taken if not (each.settled or each.deferred)]
                        self._prune_at = max(_SWEEP_AT, 2 * len(self._taken))
                    return request
            if self._ended is not None:
                raise self._ended
            if not self.closed:
                self._gate.clear()
        return None

    def wait(self, timeout: float | None = None) -> bool:
        """Block until there may be one to take, or an end to see."""
        return self._gate.wait(timeout)

    def ready(self, waker: LoopWaker) -> Wait:
        """The same wait for a task of the waker's loop."""
        return self._gate.ready(waker)

    @property
    def is_over(self) -> bool:
        """Whether it gets nothing any more."""
        return self.closed or self._ended is not None

    def end(self, error: TransportClosedError) -> None:
        """The connection has ended."""
        with self._lock:
            self._ended = self._ended or error
        self._gate.set()

    def close(self) -> None:
        """Take no more, and refuse what was not answered. Idempotent."""
        with self._lock:
            self.closed = True
            left = [*self._taken, *self._waiting]
            self._taken.clear()
            self._waiting.clear()
        self._gate.set()
        for request in left:
            if not request.deferred:
                with suppress(RequestSettledError):
                    request.refuse()
