"""Messages of the protocol without secrets, for the log of the wire.

Owns what of a message is hidden, by the names that `credentials` has, and leaves the text of every other
string to `redaction`. It changes nothing else: a message stays the JSON that it was, and its ids are kept. It
reads what was cut off, too, and what is no JSON. Called for each line that is logged.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from .credentials import is_credential, is_option
from .redaction import GONE, redacted

# Of the names of credentials, those of what may be a number. `maxOutputTokens` is none.
_NUMBER = re.compile(r"(?i)(?:passw(?:or)?d|passcode|secret)s?\Z")
# A member of another one's name: {"keyPath": "model_providers.x.api_key", "value": …}.
_NAMED = re.compile(r'"(?:keyPath|key|name)"\s*:\s*"([^"]*)"')
# All params of these are credentials.
_LOGIN = re.compile(r'"method"\s*:\s*"account/login/start"')
# Ids are longer than most words, and are what a reader follows.
_ID = re.compile(r"(?:id|method|\w*Ids?)\Z")
_PLAIN_ID = re.compile(r"[\w/.:-]{1,128}\Z")

_TOKEN = re.compile(
    r'"(?P<text>(?:[^"\\]+|\\.)*)(?P<end>"|\\?\Z)(?P<colon>\s*:)?|[{}\[\]]|[^\s"{}\[\],:]+', re.DOTALL
)
_SCALAR = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\Z|true\Z|false\Z|null\Z")
# The last word of what was cut off, which may be the beginning of a secret and is not recognized as one.
_LAST_WORD = re.compile(r"[\w+/=.~-]+")
# The shortest secret that is a word of letters has 11.
_SHORT = 10


def redacted_message(line: str, *, is_cut: bool = False) -> str:
    """A line of the wire without what looks like a secret.

    Args:
        line: One message, or whatever else stood there.
        is_cut: It is the beginning of a longer one.
    """
    if is_cut:
        line = _without_last_word(line)
    without = _Message(line, is_cut).redacted() if line.startswith("{") else None
    return redacted(line) if without is None else without


class _Message:
    def __init__(self, line: str, is_cut: bool) -> None:
        self._line = line
        self._is_cut = is_cut
        self._hidden = {"params"} if _LOGIN.search(line) else set()
        if any(map(is_credential, _NAMED.findall(line))):
            self._hidden.add("value")

    def redacted(self) -> str | None:
        """The message without secrets; None if it is no JSON."""
        parts: list[str] = []
        at = 0
        # Of each object or array: the member that it is the value of, and whether that is hidden.
        around: list[tuple[str, bool]] = []
        name, is_hidden = "", False
        previous = ""
        for token in _TOKEN.finditer(self._line):
            found = token[0]
            if found in ("{", "["):
                around.append((name, is_hidden))
                previous = ""
                continue
            if token["colon"]:
                name = _decoded(token["text"])
                # A type is one of a few words, which tell a reader what it is that he does not see.
                of, all_hidden = around[-1] if around else ("", False)
                is_hidden = name != "type" and (all_hidden or self._is_hidden(name, of))
                continue
            if found in ("}", "]"):
                if around:
                    around.pop()
            elif token["end"] is not None:
                text = token["text"]
                without = GONE if is_hidden or is_option(previous) else _value(name, text)
                if without != text:
                    parts += self._line[at : token.start("text")], without
                    at = token.end("text")
                previous = text
            elif not _SCALAR.match(found):
                if not (self._is_cut and token.end() == len(self._line)):
                    return None
            elif is_hidden and found[0] in "-0123456789" and (self._hidden or _NUMBER.search(name)):
                parts += self._line[at : token.start()], f'"{GONE}"'
                at = token.end()
            name, is_hidden = around[-1] if around else ("", False)
        return "".join((*parts, self._line[at:]))

    def _is_hidden(self, name: str, of: str) -> bool:
        """Whether a member of this name is, in the value of one that is called `of`."""
        return name in self._hidden or is_credential(f"{of}.{name}" if of.endswith("query_params") else name)


def _without_last_word(line: str) -> str:
    # Backwards: forwards it would be tried from each character of each long word, which takes seconds.
    word = _LAST_WORD.match(line[::-1])
    return line if word is None else line[: len(line) - word.end()]


def _decoded(text: str) -> str:
    if "\\" not in text:
        return text
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:  # cut off within an escape
        return text


# The same few ids are in most lines.
@lru_cache(maxsize=512)
def _is_id(value: str) -> bool:
    # Words of 40 characters are taken for secrets, so less of it is looked at.
    return _PLAIN_ID.match(value) is not None and redacted(value[:39]) == value[:39]


def _value(name: str, text: str) -> str:
    value = _decoded(text)
    if len(value) <= _SHORT and value.isalpha():
        return text
    if _ID.match(name) and _is_id(value):
        return text
    without = redacted(value)
    if without == value:
        return text
    return json.dumps(without, ensure_ascii=False)[1:-1]
