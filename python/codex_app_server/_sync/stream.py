# Made from _async/stream.py by `python scripts/make_sync.py`; do not edit.

"""One turn's events, as objects that are iterated and closed.

Owns the cursor that all consumers of one handle share, and what each of them may still ask for. Used by the
handles; the events come from `feed`.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal, NamedTuple, TypeVar, cast

from .._concurrency.atomic import Atomic
from .._concurrency.deadline import Expired, Patience
from .._incoming.decoding import decoder
from .._incoming.result import (
    TurnCollector,
    TurnErrors,
    TurnResult,
    completed_turn,
    raise_if_failed,
    turn_timed_out,
)
from .._native import Subscription
from ..errors import (
    ForkedProcessError,
    StreamClosedError,
    TransportClosedError,
    TurnFailedError,
    TurnTimeoutError,
)
from ..models import Notification
from .connection import Connection
from .feed import Feed, Reader, taking
from .outcome import Outcome

_READ_OR_GIVEN_UP = (
    "This turn's events were read to the end or given up. Read the whole turn with "
    "thread.read(include_turns=True). If it still runs, interrupt() stops it; another turn of the thread "
    "would join it."
)

_COLLECTED = (
    "run() collects this turn's events, or has done so: what it gives or raises is the result. Use that, or "
    "stream() and result() instead of it."
)

EventT_co = TypeVar("EventT_co", covariant=True)
HandleT = TypeVar("HandleT")


class _Use(NamedTuple):
    """What a handle's consumers are doing with its events, at one moment."""

    # One object for each open stream. Not the stream: it is to be dropped when the program drops it.
    streams: frozenset[object] = frozenset()
    text_only: bool = False
    collecting: bool = False
    # Nobody may begin any more.
    over: bool = False


