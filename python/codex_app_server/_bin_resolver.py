"""Which runtime a configuration means, for programs that ask before they start one.

The clients do not use it: `_launch` makes the whole command, and checks more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ._config import CodexConfig
from .errors import BinaryNotFoundError


@dataclass(frozen=True, slots=True)
class CodexBinResolverOps:
    """How to look around for a runtime; tests put something else in its place.

    Args:
        installed_codex_path: Where the packaged runtime is.
        path_exists: Whether there is something at a path.
    """

    installed_codex_path: Callable[[], Path]
    path_exists: Callable[[Path], bool]


def resolve_codex_bin(config: CodexConfig, ops: CodexBinResolverOps) -> Path:
    """The binary that `config` means: its own, else the packaged one.

    Raises:
        BinaryNotFoundError: There is nothing at `config.codex_bin`.

    Example:
        >>> ops = CodexBinResolverOps(lambda: Path("/opt/codex"), lambda path: True)
        >>> resolve_codex_bin(CodexConfig(), ops) == Path("/opt/codex")
        True
    """
    if config.codex_bin is None:
        return ops.installed_codex_path()
    path = Path(config.codex_bin)
    if not ops.path_exists(path):
        raise BinaryNotFoundError(
            f"Codex binary not found at {path}. Set CodexConfig.codex_bin to a valid binary path.", str(path)
        )
    return path


def default_codex_home() -> str:
    """The directory in which the runtime keeps its state when `CODEX_HOME` is not set."""
    return str(Path.home() / ".codex")
