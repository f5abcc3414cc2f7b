"""Notifications as type checkers know them. Checked, never run."""

from __future__ import annotations

from typing_extensions import assert_type

from codex_app_server import (
    AsyncCodex,
    AsyncNotificationStream,
    Codex,
    CommandHandle,
    FsWatch,
    FuzzyFileSearch,
    Notification,
    NotificationStream,
    OutputChunk,
    Requests,
    TurnHandle,
)
from codex_app_server.client import CodexClient
from codex_app_server.models import UnknownNotification
from codex_app_server.requests import CommandApproval, FileChangeApproval
from codex_app_server.types import (
    AgentMessageDeltaNotification,
    ErrorNotification,
    FsChangedNotification,
    FuzzyFileSearchSessionUpdatedNotification,
    ItemCompletedNotification,
    PlanDeltaNotification,
    Turn,
    TurnCompletedNotification,
)


def sync(codex: Codex, kinds: list[type[ItemCompletedNotification]]) -> None:
    for event in codex.notifications(TurnCompletedNotification):
        assert_type(event, Notification[TurnCompletedNotification])
        assert_type(event.payload, TurnCompletedNotification)
        assert_type(event.payload.turn, Turn)
    for other in codex.notifications(TurnCompletedNotification, ErrorNotification, thread_id="t"):
        assert_type(other.payload, TurnCompletedNotification | ErrorNotification)
    for third in codex.notifications(TurnCompletedNotification, ErrorNotification, ItemCompletedNotification):
        assert_type(third.payload, TurnCompletedNotification | ErrorNotification | ItemCompletedNotification)
    assert_type(codex.notifications(*kinds), NotificationStream[ItemCompletedNotification])
    for event_of_any in codex.notifications("turn/completed"):
        assert_type(event_of_any, Notification)
    assert_type(codex.notifications(), NotificationStream)
    assert_type(codex.notifications("turn/completed", ErrorNotification), NotificationStream)


async def asynchronous(codex: AsyncCodex) -> None:
    async for event in codex.notifications(TurnCompletedNotification):
        assert_type(event.payload, TurnCompletedNotification)
    async with codex.notifications(TurnCompletedNotification, ErrorNotification) as events:
        assert_type(events, AsyncNotificationStream[TurnCompletedNotification | ErrorNotification])
        async for other in events:
            assert_type(other.payload, TurnCompletedNotification | ErrorNotification)
    async for event_of_any in codex.notifications("turn/completed", thread_id="t"):
        assert_type(event_of_any, Notification)


def is_wider(event: Notification[PlanDeltaNotification]) -> Notification:
    return event


def all_that_is_yielded(
    turn: TurnHandle,
    watch: FsWatch,
    search: FuzzyFileSearch,
    command: CommandHandle,
    client: CodexClient,
    requests: Requests[CommandApproval | FileChangeApproval],
) -> None:
    for event in turn.stream():
        assert_type(event, Notification)
    for text in turn.stream_text():
        assert_type(text, str)
    for change in watch:
        assert_type(change, FsChangedNotification)
    for update in search:
        assert_type(update, FuzzyFileSearchSessionUpdatedNotification)
    for piece in command:
        assert_type(piece, OutputChunk | UnknownNotification)
    for delta in client.stream_text("t", "Go."):
        assert_type(delta, AgentMessageDeltaNotification)
    for request in requests:
        assert_type(request, CommandApproval | FileChangeApproval)
