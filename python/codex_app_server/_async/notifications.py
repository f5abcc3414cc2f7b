"""Streams of notifications, a turn's or not. Made by the client; the events come from `feed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .._decode import decoder
from ..models import Notification
from .feed import AsyncFeed, AsyncReader

# sync only: from .feed import taking

if TYPE_CHECKING:
    from .._native import Subscription
    from .connection import AsyncConnection

EventT = TypeVar("EventT")


class AsyncEventStream(AsyncReader[EventT]):
    """The events of one feed, made into what the program wants of them."""

    _feed: AsyncFeed

    async def __anext__(self) -> EventT:
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

    def _made(self, event: Notification) -> EventT | None:
        """What the program gets of an event; None for nothing."""
        raise NotImplementedError

    async def _ended(self) -> None:
        """Nothing more will come."""


class AsyncNotificationStream(AsyncEventStream[Notification]):
    """Notifications of one client, as they come; never at an end by itself.

    Async form of `NotificationStream`. Made by `AsyncCodex.notifications()`, and subscribed from then on, not
    only from when it is iterated. Whoever stops reading should close it: until then its events are kept.
    All consumers of one stream share it, so each event goes to one of them; who wants a copy of its own
    makes a stream of its own.

    While iterating, it raises `StreamOverflowError` where events were dropped because they were not read
    (iterate on for what comes after), `ClientClosedError` when the client is closed and
    `TransportClosedError` when the runtime ends. After `aclose()` the iteration is over.

    Example:
        >>> async def log(codex):
        ...     async with codex.notifications("turn/completed", "warning") as events:
        ...         async for event in events:
        ...             print(event.method)
    """

    def __init__(self, connection: AsyncConnection, subscription: Subscription) -> None:
        self._feed = AsyncFeed(connection, subscription, decoder())

    def _made(self, event: Notification) -> Notification:
        return event

    async def aclose(self) -> None:
        """Stop listening, and free what was not read. Idempotent."""
        self._feed.close()
