# Made from _async/feed.py by `python scripts/make_sync.py`; do not edit.

"""The events of one subscription on their way to its consumer, in batches.

Owns the drained batch, the wait for the next one, and the pauses that a hot stream makes for everybody else.
Knows nothing of what the events are about. Streams and handles are made of it.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import ForkedProcessError, StreamOverflowError, TransportClosedError
from .waiting import Lock, Pace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from .._native import Decoder, Subscription
    from .connection import Connection

EventT = TypeVar("EventT")
ReaderT = TypeVar("ReaderT", bound="Reader[Any]")


class Feed:
    """The events of one subscription. Its consumers share it, so each event goes to one of them."""

    def __init__(self, connection: Connection, subscription: Subscription, decoder: Decoder) -> None:
        self.batch: deque[Any] = deque()
        # Called with the events that were drained.
        self._keep: Callable[[list[Any]], None] = self.batch.extend
        self._connection = connection
        self._subscription = subscription
        self._decoder = decoder
        # Only one consumer drains and waits at a time; the native mailbox knows one waiter.
        self._lock = Lock()
        self._pace = Pace()
        self._begun = False
        self._closed = False

    def fill(self) -> bool:
        """Wait until `batch` has events (True) or the stream has ended (False).

        Raises:
            StreamOverflowError: Events were dropped. What is left can still be read.
            TransportClosedError: The connection ended before the stream did.
        """
        # Written out: what stands behind the wait is on an event's way to its consumer. One that comes alone,
        # when its code has left the caches, took a tenth less with two calls of Python fewer.
        with self._lock:
            self._begun = True
            limit = self._pace.batch
            self._connection.log_diagnostics()
            while not self.batch and not self._closed:
                try:
                    # It also waits: between a wake-up and its event no line of Python runs.
                    events = self._subscription.drain_ready(self._decoder, limit)
                except (StreamOverflowError, TransportClosedError):
                    # What was noted meanwhile explains it. And it is for every consumer: the native side says
                    # it to whoever asks next, too.
                    self._connection.log_diagnostics()
                    raise
                except Exception:
                    if self._closed:  # by another consumer, just now
                        return False
                    self.close()
                    raise
                self._keep(events)
                if self._closed:  # by another consumer, after these were drained
                    self.batch.clear()
                elif not self.batch and self._subscription.finished:
                    self.batch.extend(self._last())
                    if not self.batch:
                        self.close()
            return bool(self.batch)

    def take(self) -> list[Any] | deque[Any]:
        """Take what `batch` has. If it is closed, and so cleared, at this moment, that may be nothing."""
        # A copy, because an iteration would fail when `batch` is cleared. Copying is one step, and costs a
        # fifth of popping each.
        try:
            events = self.batch.copy()
        except RuntimeError:  # early releases of 3.14t iterate to copy
            return []
        self.batch.clear()
        return events

    def _last(self) -> list[Any]:
        """What they get once the stream has ended. Asked again until it is nothing."""
        return []

    def close(self) -> None:
        """Free the subscription and what was not read, and wake whoever waits for it. Idempotent."""
        self._closed = True
        # In this order: who fills the batch at this moment looks at the mark afterwards, and clears it too.
        self.batch.clear()
        with suppress(ForkedProcessError):  # in a forked child nothing is held
            self._subscription.close()


class Reader(Generic[EventT]):
    """What is iterated and closed: the forms of every stream and handle."""

    __slots__ = ()

    def __iter__(self: ReaderT) -> ReaderT:
        return self

    def __next__(self) -> EventT:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self: ReaderT) -> ReaderT:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
