"""Where a command is on PATH, as each system names its programs.

Owns the search and no error: `binary` and `command` say what to do about a command that is not there. It is
not `shutil.which`, which on Windows looks into the working directory first and takes scripts too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

# Windows' scripts (npm's codex.cmd) are not looked for: each would be run by cmd.exe, which reads the
# arguments in a way of its own.
_ENDING = ".exe"


def is_command(name: str) -> bool:
    """Whether it names a command on PATH, and not a file."""
    return not os.path.dirname(name)


def find_command(name: str, env: Mapping[str, str], system: str = os.name) -> str | None:
    """The command of that name on the PATH of `env`.

    Relative entries of PATH are passed over, empty ones too: with them the working directory, which may be
    somebody else's checkout, would decide what runs.

    Args:
        name: Its name; on Windows with or without `.exe`.
        env: The runtime's environment variables.
        system: `os.name`.
    """
    if system == "nt" and not name.lower().endswith(_ENDING):
        name += _ENDING
    for directory in filter(os.path.isabs, env.get("PATH", os.defpath).split(os.pathsep)):
        path = os.path.join(directory, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None
