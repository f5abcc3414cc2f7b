"""Writes ``literals.py``: the texts of each enum that a program sends, as literal types.

Owns which enums those are and the text of that module. Annotations of hand-written calls name these aliases,
and the checks of arguments read the texts from them, so that neither lists a value by hand.
"""

from __future__ import annotations

import json
import re

from .protocol import Protocol
from .python import HEADER, exports, formatted
from .schema import Bundle
from .shapes import Enumeration, Module, Root

_HEAD = '''
"""The texts that stand for the enums which a program sends.

Each alias is named after its enum, or after the union that has texts beside other values. For annotations,
and for `typing.get_args`; importing this module imports no model.
"""

from typing import Literal, TypeAlias

'''

# Those of enums that the protocol has not: they stand for settings of several requests.
_OF_THE_PACKAGE = {
    "ApprovalMode": ["deny_all", "auto_review", "ask"],
    # The presets, and the texts of the protocol's modes, which are taken in their place.
    "Sandbox": ["read-only", "workspace-write", "full-access", "danger-full-access"],
}


def module(path: str, bundle: Bundle, protocol: Protocol, classes: Module) -> str:
    """Returns the source of ``literals.py``."""
    sent = bundle.closure(["ClientRequest", *(request.response for request in protocol.server_requests)])
    found = {name: texts for name in sent if (texts := _texts(name, classes))} | _OF_THE_PACKAGE
    rows = [
        f"{name}Literal: TypeAlias = Literal[{', '.join(json.dumps(text) for text in texts)}]\n"
        for name, texts in sorted(found.items())
    ]
    return formatted(
        HEADER + _HEAD + exports(f"{name}Literal" for name in sorted(found)) + "\n" + "".join(rows), path
    )


def _texts(name: str, classes: Module) -> list[str]:
    """The texts of an enum, or of those alternatives of a union that are enums or literals."""
    item = classes.classes.get(name)
    if isinstance(item, Enumeration):
        return [value for _, value, _ in item.members]
    if not isinstance(item, Root) or re.search(r"\bstr\b", item.type.text):
        # Where any text is taken, a list of them would say too little.
        return []
    enums = [
        text for part in sorted(item.type.refs) if part == f"{name}Value" for text in _texts(part, classes)
    ]
    literals: list[str] = re.findall(r'Literal\["([^"]*)"\]', item.type.text)
    return [*enums, *literals]
