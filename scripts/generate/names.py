"""Turns the schema's names into Python's.

Owns spelling only: class, field and enum member names follow the conventions of the code generator
behind the official SDK, because programs carry those names.
"""

from __future__ import annotations

import keyword
import re

_WORD = re.compile(r"[A-Za-z0-9]+")
_LOWER_UPPER = re.compile(r"([a-z0-9])([A-Z])")
_ACRONYM = re.compile(r"([A-Z]+)([A-Z][a-z])")


def class_name(text: str) -> str:
    """``thread/realtime/start`` to ``ThreadRealtimeStart``, ``input_text`` to ``InputText``."""
    return "".join(word[0].upper() + word[1:] for word in _WORD.findall(text.replace("_", " ")))


def field_name(wire: str) -> str:
    """``threadId`` to ``thread_id``, ``_meta`` to ``field_meta``, ``async`` to ``async_``."""
    name = re.sub(r"\W", "_", snake(wire))
    if name.startswith("_"):
        name = "field" + name
    return f"{name}_" if keyword.iskeyword(name) else name


def member_name(value: str) -> str:
    """``on-request`` to ``on_request``, ``inProgress`` to ``in_progress``, ``A`` to ``a``."""
    name = re.sub(r"\W", "_", snake(value))
    if not name[:1].isalpha():
        name = "field_" + name.lstrip("_")
    return f"{name}_" if keyword.iskeyword(name) or name == "mro" else name


def snake(text: str) -> str:
    """``inProgress`` to ``in_progress``."""
    return _LOWER_UPPER.sub(r"\1_\2", _ACRONYM.sub(r"\1_\2", text)).lower()


def singular(text: str) -> str:
    """The class of an array's items: ``indices`` to ``Indice``."""
    return class_name(text.removesuffix("s"))
