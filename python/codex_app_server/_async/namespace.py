"""`AsyncNamespace`: what every class of the generated calls is.

Owns the one way in which a generated call reaches the runtime. The classes themselves are in `rpc`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from .._requests import Request
    from .runtime import AsyncRuntime

T = TypeVar("T")


class AsyncNamespace:
    """Some calls of one client."""

    __slots__ = ("_client",)

    def __init__(self, client: AsyncRuntime) -> None:
        self._client = client

    async def _request(self, request: Request[T], timeout_s: float | None) -> T:
        return await self._client.request(request, timeout_s)
