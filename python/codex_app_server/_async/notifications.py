"""Streams of notifications, a turn's or not. Made by the client; the events come from `feed`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from .._incoming.decoding import decoder, payload_as

# sync only: from .feed import taking
from .._native import Subscription
from .._package.late import pydantic
from ..models import Notification, PayloadT_co, UnknownNotification
from .connection import AsyncConnection
from .feed import AsyncFeed, AsyncReader

EventT_co = TypeVar("EventT_co", covariant=True)


class AsyncEventStream(AsyncReader[EventT_co]):
    """The events of one feed, made into what the program wants of them."""

    _feed: AsyncFeed

    def _standing(self) -> str:
        return self._feed.standing()

    async def __anext__(self) -> EventT_co:
        batch = self._feed.batch
        # sync only: taken = taking(batch)
        while True:
            try:
                event = batch.popleft()  # async only
                made = self._made(event)  # async only
                if made is not None:  # async only
                    return made  # async only
                # sync only: for event in taken:
                # sync only:     made = self._made(event)
                # sync only:     if made is not None:
                # sync only:         return made
            except IndexError:
                if not await self._feed.fill():
                    await self._ended()
                    raise StopAsyncIteration from None
            # sync only: except BaseException:  # of a signal's handler, while an event was looked at
            # sync only:     self._feed.tear()
            # sync only:     raise

    def _made(self, event: Notification) -> EventT_co | None:
        """What the program gets of an event; None for nothing."""
        raise NotImplementedError

    async def _ended(self) -> None:
        """Nothing more will come."""


class AsyncNotificationStream(AsyncEventStream["Notification[PayloadT_co]"], Generic[PayloadT_co]):
    """Notifications of one client, as they come; never at an end by itself.

    Async form of `NotificationStream`. Made by `AsyncCodex.notifications()`, and subscribed from then on, not
    only from when it is iterated. Whoever stops reading should close it: until then its events are kept.
    All consumers of one stream share it, so each event goes to one of them; who wants a copy of its own
    makes a stream of its own. Where all kinds were given as classes, `payload` of each event is
    of one of them: a field that does not fit holds an `UnknownValue`.

    While iterating, it raises `StreamOverflowError` where events were dropped because they were not read
    (iterate on for what comes after), `ClientClosedError` when the client is closed and
    `TransportClosedError` when the runtime ends. After `aclose()` the iteration is over.

    Example:
        >>> async def log(codex):
        ...     async with codex.notifications("turn/completed", "warning") as events:
        ...         async for event in events:
        ...             print(event.method)
    """

    def __init__(
        self,
        connection: AsyncConnection,
        subscription: Subscription,
        classes: Mapping[str, type[pydantic.BaseModel]] | None = None,
        methods: Sequence[str] | None = None,
        thread_id: str | None = None,
    ) -> None:
        of = "" if thread_id is None else f" thread_id={thread_id!r}"
        self._told = f"{' '.join(methods or ('all of no turn',))}{of}"
        self._feed = AsyncFeed(connection, subscription, decoder())
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

    async def aclose(self) -> None:
        """Stop listening, and free what was not read. Idempotent."""
        self._feed.close()
