"""Uses of notifications that type checkers refuse. Checked, never run."""

from __future__ import annotations

from codex_app_server import Codex, CommandHandle, Notification
from codex_app_server.types import ErrorNotification, TurnCompletedNotification


def sync(codex: Codex, command: CommandHandle) -> None:
    for event in codex.notifications(TurnCompletedNotification):
        event.payload.will_retry  # type: ignore[attr-defined]  # noqa: B018
    for other in codex.notifications(TurnCompletedNotification, ErrorNotification):
        other.payload.turn  # type: ignore[union-attr]  # noqa: B018
    for any_of_all in codex.notifications("turn/completed"):
        any_of_all.payload.turn  # type: ignore[union-attr]  # noqa: B018
    codex.notifications(7)  # type: ignore[call-overload]
    for piece in command:
        piece.data  # type: ignore[union-attr]  # noqa: B018


def narrower(event: Notification) -> Notification[ErrorNotification]:
    return event  # type: ignore[return-value]
