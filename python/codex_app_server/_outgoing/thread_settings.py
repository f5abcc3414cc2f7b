"""What a thread was asked to be like, and whether the runtime says that it is.

Owns which settings an answer tells, what counts as the same and which of them can be set afterwards. Pure:
the requests are sent by `_async/settings.py`. A setting here has its name in Python and its value as the
protocol has it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .._text.messages import redacted_message
from .sandbox import is_workspace_table, policy_of_mode, workspace_options

Settings = dict[str, Any]


class Place(NamedTuple):
    """Where the runtime runs, which says what a relative path and `~` mean to it.

    Args:
        cwd: Its working directory, absolute, as it was at its launch; "" if that is gone.
        home: Its home directory; None for the one that this user has.
    """

    cwd: str
    home: str | None = None


class _Setting(NamedTuple):
    wire: str
    is_same: Callable[[Any, Any, Place], bool]
    # By which field thread/settings/update sets it, if it does.
    update: str | None = None


_WORKSPACE = "workspaceWrite"

# What one word of a request is called in the answer.
_OTHER_WORDS = {"guardian_subagent": "auto_review", "fast": "priority"}

# Tiers that the runtime takes for any model.
_TIERS_OF_ALL = ("default", "flex")

# The profiles that are the sandbox of this kind and no more; of others the policy in the answer tells a part.
_PLAIN_PROFILES = (":read-only", ":workspace", ":danger-full-access")

# Settings that may be given in `config=` too.
_IN_CONFIG = {
    "approval_policy": "approval_policy",
    "approvals_reviewer": "approvals_reviewer",
    "default_permissions": "permissions",
    "model": "model",
    "model_provider": "model_provider",
    "model_reasoning_effort": "effort",
    "service_tier": "service_tier",
}
_MODE = "sandbox_mode"
_TABLE = "sandbox_workspace_write"
# How the names of all settings begin that say what the agent may do.
_RIGHTS = ("approval", "default_permissions", "permission", "sandbox")
_PROFILE = "activePermissionProfile"


def _is_word(asked: Any, answered: Any, _: Place) -> bool:
    return answered in (asked, _OTHER_WORDS.get(asked, asked))


def _is_policy(asked: Any, answered: Any, place: Place) -> bool:
    if isinstance(asked, Mapping) and isinstance(answered, Mapping):
        # What is left out of either is False.
        names = {*asked, *answered}
        return all(_is_policy(asked.get(n, False), answered.get(n, False), place) for n in names)
    return bool(asked == answered)


def _is_directory(asked: Any, answered: Any, place: Place) -> bool:
    return isinstance(answered, str) and _same_path(asked, answered, place)


def _same_path(one: str, other: str, place: Place) -> bool:
    one, other = _absolute(one, place), _absolute(other, place)
    if os.path.normpath(one) == os.path.normpath(other):
        return True
    # The runtime takes ".." by the letter, the system by what a link leads to. Of a path that is relative
    # still, it would ask for this process' directory, which may be gone.
    return os.path.isabs(one) and os.path.isabs(other) and os.path.realpath(one) == os.path.realpath(other)


def _absolute(path: str, place: Place) -> str:
    if path == "~" or path.startswith("~/"):
        path = (place.home or os.path.expanduser("~")) + path[1:]
    return os.path.join(place.cwd, path)


def _is_sandbox(asked: Any, answered: Any, place: Place) -> bool:
    if not isinstance(answered, Mapping):
        return False
    if "type" not in asked and answered.get("type") != _WORKSPACE:
        # The table says what a workspace has, and there is none.
        return True
    asked = dict(asked)
    roots = asked.pop("writableRoots", None)
    if roots is not None:
        found = answered.get("writableRoots") or ()
        pairs = ((roots, found), (found, roots))
        if not all(any(_same_path(a, b, place) for b in there) for here, there in pairs for a in here):
            return False
    return all(answered.get(name, False) == value for name, value in asked.items())


_SETTINGS: dict[str, _Setting] = {
    "approval_policy": _Setting("approvalPolicy", _is_policy, "approvalPolicy"),
    "approvals_reviewer": _Setting("approvalsReviewer", _is_word, "approvalsReviewer"),
    "cwd": _Setting("cwd", _is_directory, "cwd"),
    "effort": _Setting("reasoningEffort", _is_word, "effort"),
    "model": _Setting("model", _is_word, "model"),
    "model_provider": _Setting("modelProvider", _is_word),
    # Its answer has another name, and more to say.
    "permissions": _Setting("permissions", _is_word, "permissions"),
    "sandbox": _Setting("sandbox", _is_sandbox, "sandboxPolicy"),
    "service_tier": _Setting("serviceTier", _is_word, "serviceTier"),
}
# No answer tells these. The first can be set, the others hold for a thread that the request has loaded.
_UNTOLD = {"personality": "personality"}
_FOR_LOADING = {
    "base_instructions": "baseInstructions",
    "config": "config",
    "developer_instructions": "developerInstructions",
}


def asked(params: Mapping[str, Any]) -> Settings:
    """The settings that a request asks for and that its answer tells.

    Args:
        params: Those of thread/start, thread/resume or thread/fork, on the wire.
    """
    config = _config(params)
    found = {name: config[key] for key, name in _IN_CONFIG.items() if _is_told(key, config.get(key))}
    for name, setting in _SETTINGS.items():
        if setting.wire in params and name != "sandbox":
            found[name] = params[setting.wire]
    table = workspace_options(config.get(_TABLE))
    if (policy := policy_of_mode(params.get("sandbox", config.get(_MODE)))) is not None:
        found["sandbox"] = {"type": policy["type"], **(table if policy["type"] == _WORKSPACE else {})}
        # A mode takes the place of a profile.
        found.pop("permissions", None)
    elif table:
        # Whatever the mode is.
        found["sandbox"] = table
    return found


def has_approvals(config: Mapping[str, Any] | None) -> bool:
    """Whether the configuration of a request says how approvals are decided."""
    return not {"approval_policy", "approvals_reviewer"}.isdisjoint(_nested(config or {}))


def _config(params: Mapping[str, Any]) -> dict[str, Any]:
    return _nested(params.get("config") or {})


def _nested(config: Mapping[str, Any]) -> dict[str, Any]:
    """The same with a table for each dotted name, which is what the runtime makes of it."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        first, _, rest = key.partition(".")
        if not rest:
            known = found.get(key)
            merged = isinstance(known, Mapping) and isinstance(value, Mapping)
            found[key] = {**(known or {}), **value} if merged else value
            continue
        table = found.get(first)
        found[first] = {**(table if isinstance(table, Mapping) else {}), **_nested({rest: value})}
    return found


