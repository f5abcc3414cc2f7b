# Made from _async/namespace.py by `python scripts/make_sync.py`; do not edit.

"""`Namespace`: what every class of the generated calls is.

Owns the one way in which a generated call reaches the runtime. The classes themselves are in `rpc`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from .._requests import Request
    from .runtime import Runtime

T = TypeVar("T")


class Namespace:
    """Some calls of one client."""

    __slots__ = ("_client",)

    def __init__(self, client: Runtime) -> None:
        self._client = client

    def _request(self, request: Request[T], timeout_s: float | None) -> T:
        return self._client.request(request, timeout_s)
