"""Hands the runtime's requests to a handler, one after the other, on the consumer's side.

Owns what becomes of a handler that raises or gives back no object: it is logged, the request is refused in
the protocol's own shape, and the next one is handled. Made by the low-level client.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from .._serving.queue import RequestQueue
from ..errors import RequestSettledError, TransportClosedError
from .waiting import HANDLERS_OWN, Background, alone, wait_ready

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..models import JsonObject
    from ..requests import ServerRequest

    Handler = Callable[[str, JsonObject | None], JsonObject | Awaitable[JsonObject]]  # async only
    # sync only: Handler = Callable[[str, JsonObject | None], JsonObject]
    from .._serving.serving import Serving

logger = logging.getLogger("codex_app_server")


class AsyncAnswering:
    """The handler of one connection at work, until the connection ends."""

    def __init__(self, serving: Serving, handler: Handler) -> None:
        self._serving = serving
        self._handler = handler
        queue = RequestQueue(name="approval_handler")
        serving.pull(queue)
        self._background = Background(self._work, queue)

    async def _work(self, queue: RequestQueue) -> None:
        try:
            while True:
                await wait_ready(queue)
                request = queue.take()
                if request is not None:
                    await self._answer(request)
        except TransportClosedError:
            return
        finally:
            # However this ends, nobody answers any more, and the runtime must not wait for it.
            self._serving.drop(queue)

    async def _answer(self, request: ServerRequest) -> None:
        try:
            given = await alone(self._handler, request.method, json.loads(request._native.params))
            if not isinstance(given, dict):
                raise TypeError(f"the handler gave back {type(given).__name__}, not a dict")
            with suppress(RequestSettledError):
                request._write(given, "answer")
        except HANDLERS_OWN:
            logger.exception("The handler of %s failed, so it was refused", request.method)
            self._refuse(request)
        except BaseException:
            self._refuse(request)
            raise

    def _refuse(self, request: ServerRequest) -> None:
        with suppress(RequestSettledError):
            request.refuse()

    async def aclose(self) -> None:
        """Wait until the handler is not at work any more; the connection has ended."""
        await self._background.stop()
