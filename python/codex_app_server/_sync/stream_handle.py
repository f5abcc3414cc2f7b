# Made from _async/stream_handle.py by `python scripts/make_sync.py`; do not edit.

"""What a request began and somebody has to end: the base of the handles of commands, watches and searches.

Owns the order in which a stream is begun and undone: it is subscribed before its request is written, and from
that moment the native side undoes it when the handle is left, however that happens. Closing does the same
properly: it waits until the runtime has confirmed it.
"""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

from .._concurrency.deadline import Deadline
from .._native import Decoder, Subscription
from .._outgoing.requests import Request
from .._outgoing.stream_requests import StreamRequest
from ..errors import InvalidRequestError, StreamClosedError, TransportClosedError
from .connection import Connection
from .feed import Feed
from .notifications import EventStream

T = TypeVar("T")
EventT_co = TypeVar("EventT_co", covariant=True)


def opened(
    connection: Connection, stream_request: StreamRequest[T], deadline: Deadline
) -> tuple[Subscription, T]:
    """Begin a stream; returns its subscription and the answer. If that fails, nothing is left."""
    subscription = connection.subscribe_stream(stream_request)
    try:
        return subscription, connection.request(stream_request.start, subscription, deadline=deadline)
    except BaseException:
        subscription.close()
        raise


class StreamHandle(EventStream[EventT_co]):
    """A stream that a request began, and what undoes it."""

    def __init__(
        self,
        connection: Connection,
        stream_request: StreamRequest[Any],
        subscription: Subscription,
        decoder: Decoder,
    ) -> None:
        self._connection = connection
        self._stream_request = stream_request
        self._subscription = subscription
        self._feed = Feed(connection, subscription, decoder)
        self._closed = False

    _in_place_of_a_copy = "Share it, or begin another."

    def _standing(self) -> str:
        state = "running" if self._subscription.owes else "over"
        return f"id={self._stream_request.name!r} {self._feed.standing(state, is_closed=self._closed)}"

    def _request(self, request: Request[T], timeout_s: float | None) -> T:
        deadline = Deadline(timeout_s)
        if self._closed:
            raise self._closed_error()
        return self._connection.request(request, deadline=deadline)

    def _closed_error(self) -> StreamClosedError:
        return StreamClosedError("This handle is closed. What it was about has been ended; begin it again.")

    def close(self, *, timeout_s: float | None = None) -> None:
        """End what this is about and wait until the runtime has confirmed it.

        Idempotent; a second call does not wait for the first.

        Nothing is raised if it has ended already, or the connection has.

        Raises:
            RequestTimeoutError: The runtime does not answer. It is told to end it all the same.
        """
        deadline = Deadline(timeout_s)
        if self._closed:
            return
        self._closed = True
        try:
            with suppress(TransportClosedError):  # that has ended it
                self._stop(deadline)
        finally:
            self._let_go()

    def _stop(self, deadline: Deadline) -> None:
        """End it, if it was begun and goes on."""
        if self._subscription.owes:
            with suppress(InvalidRequestError):  # it ended by itself in this moment
                self._connection.request(self._stream_request.stop, deadline=deadline)
            self._subscription.settle()

    def _let_go(self) -> None:
        """Free everything without waiting. What was not undone is undone by the native side."""
        self._closed = True
        self._feed.close()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None or isinstance(exc, Exception):
            self.close()
        else:
            # A cancellation, a Ctrl-C: nobody waits any more.
            self._let_go()
