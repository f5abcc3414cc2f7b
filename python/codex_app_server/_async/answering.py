"""Hands the runtime's requests to a handler, one after the other, on the consumer's side.

Owns what becomes of a handler that raises or gives back no object: it is logged, the request is refused in
the protocol's own shape, and the next one is handled. Made by the low-level client.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from ..errors import TransportClosedError
from .waiting import HANDLERS_OWN, Background, alone, wait_ready

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
        finally:
            # However this ends, nobody answers any more, and the runtime must not wait for it.
            requests.close()

    async def _answer(self, request: ServerRequest) -> None:
        try:
            given = await alone(self._handler, request.method, json.loads(request.params))
            if not isinstance(given, dict):
                raise TypeError(f"the handler gave back {type(given).__name__}, not a dict")
            request.answer(json.dumps(given, allow_nan=False, ensure_ascii=False).encode())
        except HANDLERS_OWN:
            logger.exception("The handler of %s failed, so it was refused", request.method)
            request.refuse()
        except BaseException:
            request.refuse()
            raise

    async def aclose(self) -> None:
        """Wait until the handler is not at work any more; the connection has ended."""
        await self._background.stop()
