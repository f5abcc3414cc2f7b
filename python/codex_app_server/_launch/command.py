"""From a `CodexConfig` to the command that starts the runtime.

Owns the command line and the checks that can be made before anything is spawned, plus the mapping of what the
operating system says when spawning fails. Which binary is meant is for `binary` to say, and which
variables it gets for `environment`. It never starts a process. Called once per connection.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from typing import NoReturn

from ..errors import (
    BinaryNotExecutableError,
    BinaryNotFoundError,
    DescriptorLimitError,
    LaunchError,
    WorkingDirectoryError,
)
from .binary import find, packaged_codex_path
from .config import CodexConfig
from .environment import environment_of
from .search import find_command, is_command

_SWITCH = {True: "--enable", False: "--disable"}


@dataclass(frozen=True)
class Launch:
    """One command, ready to be spawned."""

    # It may hold a secret: a whole command of the program's own is not looked into.
    argv: tuple[str, ...] = field(repr=False)
    env: dict[str, str] = field(repr=False)
    cwd: str | None
    # Where that is at the launch, absolute; "" if it is gone. This process may go elsewhere later.
    directory: str = ""

    @property
    def program(self) -> str:
        return self.argv[0]


def resolve(config: CodexConfig) -> Launch:
    """Find the runtime and put its command together.

    Raises:
        InvalidInputError: A field was set to a value that makes no sense.
        InvalidInputTypeError: A field was set to a value of a wrong type.
        BinaryNotFoundError: Nothing at that path, or the packaged runtime is not installed.
        BinaryNotExecutableError: It is a directory or not executable.
        WorkingDirectoryError: `config.cwd` is not a directory.
    """
    config.check()  # it can be changed after it was made
    env = environment_of(config)
    cwd = None if config.cwd is None else os.fspath(config.cwd)
    directory = _directory(cwd)
    if cwd is not None and not os.path.isdir(cwd):
        problem = "is not a directory" if os.path.exists(cwd) else "does not exist"
        raise WorkingDirectoryError(
            f"The working directory {cwd!r} {problem}. Set CodexConfig.cwd to an existing directory.",
            cwd,
        )
    if config.launch_args_override is not None:
        program = _overriding(config.launch_args_override[0], env)
        return Launch((program, *config.launch_args_override[1:]), env, cwd, directory)
    if config.codex_bin is None:
        program = _runnable(packaged_codex_path(env))
        _put_tools_first(env)
    else:
        program = _runnable(find(os.fspath(config.codex_bin), env))
    overrides = (part for override in config.config_overrides for part in ("--config", override))
    features = (part for name, enabled in config.features.items() for part in (_SWITCH[enabled], name))
    return Launch((program, *overrides, *features, "app-server", "--listen", "stdio://"), env, cwd, directory)


def _directory(cwd: str | None) -> str:
    try:
        return os.path.join(os.getcwd(), cwd or "")
    except OSError:  # it was deleted
        return cwd if cwd is not None and os.path.isabs(cwd) else ""


def _put_tools_first(env: dict[str, str]) -> None:
    """The packaged runtime's own tools (ripgrep) come before whatever else has their name."""
    import codex_cli_bin

    tools = codex_cli_bin.bundled_path_dir()
    if tools is not None:
        env["PATH"] = os.pathsep.join(filter(None, (str(tools), env.get("PATH"))))


def _runnable(path: str) -> str:
    # Absolute, because the child's working directory may be another one.
    program = os.path.abspath(path)
    if os.path.isdir(program):
        _not_executable(path, "it is a directory")
    if not os.access(program, os.X_OK):
        _not_executable(path, "it is not executable (chmod +x)")
    return program


def _overriding(name: str, env: dict[str, str]) -> str:
    """The program of `launch_args_override`, which is found as `codex_bin` is."""
    found = find_command(name, env) if is_command(name) else name
    if found is None or not os.path.exists(found):
        problem = "is not on PATH" if is_command(name) else "does not exist"
        raise BinaryNotFoundError(
            f"The command {name!r} of CodexConfig.launch_args_override {problem}. Give its full path.", name
        )
    return _runnable(found)


def _not_executable(path: str, why: str) -> NoReturn:
    raise BinaryNotExecutableError(
        f"Cannot run {path}: {why}. Set CodexConfig.codex_bin to a Codex binary, or leave it out for the "
        "packaged runtime.",
        path,
    )


def raise_spawn_error(launch: Launch, error: OSError) -> NoReturn:
    """Raise the typed error for a spawn that the operating system refused."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        limit = _descriptor_limit()
        raise DescriptorLimitError(
            f"No file descriptors are left to start the Codex runtime (limit: {limit or 'unknown'}). "
            "Close what is not needed or raise the limit (`ulimit -n`).",
            limit=limit,
        ) from error
    if error.errno == errno.ENOEXEC:
        _not_executable(launch.program, "it is not a program of this machine")
    if isinstance(error, PermissionError):
        if launch.cwd is not None and not os.access(launch.cwd, os.X_OK):
            raise WorkingDirectoryError(
                f"The working directory {launch.cwd!r} may not be entered: the system denies it. "
                "Set CodexConfig.cwd to another one.",
                launch.cwd,
            ) from error
        _not_executable(launch.program, "the system denies it")
    if isinstance(error, FileNotFoundError):
        raise BinaryNotFoundError(
            f"{launch.program} could not be started: it or the interpreter in its first line does not exist.",
            launch.program,
        ) from error
    raise LaunchError(f"{launch.program} could not be started: {error}.") from error


def _descriptor_limit() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return None
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
