"""`TurnResult` and the one place where a turn's events are folded into it.

Owns what counts as the final response and what a failed turn raises. It decodes and waits for nothing: both
shells hand it their events.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from .errors import StreamClosedError, TurnFailedError
from .models import Notification, UnknownNotification

if TYPE_CHECKING:
    from .generated.v2_all import (
        ThreadItem,
        ThreadTokenUsage,
        TurnCompletedNotification,
        TurnError,
        TurnStatus,
    )


@dataclass(slots=True)
class TurnResult:
    """What a turn came to.

    Args:
        id: The turn's id.
        status: How it ended: completed or interrupted. (A failed turn raises TurnFailedError.)
        error: The turn's error, if it has one.
        started_at: When it started, in seconds since the epoch.
        completed_at: When it ended, likewise.
        duration_ms: How long it took, in milliseconds.
        final_response: The text of the last final answer; without one, of the last message without a phase;
            without that, None.
        items: Every completed item, in the order of completion.
        usage: The token usage as last reported.
    """

    id: str
    status: TurnStatus
    error: TurnError | None
    started_at: int | None
    completed_at: int | None
    duration_ms: int | None
    final_response: str | None
    items: list[ThreadItem]
    usage: ThreadTokenUsage | None


class TurnCollector:
    """Folds one turn's events. Feed it everything up to turn/completed, then ask for `result()`."""

    def __init__(self, thread_id: str, turn_id: str) -> None:
        self._thread_id = thread_id
        self._turn_id = turn_id
        self._items: list[ThreadItem] = []
        self._usage: ThreadTokenUsage | None = None
        self._turn: Any = None

    def add(self, events: Iterable[Notification]) -> None:
        """Fold events; those that no result needs are passed over."""
        for event in events:
            if event.method == "item/completed":
                self._items.append(_item(event.payload))
            elif event.method == "thread/tokenUsage/updated":
                self._usage = _usage(event.payload, self._usage)
            elif event.method == "turn/completed":
                self._turn = completed_turn(event)

    def result(self) -> TurnResult:
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
        raise_if_failed(self._thread_id, self._turn_id, turn)
        return TurnResult(
            id=self._turn_id,
            status=turn.status,
            error=turn.error,
            started_at=turn.started_at,
            completed_at=turn.completed_at,
            duration_ms=turn.duration_ms,
            final_response=final_response(self._items),
            items=self._items,
            usage=self._usage,
        )


def raise_if_failed(thread_id: str, turn_id: str, turn: Any) -> None:
    """Raise TurnFailedError for a turn with status "failed"."""
    if _plain(turn.status) != "failed":
        return
    error = turn.error
    # Either may be of another type at a newer runtime.
    message = getattr(error, "message", error)
    message = str(getattr(message, "root", message) or "") or "turn failed with status failed"
    raise TurnFailedError(message, thread_id=thread_id, turn_id=turn_id, error=error)


def completed_payload(event: Notification) -> TurnCompletedNotification:
    """The payload of a turn/completed event; one that does not fit its model is made to look like it."""
    payload: Any = event.payload
    if not isinstance(payload, UnknownNotification):
        made: TurnCompletedNotification = payload
        return made
    from .generated.v2_all import TurnCompletedNotification

    thread_id = _member(payload, "threadId", "")
    return TurnCompletedNotification.model_construct(thread_id=thread_id, turn=completed_turn(event))


def completed_turn(event: Notification) -> Any:
    """The turn of a turn/completed event."""
    payload: Any = event.payload
    if not isinstance(payload, UnknownNotification):
        return payload.turn
    from ._lenient import build
    from .generated.v2_all import Turn

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
    from ._lenient import build
    from .generated.v2_all import ThreadItem

    # Without an item the event itself is kept: nothing is left out of a result in silence.
    return build(ThreadItem, _member(payload, "item", payload.params))


def _usage(payload: Any, last: ThreadTokenUsage | None) -> ThreadTokenUsage | None:
    if not isinstance(payload, UnknownNotification):
        return cast("ThreadTokenUsage", payload.token_usage)
    from ._lenient import build
    from .generated.v2_all import ThreadTokenUsage

    usage = build(ThreadTokenUsage, _member(payload, "tokenUsage"))
    return usage if isinstance(usage, ThreadTokenUsage) else last


def _member(payload: UnknownNotification, name: str, default: Any = None) -> Any:
    # The params may be anything, not only the object that they should be.
    return payload.params.get(name, default) if isinstance(payload.params, dict) else default
