"""Hands the runtime's requests to a handler, one after the other, on the consumer's side.

Owns what becomes of a handler that raises or gives back no object: it is logged, the request is refused in
the protocol's own shape, and the next one is handled. Made by the low-level client.
"""

from __future__ import annotations

import inspect  # async only
import json
import logging
from typing import TYPE_CHECKING, Any

from ..errors import TransportClosedError
from .waiting import Background, wait_ready

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .._native import ServerRequest, ServerRequests
    from ..models import JsonObject

    Handler = Callable[[str, JsonObject | None], JsonObject | Awaitable[JsonObject]]  # async only
    # sync only: Handler = Callable[[str, JsonObject | None], JsonObject]
    from .connection import AsyncConnection

logger = logging.getLogger("codex_app_server")


class AsyncAnswering:
    """The handler of one connection at work, until the connection ends."""

    def __init__(self, connection: AsyncConnection, handler: Handler) -> None:
        self._connection = connection
        self._handler = handler
        self._background = Background(self._serve, connection.native.serve())

    async def _serve(self, requests: ServerRequests) -> None:
        try:
            while True:
                await wait_ready(requests)
                request = requests.take()
                if request is not None:
                    await self._answer(request)
        except TransportClosedError:
            return

    async def _answer(self, request: ServerRequest) -> None:
        try:
            params = json.loads(request.params)
            given: Any = self._handler(request.method, params)
            if inspect.isawaitable(given):  # async only
                given = await given  # async only
            if not isinstance(given, dict):
                raise TypeError(f"the handler gave back {type(given).__name__}, not a dict")
            request.answer(json.dumps(given).encode())
        except Exception:
            logger.exception("The handler of %s failed, so it was refused", request.method)
            request.refuse()

    async def aclose(self) -> None:
        """Wait until the handler is not at work any more; the connection has ended."""
        await self._background.stop()
