"""`TurnResult` and the one place where a turn's events are folded into it.

Owns what counts as the final response, what a turn says of its troubles, and what one that has failed or
takes too long raises. It decodes and waits for nothing: both shells hand it their events.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, cast

from .. import types
from .._errors.turns import text_of_error
from ..errors import RequestHandlerError, StreamClosedError, TurnFailedError, TurnTimeoutError
from ..models import Notification, UnknownNotification

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    OutputT_co = TypeVar("OutputT_co", covariant=True, default=Any)
else:  # defaults of type variables are for checkers, before Python 3.13
    from typing import TypeVar

    OutputT_co = TypeVar("OutputT_co", covariant=True)

logger = logging.getLogger("codex_app_server")


@dataclass(slots=True)
class TurnResult(Generic[OutputT_co]):
    """What a turn came to.

    Args:
        id: The turn's id.
        status: How it ended: completed or interrupted. (A failed turn raises TurnFailedError.) In the partial
            result of a TurnTimeoutError it is inProgress.
        error: The turn's error, if it has one. Of a turn that went on to its end after an error that the
            runtime did not try again, that one.
        started_at: When it started, in seconds since the epoch.
        completed_at: When it ended, likewise.
        duration_ms: How long it took, in milliseconds.
        final_response: The text of the last final answer; without one, of the last message without a phase;
            without that, None.
        items: Every completed item, in the order of completion.
        usage: The token usage as last reported.
        request_errors: What handlers have done wrong with requests of the turn and its sub-agents. These were
            refused, unless they were answered before the handler raised.
        output: The final response as the type that `output_type=` has named; None without one. A response
            that does not fit raises OutputValidationError in place of a result.
    """

    id: str
    status: types.TurnStatus
    error: types.TurnError | None
    started_at: int | None
    completed_at: int | None
    duration_ms: int | None
    final_response: str | None
    items: list[types.ThreadItem]
    usage: types.ThreadTokenUsage | None
    request_errors: tuple[RequestHandlerError, ...] = field(default=(), kw_only=True)
    output: OutputT_co = field(default=cast("OutputT_co", None), kw_only=True)


# Kinds of errors that pass by waiting, whether the runtime does or not.
_LIMITS = ("usageLimitExceeded", "rateLimitExceeded", "sessionBudgetExceeded")


class TurnErrors:
    """What goes wrong in one turn: the last are kept, and what makes the program wait is logged."""

    _KEPT = 16

    def __init__(self, turn_id: str, *, is_told: bool = False) -> None:
        self._turn_id = turn_id
        self._is_told = is_told
        self._events: deque[types.ErrorNotification] = deque(maxlen=self._KEPT)

    def note(self, event: Notification) -> None:
        """Keep an `error` event."""
        payload: Any = event.payload
        if isinstance(payload, UnknownNotification):
            from ..generated.v2_all import ErrorNotification
            from .lenient import build

            payload = build(ErrorNotification, payload.params)
        self._events.append(payload)
        if self._is_told:
            return
        info = getattr(getattr(payload, "error", None), "codex_error_info", None)
        if getattr(payload, "will_retry", False) is True:
            logger.warning("Turn %s: the runtime tries again: %s", self._turn_id, text_of_error(payload))
        elif _plain(getattr(info, "root", info)) in _LIMITS:
            logger.warning("Turn %s has met a limit: %s", self._turn_id, text_of_error(payload))

    @property
    def events(self) -> tuple[types.ErrorNotification, ...]:
        """Those that are kept."""
        return tuple(self._events)

    @property
    def final(self) -> types.TurnError | None:
        """The last that was not tried again."""
        given_up = [event for event in self._events if getattr(event, "will_retry", True) is False]
        return given_up[-1].error if given_up else None


class TurnCollector:
    """Folds one turn's events. Feed it everything up to turn/completed, then ask for `result()`.

    Args:
        thread_id: The turn's thread.
        turn_id: The turn.
        of_goal: Whether it is one that stands for a goal's.
        is_told: Whether somebody else sees what the program waits for, so that it need not be logged.
    """

    def __init__(self, thread_id: str, turn_id: str, *, of_goal: bool = False, is_told: bool = False) -> None:
        self._thread_id = thread_id
        self._turn_id = turn_id
        # What one of a goal's turns has failed for is not what the goal has come to.
        self._of_goal = of_goal
        self._items: list[types.ThreadItem] = []
        self._usage: types.ThreadTokenUsage | None = None
        self._errors = TurnErrors(turn_id, is_told=is_told)
        self._turn: Any = None

    def add(self, events: Iterable[Notification]) -> None:
        """Fold events; those that no result needs are passed over."""
        for event in events:
            if event.method == "item/completed":
                self._items.append(_item(event.payload))
            elif event.method == "thread/tokenUsage/updated":
                self._usage = _usage(event.payload, self._usage)
            elif event.method == "error":
                self._errors.note(event)
            elif event.method == "turn/completed":
                self._turn = completed_turn(event)

    @property
    def is_complete(self) -> bool:
        """Whether the turn's end was among the events."""
        return self._turn is not None

    def result(self) -> TurnResult[Any]:
        """The result.

        Raises:
            TurnFailedError: The turn ended with status "failed".
            StreamClosedError: The turn's end was not among the events.
        """
        turn = self._turn
        if turn is None:
            raise StreamClosedError(
                f"The end of turn {self._turn_id} was read by another consumer of the same handle. "
                "Read the whole turn with thread.read(include_turns=True)."
            )
        raise_if_failed(self._thread_id, self._turn_id, turn, self._errors)
        return self._result(turn)

    def _result(self, turn: Any) -> TurnResult[Any]:
        return TurnResult(
            id=self._turn_id,
            status=turn.status,
            error=turn.error or (None if self._of_goal else self._errors.final),
            started_at=turn.started_at,
            completed_at=turn.completed_at,
            duration_ms=turn.duration_ms,
            final_response=final_response(self._items),
            items=list(self._items),
            usage=self._usage,
        )

    def timed_out(self, timeout_s: float, is_idle: bool, *, is_held: bool = False) -> TurnTimeoutError:
        """The error of a turn for which so many seconds are over, with what has come of it.

        `is_held` says whether it goes on although its consumer gives it up.
        """
        from ..generated.v2_all import Turn, TurnStatus

        unfinished = Turn.model_construct(
            status=TurnStatus.in_progress, error=None, started_at=None, completed_at=None, duration_ms=None
        )
        partial = self._result(unfinished)
        return turn_timed_out(
            self._thread_id, self._turn_id, timeout_s, is_idle, self._errors, partial, is_held=is_held
        )


