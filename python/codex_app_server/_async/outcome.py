"""What a turn comes to, folded beside the streams of its handle, from which it takes nothing.

Owns the second place in the turn's events that this needs: a native watch, which holds the turn in no way.
Made by the cursor, when a result is first asked for. Any number of consumers may wait.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from .._concurrency.deadline import Expired, Patience
from .._incoming.decoding import decoder
from .._incoming.failures import DrainedElsewhereError
from .._incoming.goals import LogicalTurn
from .._incoming.result import TurnCollector, TurnErrors, TurnResult
from .._native import Subscription
from ..errors import ReentrantCallError, StreamClosedError, StreamOverflowError, TransportClosedError
from .connection import AsyncConnection
from .feed import AsyncFeed
from .waiting import pause  # async only

# How long what has come is taken once the patience is over, in seconds: more may come all the time.
_REST_S = 0.1


class AsyncOutcome(AsyncFeed):
    """The result of a turn, or of a goal's turns as one.

    Args:
        connection: The connection.
        watch: The events that a result is folded from.
        collector: Makes what folds them.
        logical: Makes what takes those of a goal's turns for those of one, before they are folded.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        watch: Subscription,
        collector: Callable[[], TurnCollector],
        logical: Callable[[], LogicalTurn] | None = None,
    ) -> None:
        super().__init__(connection, watch, decoder())
        self._is_shared = True
        self._collector = collector
        self._logical = logical
        # All of them, and folded anew for each result: an exception in between, a signal handler's, leaves
        # nothing half done.
        self._drained = deque()
        self._looked_at = 0
        self._errors = TurnErrors(watch.turn_id)
        self._partial: StreamOverflowError | None = None

    async def wait(self, patience: Patience) -> TurnResult[Any]:
        """Wait for the end and return the result. Stopped by anything, it only stops to wait.

        Raises:
            TurnTimeoutError: The patience is over.
            TurnFailedError: The turn failed.
            StreamOverflowError: Items may be missing.
            StreamClosedError: The end will not be heard, or the handle was closed.
            TransportClosedError: The connection ended first.
        """
        over = None
        try:
            while await self.fill(None if patience.is_endless else patience):
                pass
        except Expired as expired:
            over = expired
            await self._take_rest()
        if self._partial is not None:
            raise self._partial
        collector = self._folded()
        if over is not None and not collector.is_complete:
            raise collector.timed_out(over.timeout_s, over.is_idle)
        if not collector.is_complete:
            raise StreamClosedError(
                "The handle was closed before its turn's end was known. Read the whole turn with "
                "thread.read(include_turns=True)."
            )
        return collector.result()

    async def _take_rest(self) -> None:
        """Take what has come: only errors and the end end a wait for a result.

        Without the lock, which another one may hold for as long as it waits.
        """
        until = time.monotonic() + _REST_S
        while time.monotonic() < until:
            if self._pace.is_due():  # async only
                await pause()  # async only
            try:
                if not self._subscription.drain(self._decoder, self._pace.batch, self._drained):
                    return
            except StreamOverflowError as error:
                self._partial = error
                return
            except (StreamClosedError, TransportClosedError):
                return
            except DrainedElsewhereError:  # another thread takes it
                continue
            except ReentrantCallError:
                return
            except RuntimeError:
                if self._closed:  # just now
                    return
                raise

    def _folded(self) -> TurnCollector:
        collector = self._collector()
        events: Iterable[Any] = self._drained.copy()
        if self._logical is not None:
            logical = self._logical()
            events = [*logical.events(events), *logical.end()]
        collector.add(events)
        return collector

    def _make(self) -> bool:
        """False: what has come does not lengthen anybody's patience."""
        before, self._looked_at = self._looked_at, len(self._drained)
        # By their places: the last ones are at hand, and an iteration would pass by all before them.
        for event in map(self._drained.__getitem__, range(before, self._looked_at)):
            if event.method == "error":
                self._errors.note(event)  # which logs it, once
        return False

    def _last(self) -> list[Any]:
        try:
            # Behind the end, whether items may be missing.
            self._subscription.drain(self._decoder, 1)
        except StreamOverflowError as error:
            self._partial = error
        return []
