"""The clients, threads, turns, logins and inputs under their second address, `codex_app_server.api`.

Exports only. Nobody needs to import from here; but editors complete imports of the official package with the
module that defines a class, so programs have `from openai_codex.api import Codex`. What its module only uses
is found here too: models, the low-level clients, and names that are private there.
"""

from typing import TYPE_CHECKING

from . import (
    ApprovalMode,
    AsyncChatgptLoginHandle,
    AsyncCodex,
    AsyncDeviceCodeLoginHandle,
    AsyncThread,
    AsyncTurnHandle,
    ChatgptLoginHandle,
    Codex,
    CodexConfig,
    DeviceCodeLoginHandle,
    ExternalMessage,
    ImageInput,
    Input,
    InputItem,
    LocalImageInput,
    MentionInput,
    RunInput,
    Sandbox,
    SkillInput,
    TextInput,
    Thread,
    TurnHandle,
    TurnResult,
)
from ._official_names import (
    async_start_chatgpt_login,
    async_start_device_code_login,
    start_chatgpt_login,
    start_device_code_login,
    validate_initialize_metadata,
)
from ._package import lazy
from .models import JsonObject, Notification

if TYPE_CHECKING:
    from ._incoming.metadata import InitializeResponse
    from .async_client import AsyncCodexClient
    from .client import CodexClient
    from .generated.v2_all import (
        ApiKeyLoginAccountParams,
        GetAccountParams,
        GetAccountResponse,
        LoginAccountParams,
        ModelListResponse,
        Personality,
        ReasoningEffort,
        ReasoningSummary,
        SortDirection,
        ThreadArchiveResponse,
        ThreadCompactStartResponse,
        ThreadForkParams,
        ThreadListCwdFilter,
        ThreadListParams,
        ThreadListResponse,
        ThreadReadResponse,
        ThreadResumeParams,
        ThreadSetNameResponse,
        ThreadSortKey,
        ThreadSource,
        ThreadSourceKind,
        ThreadStartParams,
        ThreadStartSource,
        TurnCompletedNotification,
        TurnInterruptResponse,
        TurnStartParams,
        TurnSteerResponse,
    )

__all__ = [
    "ApiKeyLoginAccountParams",
    "ApprovalMode",
    "AsyncChatgptLoginHandle",
    "AsyncCodex",
    "AsyncCodexClient",
    "AsyncDeviceCodeLoginHandle",
    "AsyncThread",
    "AsyncTurnHandle",
    "ChatgptLoginHandle",
    "Codex",
    "CodexClient",
    "CodexConfig",
    "DeviceCodeLoginHandle",
    "ExternalMessage",
    "GetAccountParams",
    "GetAccountResponse",
    "ImageInput",
    "InitializeResponse",
    "Input",
    "InputItem",
    "JsonObject",
    "LocalImageInput",
    "LoginAccountParams",
    "MentionInput",
    "ModelListResponse",
    "Notification",
    "Personality",
    "ReasoningEffort",
    "ReasoningSummary",
    "RunInput",
    "Sandbox",
    "SkillInput",
    "SortDirection",
    "TextInput",
    "Thread",
    "ThreadArchiveResponse",
    "ThreadCompactStartResponse",
    "ThreadForkParams",
    "ThreadListCwdFilter",
    "ThreadListParams",
    "ThreadListResponse",
    "ThreadReadResponse",
    "ThreadResumeParams",
    "ThreadSetNameResponse",
    "ThreadSortKey",
    "ThreadSource",
    "ThreadSourceKind",
    "ThreadStartParams",
    "ThreadStartSource",
    "TurnCompletedNotification",
    "TurnHandle",
    "TurnInterruptResponse",
    "TurnResult",
    "TurnStartParams",
    "TurnSteerResponse",
    "async_start_chatgpt_login",
    "async_start_device_code_login",
    "start_chatgpt_login",
    "start_device_code_login",
    "validate_initialize_metadata",
]

# Private in the official module, and reached for all the same.
_PRIVATE = (
    "_approval_mode_override_settings",
    "_approval_mode_settings",
    "_collect_async_turn_result",
    "_collect_turn_result",
    "_normalize_run_input",
    "_sandbox_mode",
    "_sandbox_policy",
    "_to_wire_input",
    "_to_wire_turn_input",
)

if not TYPE_CHECKING:  # a checker that saw these would take any name for one of this module
    __getattr__, __dir__ = lazy.hooks(globals(), _PRIVATE)
