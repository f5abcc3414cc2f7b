# Made from _async/notifications.py by `python scripts/make_sync.py`; do not edit.

"""Streams of notifications, a turn's or not. Made by the client; the events come from `feed`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from .._incoming.decoding import decoder, payload_as
from .._native import Subscription
from .._package.late import pydantic
from ..models import Notification, PayloadT_co, UnknownNotification
from .connection import Connection
from .feed import Feed, Reader, taking

EventT_co = TypeVar("EventT_co", covariant=True)


class EventStream(Reader[EventT_co]):
    """The events of one feed, made into what the program wants of them."""

    _feed: Feed

    def _standing(self) -> str:
        return self._feed.standing()

    def __next__(self) -> EventT_co:
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

    def _made(self, event: Notification) -> EventT_co | None:
        """What the program gets of an event; None for nothing."""
        raise NotImplementedError

    def _ended(self) -> None:
        """Nothing more will come."""


class NotificationStream(EventStream["Notification[PayloadT_co]"], Generic[PayloadT_co]):
    """Notifications of one client, as they come; never at an end by itself.

    Made by `Codex.notifications()`, and subscribed from then on, not
    only from when it is iterated. Whoever stops reading should close it: until then its events are kept.
    All consumers of one stream share it, so each event goes to one of them; who wants a copy of its own
    makes a stream of its own. Where all kinds were given as classes, `payload` of each event is
    of one of them: a field that does not fit holds an `UnknownValue`.

    While iterating, it raises `StreamOverflowError` where events were dropped because they were not read
    (iterate on for what comes after), `ClientClosedError` when the client is closed and
    `TransportClosedError` when the runtime ends. After `close()` the iteration is over.

    Example:
        >>> def log(codex):
        ...     with codex.notifications("turn/completed", "warning") as events:
        ...         for event in events:
        ...             print(event.method)
    """

    def __init__(
        self,
        connection: Connection,
        subscription: Subscription,
        classes: Mapping[str, type[pydantic.BaseModel]] | None = None,
        methods: Sequence[str] | None = None,
        thread_id: str | None = None,
    ) -> None:
        of = "" if thread_id is None else f" thread_id={thread_id!r}"
        self._told = f"{' '.join(methods or ('all of no turn',))}{of}"
        self._feed = Feed(connection, subscription, decoder())
        # Those that the program has named, by method.
        self._classes = classes or {}

    def _made(self, event: Notification) -> Notification[PayloadT_co]:
        made: Notification[Any] = event
        if made.payload.__class__ is UnknownNotification and made.method in self._classes:
            made.payload = payload_as(self._classes[made.method], event)
        return made

    def _standing(self) -> str:
        return f"{self._told} {super()._standing()}"

    _in_place_of_a_copy = "Make another with notifications(): each gets all events from then on."

    def close(self) -> None:
        """Stop listening, and free what was not read. Idempotent."""
        self._feed.close()