def _is_told(key: str, value: Any) -> bool:
    """Whether an answer tells what this setting of a configuration is."""
    if key == _MODE:
        return policy_of_mode(value) is not None
    if key == _TABLE:
        return is_workspace_table(value)
    if key == "approval_policy":
        return value is not None
    return key in _IN_CONFIG and isinstance(value, str)


def untold(params: Mapping[str, Any]) -> Settings:
    """What a request asks for and no answer tells, but can be set."""
    return {name: params[wire] for name, wire in _UNTOLD.items() if wire in params}


def for_loading(params: Mapping[str, Any]) -> tuple[str, ...]:
    """The options that a thread which is loaded already does not take; of its config the keys of these."""
    names = [name for name, wire in _FOR_LOADING.items() if name != "config" and params.get(wire)]
    return (*names, *(f"config[{key!r}]" for key in _untold_config(params)))


def rights_for_loading(params: Mapping[str, Any]) -> Settings:
    """What the agent may do by `config` and a thread that is loaded already does not take."""
    rights = {key: value for key, value in _untold_config(params).items() if key.startswith(_RIGHTS)}
    return {"config": rights} if rights else {}


def _untold_config(params: Mapping[str, Any]) -> Settings:
    return {key: value for key, value in _config(params).items() if not _is_told(key, value)}


