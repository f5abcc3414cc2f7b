"""`CodexConfig`: how a client starts its runtime and how it treats it.

Owns the fields, their defaults and their validation. It never touches the file system or the environment;
`_launch` does. Programs make it, the clients read it.
"""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._version import __version__
from .errors import InvalidInputError, InvalidInputTypeError

logger = logging.getLogger("codex_app_server")

_MIB = 1024 * 1024

# What no client may opt out of, and what for.
_NEEDED = {
    "turn/completed": "it is how run() and every stream learn of the end",
    "item/completed": "run() collects the items and the final response from it",
    "thread/tokenUsage/updated": "run() takes the usage from it",
    "process/exited": "it is how the handle of a process learns of its end",
}


@dataclass(slots=True)
class CodexConfig:
    """How to launch the Codex runtime and how to identify this program to it.

    Most programs need none of it: `Codex()` starts the runtime that is installed with this package.

    Args:
        codex_bin: The runtime to start instead of the packaged one: a path, or the name of a command on PATH.
            A str without a separator is a name; write "./codex" for a file of the working directory.
        launch_args_override: The whole command to start instead, without `codex_bin`, `config_overrides` and
            `features`.
        config_overrides: `key=value` settings for the runtime, each passed as `--config key=value`.
        cwd: The runtime's working directory; this process' own by default.
        env: Environment variables for the runtime, on top of this process' own. Not shown by `repr`.
        client_name: This program's name, as the runtime reports it to the service.
        client_title: The same for people.
        client_version: This program's version.
        experimental_api: Whether experimental methods and fields may be used.
        request_attestation: Whether the runtime asks this program for attestations (`Attestation`).
        features: Features of the runtime by name, True to enable and False to disable one, each passed as
            `--enable` or `--disable`. They win over `config_overrides` and `config.toml`.
        opt_out_notifications: Methods of notifications that the runtime shall not send, by their exact names.
        request_timeout_s: How long an answer may take, in seconds from when its request was written, or None.
        startup_timeout_s: How long the runtime may take to become ready, in seconds.
        shutdown_grace_s: How long it may take to exit, in seconds, before SIGTERM and again before SIGKILL.
        turn_budget_bytes: How many bytes of unread events one turn may hold before deltas are dropped, or
            another stream before its newest are.
        total_budget_bytes: The same for all turns and streams of the client together.
        max_message_bytes: How many bytes one message of the runtime may have. The connection ends with a
            `MessageTooLongError` at a longer one, instead of taking all memory.
        stderr_tail_bytes: How many bytes of the end of the runtime's stderr are kept for error messages.
        max_open_files: How many files the runtime may hold open: its soft limit (`ulimit -Sn`) is raised to
            this, as far as the hard one allows, and never lowered. It needs about one for each loaded thread.
            What the agent runs inherits the limit, so it is not raised further than has a use.

    Raises:
        InvalidInputTypeError: A field has the wrong type.
        InvalidInputError: A field has a value that makes no sense.

    Example:
        >>> CodexConfig(config_overrides=('model="gpt-5"',), request_timeout_s=30).request_timeout_s
        30
    """

    codex_bin: str | None = None
    launch_args_override: tuple[str, ...] | None = None
    config_overrides: tuple[str, ...] = ()
    cwd: str | None = None
    env: dict[str, str] | None = field(default=None, repr=False)
    client_name: str = "codex_python_sdk"
    client_title: str = "Codex Python SDK"
    client_version: str = __version__
    experimental_api: bool = True
    request_attestation: bool = field(default=False, kw_only=True)
    features: Mapping[str, bool] = field(default_factory=dict, kw_only=True)
    opt_out_notifications: tuple[str, ...] = field(default=(), kw_only=True)
    request_timeout_s: float | None = field(default=60.0, kw_only=True)
    startup_timeout_s: float = field(default=30.0, kw_only=True)
    shutdown_grace_s: float = field(default=2.0, kw_only=True)
    turn_budget_bytes: int = field(default=256 * _MIB, kw_only=True)
    total_budget_bytes: int = field(default=1024 * _MIB, kw_only=True)
    max_message_bytes: int = field(default=512 * _MIB, kw_only=True)
    stderr_tail_bytes: int = field(default=64 * 1024, kw_only=True)
    max_open_files: int = field(default=8192, kw_only=True)

    def __post_init__(self) -> None:
        is_path = isinstance(self.codex_bin, os.PathLike)
        self.codex_bin = _path("codex_bin", self.codex_bin)
        if is_path and self.codex_bin and not os.path.dirname(self.codex_bin):
            # As a str without a separator it would be the name of a command.
            self.codex_bin = os.path.join(os.curdir, self.codex_bin)
        self.cwd = _path("cwd", self.cwd)
        if self.launch_args_override is not None:
            self.launch_args_override = _strings("launch_args_override", self.launch_args_override)
            if not self.launch_args_override:
                raise InvalidInputError(
                    "CodexConfig.launch_args_override is empty: give the command to run, or None."
                )
        self.config_overrides = _strings("config_overrides", self.config_overrides)
        for override in self.config_overrides:
            if "=" not in override:
                raise InvalidInputError(
                    f"CodexConfig.config_overrides: {override!r} is not of the form key=value."
                )
        _check_env(self.env)
        for name in ("client_name", "client_title", "client_version"):
            _check_type(name, getattr(self, name), str, "a str")
        _check_type("experimental_api", self.experimental_api, bool, "a bool")
        _check_type("request_attestation", self.request_attestation, bool, "a bool")
        self.features = _features("features", self.features)
        self.opt_out_notifications = _methods("opt_out_notifications", self.opt_out_notifications)
        if self.request_timeout_s is not None:
            _check_seconds("request_timeout_s", self.request_timeout_s)
        _check_seconds("startup_timeout_s", self.startup_timeout_s)
        _check_seconds("shutdown_grace_s", self.shutdown_grace_s)
        for name in ("turn_budget_bytes", "total_budget_bytes", "max_message_bytes", "stderr_tail_bytes"):
            _check_count(name, getattr(self, name), "a number of bytes")
        _check_count("max_open_files", self.max_open_files, "an int")


