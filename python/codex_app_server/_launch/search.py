"""Where a command is on PATH, as each system names its programs.

Owns the search and no error: `binary` and `command` say what to do about a command that is not there. It is
not `shutil.which`, which on Windows looks into the working directory first, and takes what only a shell runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

# What Windows calls a program; npm installs the runtime as codex.cmd.
_ENDINGS = (".exe", ".cmd", ".bat")


def is_command(name: str) -> bool:
    """Whether it names a command on PATH, and not a file."""
    return not os.path.dirname(name)


def find_command(name: str, env: Mapping[str, str], system: str = os.name) -> str | None:
    """The command of that name on the PATH of `env`.

    Relative entries of PATH are passed over, empty ones too: with them the working directory, which may be
    somebody else's checkout, would decide what runs.

    Args:
        name: Its name; on Windows with or without its ending.
        env: The runtime's environment variables.
        system: `os.name`.
    """
    has_ending = system != "nt" or name.lower().endswith(_ENDINGS)
    names = [name] if has_ending else [name + ending for ending in _ENDINGS]
    for directory in filter(os.path.isabs, env.get("PATH", os.defpath).split(os.pathsep)):
        for path in (os.path.join(directory, each) for each in names):
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    return None
