"""The package's messages in the words of the command line: options in place of the fields of `CodexConfig`.

Owns which option is which field. A new message that names one of these fields needs nothing here. Called
where a command shows what a part of the package has said.
"""

from __future__ import annotations

import re

_WORDS = (
    (re.compile(r'CodexConfig\(codex_bin="([^"]*)"\)'), r"--codex-bin \1"),
    (re.compile(r"CodexConfig\.codex_bin"), "--codex-bin"),
    (re.compile(r"CodexConfig\.(?:startup|request)_timeout_s"), "--timeout"),
    # The commands set nothing else, so these can only mean the choice of the runtime, or nothing.
    (re.compile(r"CodexConfig has its path and arguments right"), "--codex-bin names the right program"),
    (re.compile(r"what CodexConfig sets, and (?=config\.toml)"), ""),
)


def in_options(message: str) -> str:
    """`message` for somebody who has options, and no `CodexConfig`."""
    for pattern, words in _WORDS:
        message = pattern.sub(words, message)
    return message