def _check_type(name: str, value: Any, kind: type, described: str) -> None:
    if not isinstance(value, kind):
        raise InvalidInputTypeError(f"CodexConfig.{name} must be {described}, not {type(value).__name__}.")


def _path(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    _check_type(name, value, str, "a path as a str")
    if not value or "\0" in value:
        raise InvalidInputError(
            f"CodexConfig.{name} must be a path, not {value!r}; leave it out for the default."
        )
    return str(value)


def _strings(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (tuple, list)):
        raise InvalidInputTypeError(f"CodexConfig.{name} must be a tuple of str, not {type(value).__name__}.")
    for part in value:
        _check_type(name, part, str, "a tuple of str, and each part of it a str")
        if "\0" in part:
            raise InvalidInputError(f"CodexConfig.{name}: {part!r} has a NUL character.")
    return tuple(value)


def _features(name: str, value: Any) -> dict[str, bool]:
    _check_type(name, value, Mapping, "a dict of str to bool")
    for feature, enabled in value.items():
        if not isinstance(feature, str) or not isinstance(enabled, bool):
            raise InvalidInputTypeError(
                f"CodexConfig.{name} must be a dict of str to bool; {feature!r}: {enabled!r} is not."
            )
        # It becomes an argument of its own; which names exist is the runtime's to say.
        if not feature or feature.startswith("-") or "=" in feature or "\0" in feature:
            raise InvalidInputError(
                f"CodexConfig.{name}: {feature!r} cannot be a feature; "
                "codex.rpc.experimental_feature.list() has their names."
            )
    return dict(value)


def _methods(name: str, value: Any) -> tuple[str, ...]:
    methods = _strings(name, value)
    for method in methods:
        if method in _NEEDED:
            raise InvalidInputError(
                f"CodexConfig.{name}: nothing can end right without {method}: {_NEEDED[method]}."
            )
    if methods:
        # The table costs nothing until it is asked for.
        from .generated.notifications import PAYLOADS

        for method in methods:
            if method not in PAYLOADS:
                logger.warning("CodexConfig.%s: %r is no notification that this version knows", name, method)
    return methods


def _check_env(env: Any) -> None:
    if env is None:
        return
    _check_type("env", env, Mapping, "a dict of str to str")
    for name, value in env.items():
        # The value may be a secret: it is never part of a message.
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidInputTypeError(f"CodexConfig.env must be a dict of str to str; {name!r} is not.")
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise InvalidInputError(f"CodexConfig.env: {name!r} cannot be an environment variable.")


def _check_seconds(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInputTypeError(
            f"CodexConfig.{name} must be a number of seconds, not {type(value).__name__}."
        )
    if not math.isfinite(value) or value <= 0:
        raise InvalidInputError(
            f"CodexConfig.{name} must be a positive, finite number of seconds, not {value!r}."
        )


def _check_count(name: str, value: Any, described: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInputTypeError(f"CodexConfig.{name} must be {described}, not {type(value).__name__}.")
    if not 0 < value <= sys.maxsize:
        raise InvalidInputError(f"CodexConfig.{name} must be positive and no more than {sys.maxsize}.")
