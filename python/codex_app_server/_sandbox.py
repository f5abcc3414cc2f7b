"""`Sandbox` and its two forms on the wire: a mode for threads, a policy for turns. Used by `_params`."""

from __future__ import annotations

from enum import Enum
from typing import Any

from .errors import InvalidInputError


class Sandbox(str, Enum):
    """What the agent may touch: `read_only`, `workspace_write` (the usual one) or `full_access`."""

    read_only = "read-only"
    workspace_write = "workspace-write"
    full_access = "full-access"


_MODES: dict[Sandbox, str] = {
    Sandbox.read_only: "read-only",
    Sandbox.workspace_write: "workspace-write",
    Sandbox.full_access: "danger-full-access",
}
_POLICIES: dict[Sandbox, dict[str, Any]] = {
    Sandbox.read_only: {"type": "readOnly", "networkAccess": False},
    Sandbox.workspace_write: {
        "type": "workspaceWrite",
        "writableRoots": [],
        "networkAccess": False,
        "excludeTmpdirEnvVar": False,
        "excludeSlashTmp": False,
    },
    Sandbox.full_access: {"type": "dangerFullAccess"},
}


def sandbox_mode(sandbox: Any) -> str:
    """The mode for thread/start, thread/resume and thread/fork."""
    return _MODES[_checked(sandbox)]


def sandbox_policy(sandbox: Any) -> dict[str, Any]:
    """The policy for turn/start."""
    return _POLICIES[_checked(sandbox)]


def _checked(sandbox: Any) -> Sandbox:
    if not isinstance(sandbox, Sandbox):
        names = ", ".join(f"Sandbox.{known.name}" for known in Sandbox)
        raise InvalidInputError(f"sandbox must be one of {names}, not {sandbox!r}.")
    return sandbox