class EventCursor(Feed):
    """One handle's place in its turn's events. Its consumers share it, so each event goes to one of them.

    Threads, signal handlers and finalizers come, read and leave at any moment. Each step is decided by one
    update of `_use`; what it means for the subscription is done after that. In this order nothing is decided
    by what has changed since. The effects need no order of their own: a use that is text only or collects
    stays so, and closing can be repeated.
    """

    def __init__(
        self, connection: Connection, subscription: Subscription, turn_id: str, *, may_own: bool = True
    ) -> None:
        super().__init__(connection, subscription, decoder())
        self.turn_id = turn_id
        # What was started elsewhere is never stopped for this consumer's sake.
        self._may_own = may_own
        self._owns = False
        self._use = Atomic(_Use())
        # What a result needs of the events is recorded natively, from the first that somebody has read.
        self._recorded = False
        self._outcome: Atomic[Outcome | None] = Atomic(None)
        # What has ended the connection, or the events, under run(). Beside that nothing is recorded, and its
        # result is not kept: 200 at once took a quarter longer with either.
        self._ended: StreamClosedError | TransportClosedError | None = None

    def _record(self) -> None:
        """Keep what a result needs, whatever is read from now on.

        Raises:
            StreamClosedError: The events were given up before, or go to run().
        """
        if self._recorded or self._outcome.value is not None:
            return
        try:
            self._subscription.record()
        except RuntimeError as error:
            raise self._unkept() from error
        if self._use.value.collecting:  # perhaps from before it was recorded
            raise StreamClosedError(_COLLECTED)
        self._recorded = True

    def _watched(self) -> Subscription:
        """What a result needs, from the first event that somebody has read, or nobody.

        Raises:
            StreamClosedError: The events were given up before, or go to run().
        """
        try:
            watch = self._subscription.watch()
        except RuntimeError as error:
            raise self._unkept() from error
        if self._use.value.collecting and not self._recorded:  # perhaps from before it was made
            raise StreamClosedError(_COLLECTED)
        return watch

    def _unkept(self) -> StreamClosedError:
        return StreamClosedError(_COLLECTED if self._use.value.collecting else _READ_OR_GIVEN_UP)

    def outcome(self, patience: Patience) -> TurnResult[Any]:
        """What the turn comes to, without a part in it.

        Raises:
            StreamClosedError: The events were given up before anything of them was asked for, or go to run().
            TurnTimeoutError: The patience is over.
            StreamOverflowError: Items may be missing.
            TurnFailedError: The turn failed.
            TransportClosedError: The connection ended before the turn did.
        """
        try:
            folding = self._folding()
        except StreamClosedError:
            if self._ended is None:
                raise
            raise copy.copy(self._ended) from None
        return folding.wait(patience)

    def _folding(self) -> Outcome:
        outcome = self._outcome.value
        if outcome is not None:
            return outcome
        try:
            made = self._made_outcome(self._watched())
        except StreamClosedError:
            # Somebody else may have made one meanwhile, and have let go of what was recorded.
            outcome = self._outcome.value
            if outcome is None:
                raise
            return outcome
        # The first has it all: what is recorded goes only after that.
        outcome = self._outcome.update(lambda other: made if other is None else other)
        self._subscription.forget()
        return cast("Outcome", outcome)

    def _made_outcome(self, watch: Subscription) -> Outcome:
        thread_id, turn_id = self._subscription.thread_id, self.turn_id
        return Outcome(self._connection, watch, lambda: TurnCollector(thread_id, turn_id, is_told=True))

    def enter(self, place: object, selection: Literal["all", "text"]) -> None:
        """Count a new stream in, by an object that stands for it.

        Raises:
            StreamClosedError: The events were read or given up, or what this stream needs is not kept.
        """

        def entered(use: _Use) -> _Use:
            self._require(use, selection)
            # With other streams around, theirs must stay; this one then picks the text itself.
            text_only = use.text_only or (selection == "text" and not use.streams)
            return use._replace(streams=use.streams | {place}, text_only=text_only)

        self._require(self._use.value, selection)
        self._record()
        if self._use.update(entered).text_only:
            self._subscription.select("text")

    def leave(self, place: object, given_up: bool) -> None:
        """Count a stream out, if it is in. The last one frees the subscription, unless none was ever used."""

        def left(use: _Use) -> _Use:
            if place not in use.streams:
                return use
            streams = use.streams - {place}
            return use._replace(streams=streams, over=not streams and (given_up or self._begun))

        if self._use.update(left).over:
            self.close()

    def collect(self) -> None:
        """Keep only what a result needs from now on.

        Raises:
            StreamClosedError: A part of the events went, or goes, to another consumer of the handle.
        """

        def collecting(use: _Use) -> _Use:
            self._require(use, "result")
            if use.streams or self._begun:
                raise StreamClosedError(
                    "A part of this turn's events went to a stream of this handle, so a result would miss "
                    "it. Read on in the stream, or read the whole turn with thread.read(include_turns=True)."
                )
            return use._replace(collecting=True)

        self._use.update(collecting)
        self._subscription.select("result")

    def result(self, collector: TurnCollector, patience: Patience) -> TurnResult:
        """Own the turn, read to the end and return what it came to. Stopped by anything else, give the turn
        up.

        Raises:
            TurnTimeoutError: The patience is over.
            StreamClosedError: A part of the events went, or goes, to another consumer of the handle.
            StreamOverflowError: Items may be missing: more turns began on the thread before this one's start
                was answered than are kept.
            TurnFailedError: The turn failed.
            TransportClosedError: The connection ended before the turn did.
        """
        self.collect()
        try:
            try:
                self.own()
                while self.fill(None if patience.is_endless else patience):
                    collector.add(self.take())
            except Expired as over:
                # Before it is given up: then nothing is kept any more.
                collector.add(self.rest())
                if not collector.is_complete:
                    is_held = self._goes_on()
                    raise collector.timed_out(over.timeout_s, over.is_idle, is_held=is_held) from None
        except BaseException as error:
            # Its time is over, or it is of the program (cancellation, Ctrl-C, an alarm), or a failure to read
            # it: nobody waits any more.
            if isinstance(error, (StreamClosedError, TransportClosedError)):
                # Without its traceback, whose frames would keep all this.
                self._ended = copy.copy(error)
            self.give_up()
            raise
        finally:
            self.close()
        return collector.result()

    def _require(self, use: _Use, selection: str) -> None:
        if use.over or self._closed:
            raise StreamClosedError(_READ_OR_GIVEN_UP)
        if use.collecting:
            raise StreamClosedError(_COLLECTED)
        if use.text_only and selection != "text":
            raise StreamClosedError(
                "stream_text() has narrowed this turn's events to text. Read the whole turn with "
                "thread.read(include_turns=True), or use stream() for everything."
            )

    def forget(self) -> None:
        """Free what is kept, for the result as well."""
        self.close()
        with suppress(ForkedProcessError):
            self._subscription.forget()
        outcome = self._outcome.value
        if outcome is not None:
            outcome.close()

    def let_go(self) -> None:
        """Free what is kept, unless somebody reads it."""

        def ended(use: _Use) -> _Use:
            return use if use.streams or use.collecting else use._replace(over=True)

        if self._use.update(ended).over:
            self.close()

    def own(self) -> None:
        """From now on the turn is to stop when this consumer gives up, or is gone."""
        if self._may_own:
            self._owns = True
            with suppress(ForkedProcessError):
                self._subscription.own()

    def hand_over(self, handle: HandleT) -> HandleT:
        """Let the turn run on whatever becomes of its handle, which the program gets now."""
        return self._subscription.hand_over(handle)

    def timed_out(self, over: Expired, errors: TurnErrors | None) -> TurnTimeoutError:
        """The error of a stream whose patience is over. An owned turn is given up, any other goes on."""
        is_held = self._owns and self._goes_on()
        if self._owns:
            self.give_up()
        thread_id = self._subscription.thread_id
        return turn_timed_out(thread_id, self.turn_id, over.timeout_s, over.is_idle, errors, is_held=is_held)

    def _goes_on(self) -> bool:
        """Whether the turn goes on when this consumer gives it up."""
        return self._subscription.held_by_others

    def failed_if(self, turn: Any, errors: TurnErrors | None) -> None:
        """Raise TurnFailedError for a turn that has failed."""
        raise_if_failed(self._subscription.thread_id, self.turn_id, turn, errors)

    def give_up(self) -> None:
        """Stop the turn, if it is owned and nobody else holds it. Does not wait."""
        if self._may_own:
            with suppress(ForkedProcessError):
                self._subscription.give_up()
        self.close()


