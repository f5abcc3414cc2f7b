"""What looks like a secret in a report that people publish, and is left out of it.

Owns how keys, tokens, passwords and e-mail addresses are recognized in text that others have written: by what
stands before them, by their own beginnings, by their length. It cannot recognize all of them, and may take
other text for one. Called by `doctor` for everything that it reports.
"""

from __future__ import annotations

import re
from typing import Any

_GONE = "[redacted]"

_PATTERNS = (
    # Colours, which would hide where a word begins; also as the transport quotes them.
    (r"(?:\x1b|\\u\{1b\})\[[0-9;]*m", ""),
    # Headers, with all that follows.
    (r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(?P<q>[\"']?)\s*[:=].*", rf"\1\g<q>: {_GONE}"),
    (r"(?i)\b(bearer)\s+\S+", rf"\1 {_GONE}"),
    # In addresses: who, and the values of the query.
    (r"://[^/\s@]+@", f"://{_GONE}@"),
    (r"([?&][\w.-]+=)[^&#\s\"']+", rf"\1{_GONE}"),
    # Values of fields, options and variables that are called so.
    (
        r"(?i)([\w-]*(?:api[_-]?key|access[_-]?key|private[_-]?key|token|secret|passw(?:or)?d|credential)s?[\"']?"
        r"\s*[:=]\s*)(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;}]+)",
        rf"\1{_GONE}",
    ),
    # Keys of known providers, and JSON web tokens.
    (r"\b(?:sk|pk|rk|sess|gh[pousr]|github_pat|glpat|xox[a-z])[-_][\w-]{4,}(?:\.[\w-]+)*", _GONE),
    (r"\beyJ[\w-]{8,}(?:\.[\w-]*)*", _GONE),
    (r"\b(?:AKIA|ASIA|AIza)[\w-]{12,}", _GONE),
    # Long words of letters and digits, but not in paths. An id of a thread has 36.
    (r"(?<![\w/.+=-])(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])\w[\w+/=-]{39,}", _GONE),
    # E-mail addresses, but not in paths, which have to stay what they are.
    (r"(?<![\w/.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}", _GONE),
)
_COMPILED = tuple((re.compile(pattern), put) for pattern, put in _PATTERNS)


def redact(text: str) -> str:
    """`text` without what looks like a secret or an e-mail address."""
    for pattern, put in _COMPILED:
        text = pattern.sub(put, text)
    return text


def redact_all(value: Any) -> Any:
    """The same of every text in a value of JSON."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: redact_all(each) for key, each in value.items()}
    return [redact_all(each) for each in value] if isinstance(value, list) else value
