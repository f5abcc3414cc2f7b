"""An event's payload as the model that a test expects."""

from __future__ import annotations

from typing import TypeVar

from codex_app_server.models import AgentMessageDeltaNotification, Notification

PayloadT = TypeVar("PayloadT")


def payload(event: Notification, model: type[PayloadT]) -> PayloadT:
    """The payload, which must be a `model`."""
    assert isinstance(event.payload, model), event
    return event.payload


def delta(event: Notification) -> str:
    """The text of an agent message delta."""
    return payload(event, AgentMessageDeltaNotification).delta
