"""Names of a module that are imported when they are first asked for.

Owns the two hooks for that. Used by `models`, `types` and the package itself: names of theirs are generated
models, and a program should pay for those that it uses only.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

# What is no generated model.
_ELSEWHERE = {
    "AppServerClient": ".client",
    "AsyncAppServerClient": ".async_client",
    "InitializeResponse": "._metadata",
    "ServerInfo": "._metadata",
    "UnknownValue": ".generated._base",
    "UnknownVariant": ".generated._base",
}


def hooks(namespace: dict[str, Any]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for the module of `namespace`, for what its `__all__` names beyond it."""

    def find(name: str) -> Any:
        if name not in namespace["__all__"]:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        source = import_module(_ELSEWHERE.get(name, ".generated.v2_all"), __package__)
        found = namespace[name] = getattr(source, name)
        return found

    def names() -> list[str]:
        return sorted({*namespace, *namespace["__all__"]})

    return find, names
