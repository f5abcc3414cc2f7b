"""`Sandbox` and its two forms on the wire: a mode for threads, a policy for turns. Used by the builders.

Owns the choice between the presets, the protocol's own modes and its policies, which programs may give
instead, and what a thread, which only knows modes, makes of a policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from .._arguments import wrong
from ..errors import InvalidInputError
from .wire_form import is_of_kind, model


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
        InvalidInputError: `sandbox` is neither, or a mode that this version does not know.
    """
    mode = _mode(sandbox)
    if mode not in _POLICIES:
        raise InvalidInputError(
            f"The policy of SandboxMode({mode!r}), which a turn or a command needs, is not known here. "
            "Give a thread this mode, or a turn its sandbox_policy."
        )
    return _POLICIES[mode]


def policy_of_mode(mode: Any) -> dict[str, Any] | None:
    """The policy that the protocol's `mode` stands for; None if it is no mode that this package knows."""
    return _POLICIES.get(mode) if isinstance(mode, str) else None


def workspace_options(table: Any) -> dict[str, Any]:
    """The fields of a policy for the workspace that are set in this table of a configuration."""
    if not isinstance(table, Mapping):
        return {}
    return {name: table[key] for name, key in _KEYS.items() if table.get(key) is not None}


def is_workspace_table(table: Any) -> bool:
    """Whether it has fields of a policy for the workspace, and nothing else."""
    return isinstance(table, Mapping) and {*_KEYS.values()}.issuperset(table) and None not in table.values()


def _is_policy(sandbox: Any, policy: Any) -> bool:
    if policy is not None and sandbox is not None:
        raise InvalidInputError("sandbox_policy and sandbox exclude each other. Leave one of them out.")
    return policy is not None


def _mode(sandbox: Any) -> str:
    if isinstance(sandbox, Sandbox):
        return _MODES[sandbox]
    text = sandbox
    if isinstance(sandbox, Enum):
        # Whoever has a member of it has imported the models already.
        from ..generated.v2_all import SandboxMode

        text = sandbox.value
        if isinstance(sandbox, SandboxMode):
            return str(text)
    for preset, mode in _MODES.items():
        if text in (preset.value, mode):
            return mode
    names = ", ".join(f"Sandbox.{known.name} ({known.value!r})" for known in Sandbox)
    raise InvalidInputError(f"sandbox must be one of {names}, or a SandboxMode, not {sandbox!r}.")


def _dumped(policy: Any) -> dict[str, Any]:
    if not is_of_kind("SandboxPolicy", policy):
        raise wrong("sandbox_policy", "a SandboxPolicy", policy)
    dumped: dict[str, Any] = model("sandbox_policy", policy)
    return dumped
