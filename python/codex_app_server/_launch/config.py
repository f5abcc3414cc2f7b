"""`CodexConfig`: how a client starts its runtime and how it treats it.

Owns the fields, their defaults and their validation. It never touches the file system or the environment;
`_launch.command` does. Programs make it, the clients read it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .. import _arguments as arguments
from .._text.redaction import GONE, redacted, redacted_arguments
from .._version import __version__
from ..errors import InvalidInputError, InvalidInputTypeError
from .overrides import credential_in, other_way

logger = logging.getLogger("codex_app_server")

_MIB = 1024 * 1024

# Some 30 years. Clocks and timers of all systems can count so far.
_LONGEST_S = 1e9

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
        config_overrides: `key=value` settings for the runtime, each passed as `--config key=value`, which
            every user of the machine can read. One that looks like a credential is refused, with another way.
        cwd: The runtime's working directory; this process' own by default.
        env: Environment variables for the runtime, on top of those that it inherits; None removes one. Not
            shown by `repr`.
        client_name: This program's name, as the runtime reports it to the service.
        client_title: The same for people.
        client_version: This program's version.
        experimental_api: Whether experimental methods and fields may be used.
        inherit_env: Whether the runtime inherits this process' environment variables. False: only `env`, and
            the minimum that any program needs: CODEX_HOME, CODEX_SQLITE_HOME, LANG, LANGUAGE, LC_*, PATH,
            TERM and TZ; HOME, LOGNAME, SHELL, TMPDIR and USER, or what Windows has in their place. No key,
            token or proxy is among them.
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
        on_stderr: A function that gets each line of the runtime's stderr, without its end, on a thread of its
            own (`codex-stderr`). Of a long line it gets the first 16 KiB and the length. What it raises is
            logged.

    Raises:
        InvalidInputTypeError: A field has the wrong type.
        InvalidInputError: A field has a value that makes no sense.

    Example:
        >>> CodexConfig(config_overrides=('model="gpt-5"',), request_timeout_s=30).request_timeout_s
        30
    """

    codex_bin: str | os.PathLike[str] | None = None
    launch_args_override: tuple[str, ...] | None = None
    config_overrides: tuple[str, ...] = ()
    cwd: str | os.PathLike[str] | None = None
    env: Mapping[str, str | None] | None = field(default=None, repr=False)
    client_name: str = "codex_python_sdk"
    client_title: str = "Codex Python SDK"
    client_version: str = __version__
    experimental_api: bool = True
    inherit_env: bool = field(default=True, kw_only=True)
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
    on_stderr: Callable[[str], object] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self.check()
        if self.opt_out_notifications:
            _warn_of_unknown("opt_out_notifications", self.opt_out_notifications)

    def __repr__(self) -> str:
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.repr}
        for name in ("launch_args_override", "config_overrides"):
            values[name] = _shown(values[name])
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in values.items())})"

    def check(self) -> None:
        """Check every field, also those that were set after it was made; a start does.

        Raises:
            InvalidInputTypeError: A field has the wrong type.
            InvalidInputError: A field has a value that makes no sense.
        """
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
        _check_overrides("config_overrides", self.config_overrides)
        _check_env(self.env)
        for name in ("client_name", "client_title", "client_version"):
            _check_type(name, getattr(self, name), str, "a str")
            _check_utf8(name, getattr(self, name))
        if not self.client_name:
            raise InvalidInputError("CodexConfig.client_name is empty; leave it out for the default.")
        arguments.flag("CodexConfig.experimental_api", self.experimental_api)
        arguments.flag("CodexConfig.inherit_env", self.inherit_env)
        arguments.flag("CodexConfig.request_attestation", self.request_attestation)
        self.features = _features("features", self.features)
        self.opt_out_notifications = _methods("opt_out_notifications", self.opt_out_notifications)
        if self.request_timeout_s is not None:
            _check_seconds("request_timeout_s", self.request_timeout_s)
        _check_seconds("startup_timeout_s", self.startup_timeout_s)
        _check_seconds("shutdown_grace_s", self.shutdown_grace_s)
        for name in ("turn_budget_bytes", "total_budget_bytes", "max_message_bytes", "stderr_tail_bytes"):
            _check_count(name, getattr(self, name), "a number of bytes")
        _check_count("max_open_files", self.max_open_files, "an int")
        _check_on_stderr(self.on_stderr)


def _check_type(name: str, value: Any, kind: type, described: str) -> None:
    if not isinstance(value, kind):
        raise InvalidInputTypeError(f"CodexConfig.{name} must be {described}, not {type(value).__name__}.")


def _path(name: str, value: Any) -> str | None:
    if value is None:
        return None
    path = arguments.path(f"CodexConfig.{name}", value, "; leave it out for the default")
    _check_argument(name, "the path", path)
    return path


def _strings(name: str, value: Any) -> tuple[str, ...]:
    if not arguments.is_sequence(value):
        raise InvalidInputTypeError(f"CodexConfig.{name} must be a tuple of str, not {type(value).__name__}.")
    for place, part in enumerate(value, 1):
        _check_type(name, part, str, "a tuple of str, and each part of it a str")
        _check_argument(name, f"part {place}", part)
    return tuple(value)


