"""Names of a module that are imported when they are first asked for.

Owns the two hooks for that. Used by `models`, `types` and the package itself: names of theirs are generated
models, and a program should pay for those that it uses only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from types import ModuleType
from typing import Any

_PACKAGE = __name__.partition(".")[0]

# What is no generated model.
_ELSEWHERE = {
    "AppServerClient": ".client",
    "AsyncCodexClient": ".async_client",
    "AsyncAppServerClient": ".async_client",
    "AsyncRpc": "._async.rpc",
    "CodexClient": ".client",
    "InitializeResponse": "._incoming.metadata",
    "Rpc": "._sync.rpc",
    "ServerInfo": "._incoming.metadata",
    "Tool": ".tools",
    "ToolContext": ".tools",
    "ToolError": ".tools",
    "UnknownValue": ".generated._base",
    "UnknownVariant": ".generated._base",
    "tool": ".tools",
}

# Modules of the package. The official package imports all but the last three, so programs take them from it
# without an import of their own.
SUBMODULES = frozenset(
    {
        *("api", "async_client", "client", "errors", "generated", "models", "retry", "types"),
        *("_approval_mode", "_goal", "_initialize_metadata", "_inputs", "_login", "_run", "_sandbox"),
        *("requests", "testing", "tools"),
    }
)


def hooks(
    namespace: dict[str, Any],
    official: Collection[str] = (),
    submodules: Collection[str] = (),
    unlisted: Collection[str] = (),
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for the module of `namespace`, for what its `__all__` names beyond it.

    Args:
        namespace: The module's.
        official: Names that are private, and found in `_official_names`.
        submodules: Modules of this one, which are imported when they are asked for.
        unlisted: Further names that its `__all__` leaves out.
    """

    def find(name: str) -> Any:
        if name in submodules:
            return import_module(f"{namespace['__name__']}.{name}")
        if not any(name in names for names in (namespace["__all__"], official, unlisted)):
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        home = "._official_names" if name in official else _ELSEWHERE.get(name, ".generated.v2_all")
        source = import_module(home, _PACKAGE)
        # The official low-level clients call models of params so.
        found = namespace[name] = getattr(source, name.removeprefix("V2"))
        return found

    def names() -> list[str]:
        imported = {name for name, value in namespace.items() if _is_of_elsewhere(name, value)}
        return sorted({*namespace, *namespace["__all__"], *submodules, *unlisted} - imported)

    def _is_of_elsewhere(name: str, value: Any) -> bool:
        if name in ("TYPE_CHECKING", "annotations"):
            return True
        return isinstance(value, ModuleType) and value.__name__ != f"{namespace['__name__']}.{name}"

    return find, names
