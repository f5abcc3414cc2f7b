"""`Sandbox` and its two forms on the wire: a mode for threads, a policy for turns. Used by the builders.

Owns the choice between the presets, the protocol's own modes and its policies, which programs may give
instead, and what a thread, which only knows modes, makes of a policy.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from .errors import InvalidInputError, InvalidInputTypeError


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
_POLICIES: dict[str, dict[str, Any]] = {
    "read-only": {"type": "readOnly", "networkAccess": False},
    "workspace-write": {
        "type": "workspaceWrite",
        "writableRoots": [],
        "networkAccess": False,
        "excludeTmpdirEnvVar": False,
        "excludeSlashTmp": False,
    },
    "danger-full-access": {"type": "dangerFullAccess"},
}

# Where the runtime's configuration has what a policy for the workspace says beyond its mode.
_TABLE = "sandbox_workspace_write"
_KEYS = {
    "writableRoots": "writable_roots",
    "networkAccess": "network_access",
    "excludeTmpdirEnvVar": "exclude_tmpdir_env_var",
    "excludeSlashTmp": "exclude_slash_tmp",
}


def thread_sandbox(sandbox: Any, policy: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of thread/start, thread/resume and thread/fork, and the settings that belong to them.

    Raises:
        InvalidInputError: Both were chosen, `sandbox` is none, or no mode of a thread has this policy.
        InvalidInputTypeError: `policy` is none.
    """
    if not _is_policy(sandbox, policy):
        return ({} if sandbox is None else {"sandbox": _mode(sandbox)}), {}
    wanted = _dumped(policy)
    kind = wanted.get("type")
    for mode, known in _POLICIES.items():
        if known["type"] != kind or not set(wanted) <= set(known):
            continue
        if kind == "workspaceWrite":
            return {"sandbox": mode}, {_TABLE: {_KEYS[name]: wanted.get(name, known[name]) for name in _KEYS}}
        if {**known, **wanted} == known:
            return {"sandbox": mode}, {}
    raise InvalidInputError(
        f"A thread cannot have the sandbox_policy {wanted!r}, only a turn can: give it to turn() or run()."
    )


def turn_sandbox(sandbox: Any, policy: Any) -> dict[str, Any]:
    """The fields of turn/start.

    Raises:
        InvalidInputError: Both were chosen, or `sandbox` is none.
        InvalidInputTypeError: `policy` is none.
    """
    if _is_policy(sandbox, policy):
        return {"sandboxPolicy": _dumped(policy)}
    return {} if sandbox is None else {"sandboxPolicy": sandbox_policy(sandbox)}


def sandbox_policy(sandbox: Any) -> dict[str, Any]:
    """The policy that a preset or a mode stands for.

    Raises:
        InvalidInputError: `sandbox` is neither.
    """
    return _POLICIES[_mode(sandbox)]


def _is_policy(sandbox: Any, policy: Any) -> bool:
    if policy is not None and sandbox is not None:
        raise InvalidInputError("sandbox_policy and sandbox exclude each other. Leave one of them out.")
    return policy is not None


def _mode(sandbox: Any) -> str:
    if isinstance(sandbox, Sandbox):
        return _MODES[sandbox]
    # Whoever has a member of it has imported the models already.
    from .generated.v2_all import SandboxMode

    if isinstance(sandbox, SandboxMode) and sandbox.value in _POLICIES:
        return str(sandbox.value)
    names = ", ".join(f"Sandbox.{known.name}" for known in Sandbox)
    raise InvalidInputError(f"sandbox must be one of {names}, or a SandboxMode, not {sandbox!r}.")


def _dumped(policy: Any) -> dict[str, Any]:
    dump = getattr(policy, "model_dump", None)
    dumped = dump(mode="json", by_alias=True, exclude_none=True) if dump is not None else None
    if not isinstance(dumped, dict):
        raise InvalidInputTypeError(f"sandbox_policy must be a SandboxPolicy, not {type(policy).__name__}.")
    return dumped
