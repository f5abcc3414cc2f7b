# Made from _async/namespace.py by `python scripts/make_sync.py`; do not edit.

"""`Namespace`: what every class of the generated calls is.

Owns the one way in which a generated call reaches the runtime. The classes themselves are in `rpc`.
"""

from __future__ import annotations

from typing import TypeVar

from .._incoming.bound import Bound
from .._outgoing.requests import Request
from .runtime import Runtime

T = TypeVar("T")


class Namespace(Bound):
    """Some calls of one client."""

    __slots__ = ("_runtime",)

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    _in_place_of_a_copy = "Ask the client for its `rpc` where it is needed."

    def _standing(self) -> str:
        return f"of a client {self._runtime.standing()}"

    def _request(self, request: Request[T], timeout_s: float | None) -> T:
        return self._runtime.request(request, timeout_s)