def _shown(command: Any) -> Any:
    """Arguments without secrets, and nothing of what is none, which may have been set after a check."""
    if command is None:
        return None
    if not arguments.is_sequence(command) or not all(isinstance(part, str) for part in command):
        return GONE
    return tuple(
        shown if credential_in(part) is None else f"{redacted(part.partition('=')[0])}={GONE}"
        for part, shown in zip(command, redacted_arguments(command), strict=True)
    )


def _check_argument(name: str, which: str, text: str) -> None:
    """What goes to the operating system. It may be a secret, so it is never part of a message."""
    if "\0" in text:
        raise InvalidInputError(f"CodexConfig.{name}: {which} has a NUL character.")
    # The error of Python holds the text, so it must not be the context of this one.
    try:
        # As `os.fsencode`, which on Windows takes half surrogate pairs, too, that no runtime can read.
        text.encode(sys.getfilesystemencoding(), "surrogateescape")
        return
    except UnicodeEncodeError:
        pass
    raise InvalidInputError(
        f"CodexConfig.{name}: {which} has characters that the encoding of this system, "
        f"{sys.getfilesystemencoding()}, does not have. Set LC_ALL to a UTF-8 locale, or start Python with "
        "-X utf8."
    )


def _check_utf8(name: str, text: str) -> None:
    try:
        text.encode()
        return
    except UnicodeEncodeError:
        pass
    raise InvalidInputError(f"CodexConfig.{name} has half a surrogate pair, which UTF-8 cannot express.")


def _check_overrides(name: str, overrides: tuple[str, ...]) -> None:
    for place, override in enumerate(overrides, 1):
        key, equals, _ = override.partition("=")
        if not equals or not key.strip():
            raise InvalidInputError(f"CodexConfig.{name}: part {place} is not of the form key=value.")
        setting = credential_in(override)
        if setting is not None:
            raise InvalidInputError(
                f"CodexConfig.{name}: {setting!r} looks like a credential, and every user of this machine "
                f"could read it in the runtime's command line (`ps`). Instead, {other_way(setting)}."
            )


def _features(name: str, value: Any) -> dict[str, bool]:
    _check_type(name, value, Mapping, "a dict of str to bool")
    for feature, enabled in value.items():
        if not isinstance(feature, str) or not isinstance(enabled, bool):
            raise InvalidInputTypeError(
                f"CodexConfig.{name} must be a dict of str to bool; {feature!r} with a "
                f"{type(enabled).__name__} is not."
            )
        # It becomes an argument of its own; which names exist is the runtime's to say.
        if not feature or feature.startswith("-") or "=" in feature:
            raise InvalidInputError(
                f"CodexConfig.{name}: {feature!r} cannot be a feature; "
                "codex.rpc.experimental_feature.list() has their names."
            )
        _check_argument(name, f"the name {feature!r}", feature)
    return dict(value)


def _methods(name: str, value: Any) -> tuple[str, ...]:
    methods = _strings(name, value)
    for method in methods:
        _check_utf8(name, method)
        if method in _NEEDED:
            raise InvalidInputError(
                f"CodexConfig.{name}: nothing can end right without {method}: {_NEEDED[method]}."
            )
    return methods


def _warn_of_unknown(name: str, methods: tuple[str, ...]) -> None:
    # The table costs nothing until it is asked for.
    from ..generated.notifications import PAYLOADS

    for method in methods:
        if method not in PAYLOADS:
            logger.warning("CodexConfig.%s: %r is no notification that this version knows", name, method)


def _check_env(env: Any) -> None:
    if env is None:
        return
    _check_type("env", env, Mapping, "a dict of str to str or None")
    for name, value in env.items():
        # The value may be a secret, and what follows a "=" in a name, too: neither is part of a message.
        if not isinstance(name, str) or not (value is None or isinstance(value, str)):
            which = name.partition("=")[0] if isinstance(name, str) else type(name).__name__
            raise InvalidInputTypeError(
                f"CodexConfig.env must be a dict of str to str or None; {which!r} is not."
            )
        called, equals, _ = name.partition("=")
        if equals or not called:
            raise InvalidInputError(
                f"CodexConfig.env: the name that begins with {called!r} cannot be an environment variable: "
                "it is empty, or has a '='."
            )
        _check_argument("env", f"the name {name!r}", name)
        if value is not None:
            _check_argument("env", f"the value of {name!r}", value)


def _check_seconds(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInputTypeError(
            f"CodexConfig.{name} must be a number of seconds, not {type(value).__name__}."
        )
    if not 0 < value <= _LONGEST_S:
        raise InvalidInputError(
            f"CodexConfig.{name} must be a positive number of seconds, and no more than {_LONGEST_S:g}."
        )


def _check_count(name: str, value: Any, described: str) -> None:
    if not 0 < arguments.whole(f"CodexConfig.{name}", value, described) <= sys.maxsize:
        raise InvalidInputError(f"CodexConfig.{name} must be positive and no more than {sys.maxsize}.")


def _check_on_stderr(value: Any) -> None:
    if value is None:
        return
    if not callable(value):
        raise InvalidInputTypeError(
            f"CodexConfig.on_stderr must be a function of one str, not {type(value).__name__}."
        )
    if arguments.gives_coroutine(value):
        raise InvalidInputTypeError(
            "CodexConfig.on_stderr cannot be a coroutine function: it is called on a thread without a loop."
        )
