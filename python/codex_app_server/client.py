"""The low-level client and its configuration, where the official package has them. Exports only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ._launch.binary import CodexBinResolverOps, default_codex_home, resolve_codex_bin
from ._launch.config import CodexConfig
from ._official_names import (
    RUNTIME_PKG_NAME,
    ModelT,
)
from ._package import lazy
from ._sync.codex_client import CodexClient
from ._version import __version__ as SDK_VERSION
from .errors import CodexError, InvalidRequestError, TransportClosedError
from .models import JsonObject, JsonValue, Notification, UnknownNotification
from .retry import retry_on_overload

if TYPE_CHECKING:
    from ._incoming.metadata import InitializeResponse
    from .generated.v2_all import (
        AccountLoginCompletedNotification,
        AgentMessageDeltaNotification,
        CancelLoginAccountResponse,
        ChatgptDeviceCodeLoginAccountResponse,
        ChatgptLoginAccountResponse,
        GetAccountResponse,
        IdleThreadStatus,
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
AppServerClient = CodexClient
ApprovalHandler = Callable[[str, JsonObject | None], JsonObject]

__all__ = [
    "RUNTIME_PKG_NAME",
    "SDK_VERSION",
    "AccountLoginCompletedNotification",
    "AgentMessageDeltaNotification",
    "AppServerClient",
    "ApprovalHandler",
    "CancelLoginAccountResponse",
    "ChatgptDeviceCodeLoginAccountResponse",
    "ChatgptLoginAccountResponse",
    "CodexBinResolverOps",
    "CodexClient",
    "CodexConfig",
    "CodexError",
    "GetAccountResponse",
    "IdleThreadStatus",
    "InitializeResponse",
    "InvalidRequestError",
    "JsonObject",
    "JsonValue",
    "LoginAccountResponse",
    "LogoutAccountResponse",
    "ModelListResponse",
    "ModelT",
    "Notification",
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
    "TransportClosedError",
    "TurnCompletedNotification",
    "TurnInterruptResponse",
    "TurnStartResponse",
    "TurnSteerResponse",
    "UnknownNotification",
    "V2GetAccountParams",
    "V2LoginAccountParams",
    "V2ThreadForkParams",
    "V2ThreadListParams",
    "V2ThreadResumeParams",
    "V2ThreadStartParams",
    "V2TurnStartParams",
    "default_codex_home",
    "resolve_codex_bin",
    "retry_on_overload",
]

# Private in the official module, and reached for all the same.
_PRIVATE = (
    "_default_codex_bin_resolver_ops",
    "_installed_codex_path",
    "_params_dict",
    "_resolve_codex_bin",
)

if not TYPE_CHECKING:  # a checker that saw these would take any name for one of this module
    __getattr__, __dir__ = lazy.hooks(globals(), _PRIVATE)
