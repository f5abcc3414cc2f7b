"""What looks like a secret, and is left out of what people publish: reports, logs, error messages.

Owns how keys, tokens, passwords and e-mail addresses are recognized in text that others have written: by what
stands before them, by their own beginnings, by their length. It cannot recognize all of them, and may take
other text for one. The time that it takes grows with the text's length, not with its square. Called by
whatever shows text that it did not write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .credentials import ENDING, IN_QUERY, is_option

GONE = "[redacted]"

# Keys of known providers, and JSON web tokens.
_KEY = (
    r"(?:sk|pk|rk|sess|gh[pousr]|github_pat|glpat|xox[a-z])[-_][\w-]{4,}(?:\.[\w-]+)*"
    r"|eyJ[\w-]{8,}(?:\.[\w-]*)*"
    r"|(?:AKIA|ASIA|AIza)[\w-]{12,}"
)
_PRIVATE_KEY = r"-----BEGIN [A-Z ]*PRIVATE KEY-----"

_PATTERNS = (
    # Colours, which would hide where a word begins; also as the transport quotes them.
    (r"(?:\x1b|\\u\{1b\})\[[0-9;]*m", ""),
    # Private keys, of many lines; what was cut off has no end.
    (rf"(?s){_PRIVATE_KEY}.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", GONE),
    # Headers, with all that follows.
    (r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(?P<q>[\"']?)\s*[:=].*", rf"\1\g<q>: {GONE}"),
    (r"(?i)\b(bearer)\s+\S+", rf"\1 {GONE}"),
    # In addresses: who, and the values of the query.
    (r"://[^/\s@]+@", f"://{GONE}@"),
    (r"([?&][\w.-]+=)[^&#\s\"']+", rf"\1{GONE}"),
    # Values of fields, options and variables that are called so. A name is looked at from its beginning only:
    # from each of its characters, a word of 64 KiB would take half a minute.
    (
        rf"(?i)(?<![\w-])([\w-]*{ENDING}[\"']?\s*[:=]\s*)(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;}}]+)",
        rf"\1{GONE}",
    ),
    (rf"\b(?:{_KEY})", GONE),
    # Long words of letters and digits, but not in paths. An id of a thread has 36.
    (r"(?<![\w/.+=-])(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])\w[\w+/=-]{39,}", GONE),
    # E-mail addresses, but not in paths, which have to stay what they are.
    (r"(?<![\w/.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}", GONE),
)
_COMPILED = tuple((re.compile(pattern), put) for pattern, put in _PATTERNS)

# A whole value that can hardly be anything else: a key, what a header has, an address with a password.
_SECRET = re.compile(rf"{_KEY}|(?i:bearer|basic)\s+\S+|[\w+.-]+://[^/\s@:]*:[^/\s@]+@.*")

# What has a secret in it: of the above what is more than private, and no hash, name or reference.
_WITH_SECRETS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?i)\bbearer\s+\S",
        r"://[^/\s@:]*:[^/\s@]+@",
        rf"[?&]{IN_QUERY}=[^&#\s]",
        _PRIVATE_KEY,
        rf"(?i)(?<![\w-])[\w-]*{ENDING}[\"']?\s*[:=]\s*[\"']?"
        r"(?!(?:true|false|null|\d+)\b|(?:bearer|basic)\s*\Z)[^\s\"',;}]",
        rf"\b(?:{_KEY})",
        r"(?<![\w/.+=-])(?!(?:[0-9a-f]{40}|[0-9a-f]{64})\b)(?=[\w+=]*\d)(?=[\w+=]*[A-Za-z])[\w+=]{40,}(?![\w/.-])",
    )
)
# What stands for a variable of the environment.
_REFERENCE = re.compile(r"\$\{\w+\}|\$\w+")


def is_secret(value: str) -> bool:
    """Whether `value`, as a whole, is recognized as a secret by itself."""
    return _SECRET.fullmatch(value) is not None


def has_secret(value: str) -> bool:
    """Whether there is one in `value`. An e-mail address, a user's name, the name of a variable is none."""
    without = _REFERENCE.sub("", value)
    return any(pattern.search(without) for pattern in _WITH_SECRETS)


def redacted(text: str) -> str:
    """`text` without what looks like a secret or an e-mail address."""
    for pattern, put in _COMPILED:
        text = pattern.sub(put, text)
    return text


def redacted_arguments(arguments: Iterable[str]) -> tuple[str, ...]:
    """The same of each argument of a command, and of all that follows an option for a secret."""
    shown: list[str] = []
    option = ""
    for argument in arguments:
        shown.append(GONE if is_option(option) else redacted(argument))
        option = argument
    return tuple(shown)


def redacted_all(value: Any) -> Any:
    """The same of every text in a value of JSON."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {key: redacted_all(each) for key, each in value.items()}
    return [redacted_all(each) for each in value] if isinstance(value, list) else value