def turn_timed_out(
    thread_id: str,
    turn_id: str,
    timeout_s: float,
    is_idle: bool = False,
    errors: TurnErrors | None = None,
    partial: TurnResult[Any] | None = None,
    *,
    is_held: bool = False,
) -> TurnTimeoutError:
    """The error of a turn for which so many seconds are over."""
    if is_idle:
        happened = f"Nothing of turn {turn_id} has arrived for {timeout_s:g} s (idle_timeout_s)"
    elif turn_id:
        happened = f"Turn {turn_id} is not over after {timeout_s:g} s (timeout_s)"
    else:
        happened = f"Nothing has begun on thread {thread_id} for {timeout_s:g} s (timeout_s)"
    events = errors.events if errors is not None else ()
    last = f" Its last error: {text_of_error(events[-1])}" if events else ""
    held = (
        " It goes on, because others hold it: it was started or joined by a turn() outside of a block, or by "
        "another run(), or a handle made from its ids follows it. To stop it, call interrupt() of a handle."
    )
    return TurnTimeoutError(
        f"{happened}.{held if is_held else ''}{last}",
        thread_id=thread_id,
        turn_id=turn_id,
        timeout_s=timeout_s,
        is_idle=is_idle,
        partial=partial,
        errors=events,
    )


def raise_if_failed(thread_id: str, turn_id: str, turn: Any, errors: TurnErrors | None = None) -> None:
    """Raise TurnFailedError for a turn with status "failed", with its `error` events."""
    if _plain(turn.status) != "failed":
        return
    error = turn.error
    # Either may be of another type at a newer runtime.
    message = getattr(error, "message", error)
    message = str(getattr(message, "root", message) or "") or "turn failed with status failed"
    raise TurnFailedError(
        message, thread_id=thread_id, turn_id=turn_id, error=error, errors=errors.events if errors else ()
    )


def completed_payload(event: Notification) -> types.TurnCompletedNotification:
    """The payload of a turn/completed event; one that does not fit its model is made to look like it."""
    payload: Any = event.payload
    if not isinstance(payload, UnknownNotification):
        made: types.TurnCompletedNotification = payload
        return made
    from ..generated.v2_all import TurnCompletedNotification

    thread_id = _member(payload, "threadId", "")
    return TurnCompletedNotification.model_construct(thread_id=thread_id, turn=completed_turn(event))


def completed_turn(event: Notification) -> Any:
    """The turn of a turn/completed event."""
    payload: Any = event.payload
    if not isinstance(payload, UnknownNotification):
        return payload.turn
    from ..generated.v2_all import Turn
    from .lenient import build

    turn = _member(payload, "turn")
    return build(Turn, turn if isinstance(turn, dict) else {})


def final_response(items: Iterable[Any]) -> str | None:
    """The text of the last final answer, else of the last message without a phase, else None."""
    last: str | None = None
    final: str | None = None
    for item in items:
        root = getattr(item, "root", item)
        if getattr(root, "type", None) == "agentMessage":
            # Either may be missing or of another type in an item that a newer runtime has changed.
            phase, text = _plain(getattr(root, "phase", None)), getattr(root, "text", None)
            if isinstance(text, str) and phase == "final_answer":
                final = text
            elif isinstance(text, str) and phase is None:
                last = text
    return last if final is None else final


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


# A newer runtime may send an event that does not fit its model. What a result needs is then taken
# from the raw data, because a turn must not be lost over a field that nobody reads.


def _item(payload: Any) -> Any:
    if not isinstance(payload, UnknownNotification):
        return payload.item
    from ..generated.v2_all import ThreadItem
    from .lenient import build

    # Without an item the event itself is kept: nothing is left out of a result in silence.
    return build(ThreadItem, _member(payload, "item", payload.params))


def _usage(payload: Any, last: types.ThreadTokenUsage | None) -> types.ThreadTokenUsage | None:
    if not isinstance(payload, UnknownNotification):
        return cast("types.ThreadTokenUsage", payload.token_usage)
    from ..generated.v2_all import ThreadTokenUsage
    from .lenient import build

    usage = build(ThreadTokenUsage, _member(payload, "tokenUsage"))
    return usage if isinstance(usage, ThreadTokenUsage) else last


def _member(payload: UnknownNotification, name: str, default: Any = None) -> Any:
    # The params may be anything, not only the object that they should be.
    return payload.params.get(name, default) if isinstance(payload.params, dict) else default
