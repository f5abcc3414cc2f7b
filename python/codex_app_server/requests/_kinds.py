"""Which class a request of the runtime is of. Used by whoever hands requests out."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from .. import _native
from ._approvals import CommandApproval, FileChangeApproval, PermissionsApproval
from ._automatic import Attestation, CurrentTime, TokenRefresh
from ._base import ServerRequest
from ._legacy import LegacyCommandApproval, LegacyPatchApproval
from ._questions import Elicitation, UserInputRequest
from ._tools import ToolCall
from ._unknown import UnknownRequest

# The method on the wire, its class, and the generated model of its params.
KINDS: dict[str, tuple[type[ServerRequest], str]] = {
    "account/chatgptAuthTokens/refresh": (TokenRefresh, "ChatgptAuthTokensRefreshParams"),
    "applyPatchApproval": (LegacyPatchApproval, "ApplyPatchApprovalParams"),
    "attestation/generate": (Attestation, "AttestationGenerateParams"),
    "currentTime/read": (CurrentTime, "CurrentTimeReadParams"),
    "execCommandApproval": (LegacyCommandApproval, "ExecCommandApprovalParams"),
    "item/commandExecution/requestApproval": (CommandApproval, "CommandExecutionRequestApprovalParams"),
    "item/fileChange/requestApproval": (FileChangeApproval, "FileChangeRequestApprovalParams"),
    "item/permissions/requestApproval": (PermissionsApproval, "PermissionsRequestApprovalParams"),
    "item/tool/call": (ToolCall, "DynamicToolCallParams"),
    "item/tool/requestUserInput": (UserInputRequest, "ToolRequestUserInputParams"),
    "mcpServer/elicitation/request": (Elicitation, "McpServerElicitationRequestParams"),
}


def load() -> None:
    """Import the models of all kinds now, and not when the first of them is asked."""
    from ..generated import v2_all

    for _, model in KINDS.values():
        getattr(v2_all, model)


def typed(native: _native.ServerRequest) -> ServerRequest:
    """The request as an object of its class; of one whose params have another shape, an UnknownRequest."""
    from ..generated import v2_all

    kind, name = KINDS.get(native.method, (UnknownRequest, ""))
    if name:
        with suppress(ValueError):
            return kind(native, getattr(v2_all, name).model_validate_json(native.params))
    raw: Any = None
    with suppress(ValueError):
        raw = json.loads(native.params)
    return UnknownRequest(native, raw)
