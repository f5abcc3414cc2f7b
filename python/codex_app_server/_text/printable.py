"""Text of another program, made fit for terminals and logs.

Owns what is taken out: the escape sequences that colour, move the cursor, set a title or write to the
clipboard, and control characters, which can hide or overwrite what stands beside them. Lines and tabs stay.
Called wherever an error quotes what the runtime wrote to its stderr.
"""

from __future__ import annotations

import re

_NOT_PRINTABLE = re.compile(
    # Operating system commands and other strings, up to their terminator or the end of the line.
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    # Control sequences, also one that was cut off.
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    # Other escapes: an optional intermediate and one final character.
    r"|\x1b[ -/]*[0-~]?"
    # Everything else that controls something, but for lines and tabs.
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def printable(text: str) -> str:
    """`text` without escape sequences and control characters."""
    return _NOT_PRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
