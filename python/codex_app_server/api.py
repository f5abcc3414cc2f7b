"""The clients, threads, turns, logins and inputs under their second address, `codex_app_server.api`.

Exports only. Nobody needs to import from here; but editors complete imports of the official package with the
module that defines a class, so programs have `from openai_codex.api import Codex`.
"""

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

__all__ = [
    "ApprovalMode",
    "AsyncChatgptLoginHandle",
    "AsyncCodex",
    "AsyncDeviceCodeLoginHandle",
    "AsyncThread",
    "AsyncTurnHandle",
    "ChatgptLoginHandle",
    "Codex",
    "CodexConfig",
    "DeviceCodeLoginHandle",
    "ExternalMessage",
    "ImageInput",
    "Input",
    "InputItem",
    "LocalImageInput",
    "MentionInput",
    "RunInput",
    "Sandbox",
    "SkillInput",
    "TextInput",
    "Thread",
    "TurnHandle",
    "TurnResult",
]
