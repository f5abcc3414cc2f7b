"""The events' envelope and the models that programs meet most.

Owns `Notification`, `UnknownNotification` and the JSON aliases. Every other name here is made elsewhere
(`_incoming.metadata`, `generated.v2_all`) and resolved when it is first asked for, because importing a
model takes longer than importing all the rest of the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ForwardRef, Generic

from ._package import lazy

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from ._incoming.metadata import InitializeResponse, ServerInfo
    from .generated._base import UnknownValue, UnknownVariant
    from .generated.notifications import NotificationPayload
    from .generated.v2_all import (
        AccountLoginCompletedNotification,
        AccountRateLimitsUpdatedNotification,
        AccountUpdatedNotification,
        AgentMessageDeltaNotification,
        AppListUpdatedNotification,
        CommandExecutionOutputDeltaNotification,
        ConfigWarningNotification,
        ContextCompactedNotification,
        DeprecationNoticeNotification,
        ErrorNotification,
        FileChangeOutputDeltaNotification,
        ItemCompletedNotification,
        ItemStartedNotification,
        McpServerOauthLoginCompletedNotification,
        McpToolCallProgressNotification,
        PlanDeltaNotification,
        RawResponseItemCompletedNotification,
        ReasoningSummaryPartAddedNotification,
        ReasoningSummaryTextDeltaNotification,
        ReasoningTextDeltaNotification,
        TerminalInteractionNotification,
        ThreadGoalClearedNotification,
        ThreadGoalUpdatedNotification,
        ThreadNameUpdatedNotification,
        ThreadStartedNotification,
        ThreadTokenUsageUpdatedNotification,
        TurnCompletedNotification,
        TurnDiffUpdatedNotification,
        TurnPlanUpdatedNotification,
        TurnStartedNotification,
        WindowsWorldWritableWarningNotification,
    )

    PayloadT_co = TypeVar("PayloadT_co", covariant=True, default=NotificationPayload)
else:  # defaults of type variables are for checkers, before Python 3.13
    from typing import TypeVar

    PayloadT_co = TypeVar("PayloadT_co", covariant=True)

__all__ = [
    "AccountLoginCompletedNotification",
    "AccountRateLimitsUpdatedNotification",
    "AccountUpdatedNotification",
    "AgentMessageDeltaNotification",
    "AppListUpdatedNotification",
    "CommandExecutionOutputDeltaNotification",
    "ConfigWarningNotification",
    "ContextCompactedNotification",
    "DeprecationNoticeNotification",
    "ErrorNotification",
    "FileChangeOutputDeltaNotification",
    "InitializeResponse",
    "ItemCompletedNotification",
    "ItemStartedNotification",
    "JsonObject",
    "JsonScalar",
    "JsonValue",
    "McpServerOauthLoginCompletedNotification",
    "McpToolCallProgressNotification",
    "Notification",
    "PlanDeltaNotification",
    "RawResponseItemCompletedNotification",
    "ReasoningSummaryPartAddedNotification",
    "ReasoningSummaryTextDeltaNotification",
    "ReasoningTextDeltaNotification",
    "ServerInfo",
    "TerminalInteractionNotification",
    "ThreadGoalClearedNotification",
    "ThreadGoalUpdatedNotification",
    "ThreadNameUpdatedNotification",
    "ThreadStartedNotification",
    "ThreadTokenUsageUpdatedNotification",
    "TurnCompletedNotification",
    "TurnDiffUpdatedNotification",
    "TurnPlanUpdatedNotification",
    "TurnStartedNotification",
    "UnknownNotification",
    "UnknownValue",
    "UnknownVariant",
    "WindowsWorldWritableWarningNotification",
]

JsonScalar = str | int | float | bool | None
if TYPE_CHECKING:
    JsonValue = JsonScalar | dict[str, "JsonValue"] | list["JsonValue"]
else:
    # Inside of itself it is that of Pydantic, which can follow its own, and is imported to evaluate it. By no
    # name of this module: within a text, CPython 3.14 looks names up where the annotation stands.
    _JsonValue = ForwardRef('__import__("pydantic").JsonValue')
    JsonValue = JsonScalar | dict[str, _JsonValue] | list[_JsonValue]
JsonObject = dict[str, JsonValue]


@dataclass(slots=True)
class UnknownNotification:
    """The payload of an event that this package has no model for, or that did not fit its model.

    Args:
        params: The event's `params` as they were sent.
    """

    params: JsonObject


@dataclass(slots=True)
class Notification(Generic[PayloadT_co]):
    """One event.

    `Notification` alone is any event; `Notification[WarningNotification]` is one with such a payload.

    Args:
        method: Its name on the wire, for example "item/agentMessage/delta".
        payload: Its model, for example `AgentMessageDeltaNotification`, or `UnknownNotification`.

    Example:
        >>> Notification("brand/new", UnknownNotification({"x": 1})).method
        'brand/new'
    """

    method: str
    payload: PayloadT_co


if not TYPE_CHECKING:  # a checker that saw these would take any name for one of this module
    __getattr__, __dir__ = lazy.hooks(globals())
