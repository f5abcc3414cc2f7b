"""What annotations name and no import of this package should pay for, or could without a circle.

Each is imported when something of it is first asked for, which is when somebody evaluates an annotation
(`typing.get_type_hints`, Pydantic, a framework). So every annotation can be evaluated, and importing the
package costs no more for it. The models of the protocol are in `types`, which loads in the same way. Owns no
name that a program should import from here.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime
    import pathlib

    import pydantic
    import typing_extensions

    from .._async.client import AsyncCodex
    from .._async.codex_client import AsyncCodexClient
    from .._async.rpc import AsyncRpc
    from .._async.thread import AsyncThread
    from .._incoming.result import TurnResult
    from .._official_names import RuntimeProcess
    from .._output_types.output_type import OutputType
    from .._sync.answering import Answering
    from .._sync.client import Codex
    from .._sync.codex_client import CodexClient
    from .._sync.rpc import Rpc
    from .._sync.thread import Thread
    from ..generated.v2_all import Thread as StoredThread
    from ..tools import Tool

__all__ = [
    "Answering",
    "AsyncCodex",
    "AsyncCodexClient",
    "AsyncRpc",
    "AsyncThread",
    "Codex",
    "CodexClient",
    "OutputType",
    "Rpc",
    "RuntimeProcess",
    "StoredThread",
    "Thread",
    "Tool",
    "TurnResult",
    "datetime",
    "pathlib",
    "pydantic",
    "typing_extensions",
]

# Names of this package, for annotations of what is imported before them.
_HOMES = {
    "Answering": "._sync.answering",
    "AsyncCodex": "._async.client",
    "AsyncCodexClient": "._async.codex_client",
    "AsyncRpc": "._async.rpc",
    "AsyncThread": "._async.thread",
    "Codex": "._sync.client",
    "CodexClient": "._sync.codex_client",
    "OutputType": "._output_types.output_type",
    "Rpc": "._sync.rpc",
    "RuntimeProcess": "._official_names",
    "StoredThread": ".generated.v2_all",
    "Thread": "._sync.thread",
    "Tool": ".tools",
    "TurnResult": "._incoming.result",
}

if not TYPE_CHECKING:  # a checker that saw this would take any name for one of this module

    class _Late(ModuleType):
        """Stands for a module that is imported for the first of its names."""

        def __getattr__(self, name: str) -> Any:
            return getattr(import_module(self.__name__), name)

    datetime = _Late("datetime")
    pathlib = _Late("pathlib")
    pydantic = _Late("pydantic")
    typing_extensions = _Late("typing_extensions")

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = import_module(_HOMES[name], __name__.partition(".")[0])
        # A stored thread is a model, which is called as the handle is.
        found = globals()[name] = getattr(home, "Thread" if name == "StoredThread" else name)
        return found
