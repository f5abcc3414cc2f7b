"""Which settings of `config_overrides` look like a credential, and how each can be passed instead.

An override becomes an argument of the runtime's command, which every user of the machine can read (`ps`).
Owns what looks like a credential there: by the names of the setting and of the tables around it, by the
option before it, or by the value. It reads just enough of TOML to tell names from values. What is text for
the model may speak of passwords. It never changes an override, and what it says holds no value. Called by
`CodexConfig`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from .._text.credentials import is_credential, is_option
from .._text.redaction import has_secret, is_secret

Path: TypeAlias = tuple[str, ...]

# Strings, words that may be names or values, and what stands between them.
_TOKENS = re.compile(
    r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[^\s"\'={}\[\],]+|[={}\[\],]'
)
_PUNCTUATION = frozenset("={}[],")
_NAME_PARTS = re.compile(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([^."\'\s]+)')
_HARMLESS = re.compile(r"(?:true|false|[+-]?[\d_.]+)?")
# A table whose values are names of environment variables.
_NAMES_OF_VARIABLES = "env_http_headers"
# Tables whose entries are called as the user likes.
_CALLED_BY_USERS = (
    *("agents", "apps", "marketplaces", "mcp_servers", "model_providers", "permissions", "plugins"),
    *("profiles", "projects"),
)
# Text for the model, which may speak of secrets.
_PROSE = re.compile(r"(?:instructions|prompt)\Z")


def credential_in(override: str) -> str | None:
    """The name of the setting in `override` that looks like a credential; None if none does."""
    previous: tuple[Path, str] = ((), "")
    for path, value in _settings(override):
        is_hidden = _is_named_so(path) or (previous[0] == path and is_option(previous[1]))
        is_prose = path and _PROSE.search(path[-1])
        if (
            (is_hidden and not _HARMLESS.fullmatch(value))
            or is_secret(value)
            or (has_secret(value) and not is_prose)
        ):
            return ".".join(path)
        previous = path, value
    return None


def _is_named_so(path: Path) -> bool:
    if _NAMES_OF_VARIABLES in path:
        return False
    is_called_by_user = len(path) > 2 and path[0] in _CALLED_BY_USERS
    names = [part for at, part in enumerate(path) if at != 1 or not is_called_by_user]
    return any(map(is_credential, (*names, ".".join(path[-2:]))))


def other_way(setting: str) -> str:
    """How the runtime can be given the credential that is `setting`, as the end of a sentence."""
    table, _, name = setting.rpartition(".")
    head = ".".join(setting.split(".")[:2])
    variable, override = "MY_KEY", None
    if table.endswith(".http_headers"):
        override = f'{head}.env_http_headers.{name}="MY_KEY"'
    elif setting.startswith("model_providers.") and name.endswith("token"):
        override = f'{head}.env_key="MY_KEY"'
    elif setting.startswith("mcp_servers.") and table.endswith(".env"):
        variable, override = name, f'{head}.env_vars=["{name}"]'
    elif setting.startswith("mcp_servers.") and name == "args":
        override = f'{head}.env_vars=["MY_KEY"]'
    elif setting.startswith("mcp_servers.") and name.endswith("token"):
        override = f'{head}.bearer_token_env_var="MY_KEY"'
    if override is not None:
        return f"set the variable {variable} in CodexConfig.env, and override '{override}'"
    return "give it to thread_start(config=…), which is not on the command line, or write it to config.toml"


def _settings(override: str) -> Iterator[tuple[Path, str]]:
    """Every value in `override` with its whole name, also those in inline tables and arrays."""
    name, _, text = override.partition("=")
    key: Path | None = _parts(name)  # of the value that comes next; None where a name comes next
    opened: list[tuple[Path, bool]] = []  # tables and arrays around it, and which are tables
    words: list[str] = []
    for word in (*_TOKENS.findall(text), ","):
        if word not in _PUNCTUATION:
            words.append(word)
            continue
        if word == "=":
            if key is None:
                key, words = opened[-1][0] + _parts("".join(words)), []
            continue
        around = opened[-1][0] if opened else _parts(name)
        if words:
            yield key or around, " ".join(map(_unquoted, words))
            words = []
        if word in "{[":
            opened.append((key or around, word == "{"))
        elif word in "}]" and opened:
            opened.pop()
        # What follows is a name in a table, and a value of that table's or array's name elsewhere.
        key = None if opened and opened[-1][1] else opened[-1][0] if opened else _parts(name)


def _parts(name: str) -> Path:
    return tuple("".join(parts) for parts in _NAME_PARTS.findall(name))


def _unquoted(word: str) -> str:
    quotes = '"' if word.startswith('"') else "'"
    return word.strip(quotes) if word.startswith(quotes) else word
