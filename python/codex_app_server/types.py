"""The models that signatures of this package use, collected for programs.

Exports only, and each when it is first asked for. Everything else that the protocol has is in
`generated.v2_all`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _lazy
from .models import JsonObject, Notification

if TYPE_CHECKING:
    from ._metadata import InitializeResponse
    from .generated.v2_all import (
        Account,
        AccountLoginCompletedNotification,
        ApprovalsReviewer,
        AskForApproval,
        CancelLoginAccountResponse,
        CancelLoginAccountStatus,
        GetAccountResponse,
        ModelListResponse,
        Personality,
        PlanType,
        ReasoningEffort,
        ReasoningSummary,
        SandboxMode,
        SandboxPolicy,
        SortDirection,
        ThreadArchiveResponse,
        ThreadCompactStartResponse,
        ThreadItem,
        ThreadListCwdFilter,
        ThreadListResponse,
        ThreadReadResponse,
        ThreadSetNameResponse,
        ThreadSortKey,
        ThreadSource,
        ThreadSourceKind,
        ThreadStartSource,
        ThreadTokenUsage,
        ThreadTokenUsageUpdatedNotification,
        Turn,
        TurnCompletedNotification,
        TurnError,
        TurnInterruptResponse,
        TurnStatus,
        TurnSteerResponse,
    )

__all__ = [
    "Account",
    "AccountLoginCompletedNotification",
    "ApprovalsReviewer",
    "AskForApproval",
    "CancelLoginAccountResponse",
    "CancelLoginAccountStatus",
    "GetAccountResponse",
    "InitializeResponse",
    "JsonObject",
    "ModelListResponse",
    "Notification",
    "Personality",
    "PlanType",
    "ReasoningEffort",
    "ReasoningSummary",
    "SandboxMode",
    "SandboxPolicy",
    "SortDirection",
    "ThreadArchiveResponse",
    "ThreadCompactStartResponse",
    "ThreadItem",
    "ThreadListCwdFilter",
    "ThreadListResponse",
    "ThreadReadResponse",
    "ThreadSetNameResponse",
    "ThreadSortKey",
    "ThreadSource",
    "ThreadSourceKind",
    "ThreadStartSource",
    "ThreadTokenUsage",
    "ThreadTokenUsageUpdatedNotification",
    "Turn",
    "TurnCompletedNotification",
    "TurnError",
    "TurnInterruptResponse",
    "TurnStatus",
    "TurnSteerResponse",
]

if not TYPE_CHECKING:  # a checker that saw these would take any name for one of this module
    __getattr__, __dir__ = _lazy.hooks(globals())
