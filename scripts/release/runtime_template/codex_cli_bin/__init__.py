"""The Codex runtime of this package: where its program and its tools stand."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["bundled_codex_path", "bundled_path_dir"]

_HERE = Path(__file__).resolve().parent


def bundled_codex_path() -> Path:
    """The runtime's program.

    Raises:
        FileNotFoundError: The installation is incomplete.
    """
    program = _HERE / "bin" / ("codex.exe" if sys.platform == "win32" else "codex")
    if not program.is_file():
        raise FileNotFoundError(
            f"The Codex runtime is missing at {program}; install openai-codex-cli-bin again."
        )
    return program


def bundled_path_dir() -> Path | None:
    """The folder of tools that belongs on the runtime's PATH, None where there is none."""
    folder = _HERE / "codex-path"
    return folder if folder.is_dir() else None
