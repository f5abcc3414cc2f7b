# Made from _async/notifications.py by `python scripts/make_sync.py`; do not edit.

"""Streams of notifications, a turn's or not. Made by the client; the events come from `feed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .._decode import decoder
from ..models import Notification
from .feed import Feed, Reader, taking

if TYPE_CHECKING:
    from .._native import Subscription
    from .connection import Connection

EventT = TypeVar("EventT")


class EventStream(Reader[EventT]):
    """The events of one feed, made into what the program wants of them."""

    _feed: Feed

    def __next__(self) -> EventT:
        batch = self._feed.batch
        taken = taking(batch)
        while True:
            try:
                for event in taken:
                    made = self._made(event)
                    if made is not None:
                        return made
            except IndexError:
                if not self._feed.fill():
                    self._ended()
                    raise StopIteration from None
            except BaseException:  # of a signal's handler, while an event was looked at
                self._feed.tear()
                raise

    def _made(self, event: Notification) -> EventT | None:
        """What the program gets of an event; None for nothing."""
        raise NotImplementedError

    def _ended(self) -> None:
        """Nothing more will come."""


class NotificationStream(EventStream[Notification]):
    """Notifications of one client, as they come; never at an end by itself.

    Made by `Codex.notifications()`, and subscribed from then on, not
    only from when it is iterated. Whoever stops reading should close it: until then its events are kept.
    All consumers of one stream share it, so each event goes to one of them; who wants a copy of its own
    makes a stream of its own.

    While iterating, it raises `StreamOverflowError` where events were dropped because they were not read
    (iterate on for what comes after), `ClientClosedError` when the client is closed and
    `TransportClosedError` when the runtime ends. After `close()` the iteration is over.

    Example:
        >>> def log(codex):
        ...     with codex.notifications("turn/completed", "warning") as events:
        ...         for event in events:
        ...             print(event.method)
    """

    def __init__(self, connection: Connection, subscription: Subscription) -> None:
        self._feed = Feed(connection, subscription, decoder())

    def _made(self, event: Notification) -> Notification:
        return event

    def close(self) -> None:
        """Stop listening, and free what was not read. Idempotent."""
        self._feed.close()
