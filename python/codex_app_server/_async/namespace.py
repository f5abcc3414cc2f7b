"""`AsyncNamespace`: what every class of the generated calls is.

Owns the one way in which a generated call reaches the runtime. The classes themselves are in `rpc`.
"""

from __future__ import annotations

from typing import TypeVar

from .._incoming.bound import Bound
from .._outgoing.requests import Request
from .runtime import AsyncRuntime

T = TypeVar("T")


class AsyncNamespace(Bound):
    """Some calls of one client."""

    __slots__ = ("_runtime",)

    def __init__(self, runtime: AsyncRuntime) -> None:
        self._runtime = runtime

    _in_place_of_a_copy = "Ask the client for its `rpc` where it is needed."

    def _standing(self) -> str:
        return f"of a client {self._runtime.standing()}"

    async def _request(self, request: Request[T], timeout_s: float | None) -> T:
        return await self._runtime.request(request, timeout_s)
