"""The environment variables that a runtime gets.

Owns what is inherited, and what of that belongs to the minimum of `inherit_env=False`: what any program needs
to find programs, its home, a place for temporary files and its language. Never in the minimum: keys and
tokens, and the addresses of proxies, which may hold some. Called by `_launch`, and where a command is looked
up on the PATH that the runtime will have.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from .config import CodexConfig

_EVERYWHERE = ("CODEX_HOME", "CODEX_SQLITE_HOME", "LANG", "LANGUAGE", "PATH", "TERM", "TZ")
_POSIX = ("HOME", "LOGNAME", "SHELL", "TMPDIR", "USER", "__CF_USER_TEXT_ENCODING")
_WINDOWS = (
    "ALLUSERSPROFILE",
    "APPDATA",
    "COMMONPROGRAMFILES",
    "COMMONPROGRAMFILES(X86)",
    "COMMONPROGRAMW6432",
    "COMPUTERNAME",
    "COMSPEC",
    "HOME",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "NUMBER_OF_PROCESSORS",
    "OS",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PROGRAMFILES(X86)",
    "PROGRAMW6432",
    "PSMODULEPATH",
    "PUBLIC",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERDOMAIN",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
)


def environment_of(
    config: CodexConfig, ours: Mapping[str, str] = os.environ, system: str = os.name
) -> dict[str, str]:
    """The environment of the runtime that `config` means.

    Args:
        config: `inherit_env` says what of `ours` it gets, `env` what is set and removed then.
        ours: This process' own environment.
        system: `os.name`. On Windows upper and lower case of a name are the same.
    """
    inherited = ours.items() if config.inherit_env else _minimum(ours, system)
    env = {_name(name, system): value for name, value in inherited}
    for name, value in (config.env or {}).items():
        if value is None:
            env.pop(_name(name, system), None)
        else:
            env[_name(name, system)] = value
    return env


def _minimum(ours: Mapping[str, str], system: str) -> Iterable[tuple[str, str]]:
    wanted = {*_EVERYWHERE, *(_WINDOWS if system == "nt" else _POSIX)}
    for name, value in ours.items():
        known = _name(name, system)
        if known in wanted or known.startswith("LC_"):
            yield name, value


def _name(name: str, system: str) -> str:
    return name.upper() if system == "nt" else name
