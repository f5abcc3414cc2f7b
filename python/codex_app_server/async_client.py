"""The low-level asyncio client, where the official package has it. Exports only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._async.codex_client import AsyncCodexClient
from ._launch.config import CodexConfig
from ._official_names import ModelT, ParamsT, ReturnT
from ._package import lazy
from .models import JsonObject, Notification

if TYPE_CHECKING:
    from ._incoming.metadata import InitializeResponse
    from .client import CodexClient
    from .generated.v2_all import (
        AccountLoginCompletedNotification,
        AgentMessageDeltaNotification,
        CancelLoginAccountResponse,
        GetAccountResponse,
        LoginAccountResponse,
        LogoutAccountResponse,
        ModelListResponse,
        ThreadArchiveResponse,
        ThreadCompactStartResponse,
        ThreadForkResponse,
        ThreadGoalClearResponse,
        ThreadGoalSetResponse,
        ThreadGoalStatus,
        ThreadListResponse,
        ThreadReadResponse,
        ThreadResumeResponse,
        ThreadSetNameResponse,
        ThreadStartResponse,
        ThreadUnarchiveResponse,
        TurnCompletedNotification,
        TurnInterruptResponse,
        TurnStartResponse,
        TurnSteerResponse,
    )
    from .generated.v2_all import (
        GetAccountParams as V2GetAccountParams,
    )
    from .generated.v2_all import (
        LoginAccountParams as V2LoginAccountParams,
    )
    from .generated.v2_all import (
        ThreadForkParams as V2ThreadForkParams,
    )
    from .generated.v2_all import (
        ThreadListParams as V2ThreadListParams,
    )
    from .generated.v2_all import (
        ThreadResumeParams as V2ThreadResumeParams,
    )
    from .generated.v2_all import (
        ThreadStartParams as V2ThreadStartParams,
    )
    from .generated.v2_all import (
        TurnStartParams as V2TurnStartParams,
    )

# The older name of the same.
AsyncAppServerClient = AsyncCodexClient

__all__ = [
    "AccountLoginCompletedNotification",
    "AgentMessageDeltaNotification",
    "AsyncAppServerClient",
    "AsyncCodexClient",
    "CancelLoginAccountResponse",
    "CodexClient",
    "CodexConfig",
    "GetAccountResponse",
    "InitializeResponse",
    "JsonObject",
    "LoginAccountResponse",
    "LogoutAccountResponse",
    "ModelListResponse",
    "ModelT",
    "Notification",
    "ParamsT",
    "ReturnT",
    "ThreadArchiveResponse",
    "ThreadCompactStartResponse",
    "ThreadForkResponse",
    "ThreadGoalClearResponse",
    "ThreadGoalSetResponse",
    "ThreadGoalStatus",
    "ThreadListResponse",
    "ThreadReadResponse",
    "ThreadResumeResponse",
    "ThreadSetNameResponse",
    "ThreadStartResponse",
    "ThreadUnarchiveResponse",
    "TurnCompletedNotification",
    "TurnInterruptResponse",
    "TurnStartResponse",
    "TurnSteerResponse",
    "V2GetAccountParams",
    "V2LoginAccountParams",
    "V2ThreadForkParams",
    "V2ThreadListParams",
    "V2ThreadResumeParams",
    "V2ThreadStartParams",
    "V2TurnStartParams",
]

if not TYPE_CHECKING:  # a checker that saw these would take any name for one of this module
    __getattr__, __dir__ = lazy.hooks(globals())
