"""The events of one subscription on their way to its consumer, in batches.

Owns the drained batch, the wait for the next one, and the pauses that a hot stream makes for everybody else.
Knows nothing of what the events are about. Streams and handles are made of it.
"""

from __future__ import annotations

from collections import deque

# sync only: from collections.abc import Iterator
from contextlib import suppress

# sync only: from itertools import repeat
from types import TracebackType
from typing import Any, Generic, TypeVar

from .. import _native
from .._concurrency.deadline import Deadline, Expired, Patience
from .._incoming.bound import Bound, stream_state
from .._incoming.failures import DrainedElsewhereError
from .._native import Decoder, Subscription
from ..errors import (
    ForkedProcessError,
    StreamClosedError,
    StreamOverflowError,
    TransportClosedError,
    WaitTimeoutError,
)
from .connection import AsyncConnection
from .waiting import Lock, Pace, pause, wait_ready  # async only

# sync only: from .waiting import Lock, Pace, bounded, entering

_TORN = (
    "An exception (a signal handler's) came just when an event was handed over, which may be lost. Read what "
    "this is about anew, a turn with thread.read(include_turns=True)."
)

# sync only: EventT = TypeVar("EventT")
EventT_co = TypeVar("EventT_co", covariant=True)
ReaderT = TypeVar("ReaderT", bound="AsyncReader[Any]")


class AsyncFeed:
    """The events of one subscription. Its consumers share it, so each event goes to one of them."""

    def __init__(self, connection: AsyncConnection, subscription: Subscription, decoder: Decoder) -> None:
        self.batch: deque[Any] = deque()
        # Where the native side puts what it drains, in one step: no signal handler's exception comes between.
        self._drained: deque[Any] = self.batch
        self._connection = connection
        self._subscription = subscription
        self._decoder = decoder
        # Only one consumer drains and waits at a time; the native mailbox knows one waiter.
        self._lock = Lock()
        self._pace = Pace()
        self._begun = False
        self._dry = False  # async only
        self._closed = False
        self._torn = False
        # Whether consumers take events without the lock, too.
        self._is_shared = False

    @property
    def native(self) -> _native.Connection:
        """The connection, natively."""
        return self._connection.native

    def standing(self, state: str = "open", *, is_closed: bool = False) -> str:
        """Where it stands; `state` is what its consumer calls it while it goes on."""
        return stream_state(self.native, state, is_closed=is_closed or self._closed)

    async def fill(self, patience: Patience | None = None) -> bool:
        """Wait until `batch` has events (True) or the stream has ended (False).

        Raises:
            Expired: Nothing has come, and `patience` is over. Nothing is lost.
            StreamOverflowError: Events were dropped. What is left can still be read.
            StreamClosedError: An exception has torn an event away.
            TransportClosedError: The connection ended before the stream did.
        """
        # Written out: what stands behind the wait is on an event's way to its consumer. One that comes alone,
        # when its code has left the caches, took a tenth less with two calls of Python fewer.
        # sync only: entering(self._lock)
        if not self._lock.take():  # async only
            await self._queue(patience)  # async only
        try:
            # sync only: self._queue(patience)
            self._begun = True
            self._connection.log_diagnostics()
            while not self.batch and not self._closed:
                # Before the drain: a stream that makes room for others holds its events  # async only
                # as bytes meanwhile, not as objects through which the collector walks.  # async only
                if self._pace.is_due():  # async only
                    await pause()  # async only
                limit = self._pace.batch
                left = None if patience is None else patience.left(self._subscription)
                if self._dry:  # async only
                    await wait_ready(self._subscription, left)  # async only
                try:
                    events = self._subscription.drain(self._decoder, limit, self._drained)  # async only
                    # sync only: # It also waits: between a wake-up and its event no line of Python runs.
                    # sync only: self._subscription.drain_ready(
                    # sync only:     self._decoder, limit, left, self._drained
                    # sync only: )
                except (StreamClosedError, StreamOverflowError, TransportClosedError):
                    # What was noted meanwhile explains it. And it is for every consumer: the native side says
                    # it to whoever asks next, too.
                    self._connection.log_diagnostics()
                    raise
                except RuntimeError as error:
                    if self._closed:  # by another consumer, just now
                        return False
                    if not self._is_shared or not isinstance(error, DrainedElsewhereError):
                        raise
                    continue  # another consumer takes what is there
                # There may be more, but mostly is not; a wait for what is there ends at once.  # async only
                self._dry = len(events) < limit  # async only
                if not self.batch or self._closed:
                    self._look_up(patience)
            return bool(self.batch) or self._is_over()
        finally:
            self._lock.release()  # async only
            # In one step: between a question and the release a signal's handler might come.
            # sync only: try:
            # sync only:     self._lock.release()
            # sync only: except RuntimeError:  # it was not taken yet
            # sync only:     pass

    async def _queue(self, patience: Patience | None) -> None:
        """Take the lock behind the other consumers, unless `patience` is over before."""
        if patience is None:
            await self._lock.wait()  # async only
            # sync only: self._lock.acquire()
            return
        while True:
            left = patience.left(self._subscription)
            if await self._lock.wait(left):  # async only
                return  # async only
            # sync only: if self._lock.acquire(timeout=bounded(left)):
            # sync only:     return
            patience.check(self._subscription)

    def _look_up(self, patience: Patience | None) -> None:
        """Nothing was drained into `batch`, or it was closed meanwhile."""
        is_made = self._make()
        if self._closed:  # by another consumer, after these were drained
            self.batch.clear()
        elif not self.batch and self._subscription.finished:
            self.batch.extend(self._last())
            if not self.batch:
                self.close()
        elif patience is not None and not is_made:
            patience.check(self._subscription)

    def _is_over(self) -> bool:
        """False, which is what `fill` then says; unless more was to come."""
        if self._torn:
            raise StreamClosedError(_TORN)
        return False

    def rest(self) -> list[Any] | deque[Any]:
        """Take what is there already, without waiting."""
        with suppress(StreamClosedError, StreamOverflowError, TransportClosedError):
            try:
                while self._subscription.drain(self._decoder, self._pace.batch, self._drained):
                    pass
            except RuntimeError:
                if not self._closed:  # by another thread, just now
                    raise
        self._make()
        return self.take()

    def tear(self) -> None:
        """An exception came where an event was about to be handed over, which may be lost now."""
        self._torn = True
        self.close()

    def _make(self) -> bool:
        """Make the events of `batch` of those that were drained, if these are others; says if any were."""
        return False

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


