"""Which runtime a configuration means: the packaged one, a file, or a command on PATH.

Owns the search, and the errors that say how to choose another one. It does not look whether what it found
can be run: `command` does, which calls it once per connection. Programs call `resolve_codex_bin` to ask
before they start a runtime.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# `pathlib` is imported where it is needed. That shortens the import of the package, and a start that does not
# need it opens no file before the process is made.
from .._package.late import pathlib
from ..errors import BinaryNotFoundError
from .config import CodexConfig
from .environment import environment_of
from .runtime_version import MADE_FOR
from .search import find_command, is_command


@dataclass(frozen=True, slots=True)
class CodexBinResolverOps:
    """How to look around for a runtime; tests put something else in its place.

    Args:
        installed_codex_path: Where the packaged runtime is.
        path_exists: Whether there is something at a path.
    """

    installed_codex_path: Callable[[], pathlib.Path]
    path_exists: Callable[[pathlib.Path], bool]


def resolve_codex_bin(config: CodexConfig, ops: CodexBinResolverOps) -> pathlib.Path:
    """The binary that `config` means: the packaged one, unless `config.codex_bin` names another.

    A name without a separator is a command, looked up on the PATH that the runtime will have, never a file in
    the working directory. Everything else is a path.

    Raises:
        BinaryNotFoundError: There is nothing at that path, or no such command.

    Example:
        >>> ops = CodexBinResolverOps(lambda: Path("/opt/codex"), lambda path: True)
        >>> resolve_codex_bin(CodexConfig(), ops) == Path("/opt/codex")
        True
    """
    from pathlib import Path

    if config.codex_bin is None:
        return ops.installed_codex_path()
    env = environment_of(config)
    return Path(find(os.fspath(config.codex_bin), env, lambda path: ops.path_exists(Path(path))))


def find(codex_bin: str, env: Mapping[str, str], exists: Callable[[str], bool] = os.path.exists) -> str:
    """The binary that `codex_bin` names for a runtime with this environment.

    Raises:
        BinaryNotFoundError: As `resolve_codex_bin`.
    """
    if is_command(codex_bin):
        found = find_command(codex_bin, env)
        if found is None:
            raise BinaryNotFoundError(_no_command(codex_bin), codex_bin)
        return found
    if not exists(codex_bin):
        raise BinaryNotFoundError(
            f"Codex binary not found at {codex_bin}. Set CodexConfig.codex_bin to a valid binary path or to "
            "the name of a command on PATH, or leave it out for the packaged runtime.",
            codex_bin,
        )
    return codex_bin


def packaged_codex_path(env: Mapping[str, str]) -> str:
    """Where the packaged runtime is; `env` is what the runtime will have.

    Raises:
        BinaryNotFoundError: It is not installed. The message says how to get one.
    """
    # Imported here: only clients without a binary of their own need the package.
    try:
        # By its name: a directory that an uninstalled package leaves behind is still imported, and is empty.
        from codex_cli_bin import bundled_codex_path

        return str(bundled_codex_path())
    except (ImportError, FileNotFoundError) as error:
        raise BinaryNotFoundError(_no_package(error, env)) from error


def default_codex_home() -> str:
    """The directory in which the runtime keeps its state when `CODEX_HOME` is not set."""
    from pathlib import Path

    return str(Path.home() / ".codex")


def _no_command(name: str) -> str:
    here = os.path.join(os.curdir, name)
    meant = f" For the file of that name right here, write {here!r}." if os.path.exists(here) else ""
    return (
        f"CodexConfig.codex_bin is the name {name!r}, and there is no such command on PATH.{meant} Set it "
        "to the path of a Codex binary, or leave it out for the packaged runtime."
    )


def _no_package(error: Exception, env: Mapping[str, str]) -> str:
    on_path = find_command("codex", env)
    there = f"now {on_path}" if on_path is not None else "there is none now"
    return (
        f"The packaged Codex runtime is not installed ({error}). Install it with "
        f"`pip install openai-codex-cli-bin=={MADE_FOR}`, or choose another one: "
        'CodexConfig(codex_bin="/path/to/codex") for a file, CodexConfig(codex_bin="codex") for the command '
        f"on PATH ({there})."
    )
