"""Writes ``definitions.py``: each definition of the schema as a digest, for who wants to know what changed.

Owns how a schema is read and digested, too. The two functions are written into the module as they stand
here, so that the package and the generator cannot come to compute it differently.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from typing import Any

from .python import HEADER, formatted

_HEAD = '''
"""What each definition of the runtime's schema was when the models were made from it, as a digest.

The command ``doctor`` compares a runtime's own schema with them. Nothing else imports this.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

__all__ = ["DIGESTS", "digest", "read"]


'''


def read(text: str) -> dict[str, dict[str, Any]]:
    """The definitions in the runtime's file of everything, without descriptions, which change nothing."""

    def undescribed(node: dict[str, Any]) -> dict[str, Any]:
        if isinstance(node.get("description"), str):
            del node["description"]
        return node

    definitions: dict[str, Any] = json.loads(text, object_hook=undescribed)["definitions"]
    # The newest protocol has a namespace of its own; what stands beside it is shared or of messages.
    newest: dict[str, Any] = definitions.pop("v2", {})
    return {**definitions, **newest}


def digest(definition: dict[str, Any]) -> str:
    """A short hash of a definition, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:12]


def module(path: str, text: str) -> str:
    """Returns the source of ``definitions.py`` for the schema in ``text``."""
    functions = "\n\n".join(inspect.getsource(function) for function in (read, digest))
    rows = [f'    "{name}": "{digest(each)}",' for name, each in sorted(read(text).items())]
    table = "\n".join(["DIGESTS: dict[str, str] = {", *rows, "}\n"])
    return formatted(f"{HEADER}{_HEAD}{functions}\n\n{table}", path)