class _Stream(Reader[EventT_co]):
    """What both kinds of streams share: the place in the cursor and the ways to end."""

    __slots__ = ("__weakref__", "_batch", "_cursor", "_open", "_patience", "_place")

    def __init__(
        self, cursor: EventCursor, selection: Literal["all", "text"], patience: Patience | None = None
    ) -> None:
        self._open = False
        self._cursor = cursor
        self._patience = patience
        self._batch: Iterator[EventT_co] = taking(cursor.batch)
        self._place = object()
        # Before it is counted in: if a signal handler raises in between, `__del__` counts it out.
        self._open = True
        cursor.enter(self._place, selection)

    _in_place_of_a_copy = "Share it: all streams of one handle have one place in its events."

    def _standing(self) -> str:
        return f"turn_id={self._cursor.turn_id!r} {self._cursor.standing(is_closed=not self._open)}"

    def close(self) -> None:
        """Stop reading. The turn goes on; its events are not kept unless another stream is open."""
        self._release(given_up=True)

    def _release(self, given_up: bool) -> None:
        if self._open:
            self._cursor.leave(self._place, given_up)
            self._batch = taking(deque())
            # Last, so that it is done again if a signal handler raises in between.
            self._open = False

    # `break` out of a loop over turn.stream() drops the last reference, and that is all there is.
    def __del__(self) -> None:
        # A Ctrl-C at the head of its constructor leaves it without any of its parts.
        if getattr(self, "_open", False):
            self._release(given_up=False)


class TurnStream(_Stream[Notification]):
    """The events of one turn, up to and including turn/completed.

    Made by `TurnHandle.stream()`. All streams of one handle share one place in the events. Leaving
    the loop early frees the rest.

    Example:
        >>> def follow(turn):
        ...     with turn.stream() as events:
        ...         for event in events:
        ...             print(event.method)
    """

    __slots__ = ()

    def __next__(self) -> Notification:
        while True:
            try:
                for event in self._batch:
                    return event
            except IndexError:  # also after a wait, if another consumer of the handle was faster
                pass
            # Written out in each kind of stream: a coroutine in between costs each event that is waited for.
            try:
                if self._open and self._cursor.fill(self._patience):
                    continue
            except Expired as over:
                raise self._cursor.timed_out(over, None) from None
            self.close()
            raise StopIteration


class TextStream(_Stream["str | Notification"]):
    """The text of one turn's messages as it is written, in pieces.

    Made by `TurnHandle.stream_text()`. It yields the deltas of every agent message of the turn,
    commentary as well as final answers, and raises TurnFailedError at the end of a failed turn.

    Example:
        >>> def show(turn):
        ...     for piece in turn.stream_text():
        ...         print(piece, end="", flush=True)
    """

    __slots__ = ("_errors",)

    def __init__(
        self, cursor: EventCursor, selection: Literal["all", "text"], patience: Patience | None = None
    ) -> None:
        super().__init__(cursor, selection, patience)
        self._errors: TurnErrors | None = None

    def __next__(self) -> str:
        while True:
            event: Any = None
            try:
                # Between the taking of a text and its return is no call, where a signal's handler might come.
                for event in self._batch:
                    if event.__class__ is str:
                        return event
                    break
            except IndexError:
                pass
            if event is None:
                try:
                    if self._open and self._cursor.fill(self._patience):
                        continue
                except Expired as over:
                    raise self._cursor.timed_out(over, self._errors) from None
                self.close()
                raise StopIteration
            try:
                told = self._told(event)
            except TurnFailedError:
                raise
            except BaseException:  # of a signal's handler, which may have come before the event was looked at
                self._cursor.tear()
                raise
            if told is not None:
                return told

    def _told(self, event: Notification) -> str | None:
        """The text in an event that is no plain text, if there is any."""
        if event.method == "item/agentMessage/delta":
            # Decoded before the text was selected.
            return str(getattr(event.payload, "delta", ""))
        if event.method == "error":
            self._errors = self._errors or TurnErrors(self._cursor.turn_id)
            self._errors.note(event)
        elif event.method == "turn/completed":
            self._cursor.failed_if(completed_turn(event), self._errors)
        return None