def _answered(answer: Mapping[str, Any]) -> Settings:
    """The settings that the answer to such a request tells. It need not have them all."""
    found = {name: answer[setting.wire] for name, setting in _SETTINGS.items() if setting.wire in answer}
    if _PROFILE in answer:
        profile = answer[_PROFILE]
        found["permissions"] = profile.get("id") if isinstance(profile, Mapping) else None
    return found


def whole_sandbox(wanted: Settings, config: Mapping[str, Any]) -> Settings:
    """The same settings, with all that a thread of this sandbox has in this configuration.

    A thread that is loaded may have got more from a turn: roots to write to, the network.
    """
    policy = wanted.get("sandbox")
    if policy is None or "type" not in policy:
        return wanted
    options = workspace_options(config.get(_TABLE)) if policy["type"] == _WORKSPACE else {}
    return {**wanted, "sandbox": {**_preset(policy), **options, **policy}}


def _preset(policy: Mapping[str, Any]) -> dict[str, Any]:
    modes = map(policy_of_mode, ("read-only", "workspace-write", "danger-full-access"))
    return next(known for known in modes if known is not None and known["type"] == policy["type"])


def unmet(wanted: Settings, answer: Mapping[str, Any], place: Place) -> dict[str, tuple[Any, Any]]:
    """What is not as it was asked: for each setting what was asked, and what was answered."""
    found = _answered(answer)
    differing = {
        name: (value, found[name])
        for name, value in wanted.items()
        if name in found and not _SETTINGS[name].is_same(value, found[name], place)
    }
    profile = found.get("permissions")
    sandbox = wanted.get("sandbox", {})
    if "type" in sandbox and profile is not None and profile not in _PLAIN_PROFILES:
        differing["sandbox"] = (sandbox, {"permissions": profile})
    return differing


def difference(name: str, asked: Any, answered: Any, system: str = os.name) -> str:
    """How a setting differs from what was asked, in words.

    Args:
        name: The setting.
        asked: What was asked for, as the protocol has it.
        answered: What the runtime has answered, likewise; None if it does not say.
        system: `os.name`.
    """
    if name == "config":
        # Tables of rights may hold more than rights.
        shown = redacted_message(json.dumps(asked, ensure_ascii=False))
        return (
            f"{shown} in config is taken only when a thread is loaded, and only if the runtime knows these "
            "keys and values"
        )
    if answered is None:
        return f"nothing says that {name} is {asked!r}"
    told = f"{name} is {answered!r} and not {asked!r}"
    if system == "nt" and name == "sandbox" and asked.get("type") == "workspaceWrite":
        told += (
            ' (on Windows the runtime allows that only in its own sandbox: config={"windows.sandbox": '
            '"unelevated"})'
        )
    return told


def no_tier(asked: str) -> str:
    """That the thread's model has not the service tier that was asked for, in words."""
    return f"its model has no service_tier {asked!r} (codex.models() has service_tiers for each model)"


def has_tier(tier: str, model: Any, models: Mapping[str, Any]) -> bool:
    """Whether a model has a service tier, by the answer to model/list: an update would take any.

    Where the answer does not tell it, it is believed.
    """
    if tier in _TIERS_OF_ALL or models.get("nextCursor"):
        return True
    listed: list[dict[str, Any]] = models.get("data") or []
    found = next((each for each in listed if each.get("model") == model), {})
    tiers = {each.get("id") for each in found.get("serviceTiers") or ()}
    return tier in tiers.union(found.get("additionalSpeedTiers") or ())


def update(differing: Mapping[str, tuple[Any, Any]]) -> dict[str, Any] | None:
    """The fields of thread/settings/update that set these; None if it cannot set them all."""
    fields: dict[str, Any] = {}
    for name, (value, answered) in differing.items():
        wire = _UNTOLD[name] if name in _UNTOLD else _SETTINGS[name].update if name in _SETTINGS else None
        if wire is None:
            return None
        whole = (_preset(value) if "type" in value else answered) if name == "sandbox" else None
        fields[wire] = value if whole is None else {**whole, **value}
    return fields