async def next_of(feed: AsyncFeed, timeout_s: float | None, what: str) -> Any:
    """The next event of a feed; None at its end.

    Raises:
        WaitTimeoutError: None has come for `timeout_s` seconds.
        StreamOverflowError: Events were dropped. What is left can still be read.
        TransportClosedError: The connection ended before the stream did.
    """
    patience = None if timeout_s is None else Patience(Deadline(timeout_s), None)
    try:
        while await feed.fill(patience):
            try:
                return feed.batch.popleft()  # async only
                # sync only: for event in taking(feed.batch):
                # sync only:     return event
            except IndexError:  # another consumer was faster
                pass
    except Expired as over:
        seconds = over.timeout_s
        raise WaitTimeoutError(f"No {what} has come for {seconds:g} s.", seconds) from None
    return None


# sync only: def taking(batch: deque[EventT]) -> Iterator[EventT]:
# sync only:     """Takes one event after the other; raises IndexError while there is none.
# sync only:
# sync only:     In C from end to end, and so is a `for` over it: no signal's handler comes between the taking
# sync only:     of an event and its use.
# sync only:     """
# sync only:     return map(deque.popleft, repeat(batch))
# sync only:
# sync only:
class AsyncReader(Bound, Generic[EventT_co]):
    """What is iterated and closed: the forms of every stream and handle."""

    __slots__ = ()

    def __aiter__(self: ReaderT) -> ReaderT:
        return self

    async def __anext__(self) -> EventT_co:
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError

    async def __aenter__(self: ReaderT) -> ReaderT:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
