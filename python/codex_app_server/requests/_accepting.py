"""A handler that says yes to everything, for programs whose sandbox is the machine itself."""

from __future__ import annotations

import logging

from ._approvals import CommandApproval, FileChangeApproval, PermissionsApproval
from ._base import ServerRequest
from ._legacy import LegacyCommandApproval, LegacyPatchApproval
from ._questions import Elicitation

logger = logging.getLogger("codex_app_server")


def dangerously_accept_all(request: ServerRequest) -> None:
    """Accept every approval: commands, file changes, permissions (for the turn), calls of MCP tools.

    Whatever the model writes is done then, outside of its sandbox. For throw-away machines. Each acceptance
    is logged as a warning. What is no approval is refused.

    Example:
        >>> codex = Codex(on_request=dangerously_accept_all)  # doctest: +SKIP
    """
    if isinstance(request, (CommandApproval, FileChangeApproval, LegacyCommandApproval, LegacyPatchApproval)):
        _say(request)
        request.accept()
    elif isinstance(request, PermissionsApproval):
        _say(request)
        request.grant()
    elif isinstance(request, Elicitation) and request.is_tool_approval:
        _say(request)
        request.submit()
    else:
        request.refuse()


def _say(request: ServerRequest) -> None:
    logger.warning("dangerously_accept_all accepts a %s of thread %s unseen", request.kind, request.thread_id)
