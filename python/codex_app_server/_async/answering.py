"""Hands the runtime's requests to a handler, one after the other, on the consumer's side.

Owns what becomes of a handler that raises or gives back no object: it is logged, the request is refused in
the protocol's own shape, and the next one is handled. Made by the low-level client.
"""

from __future__ import annotations

import json
import logging
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from .._incoming.failures import transport_closed
from .._serving.queue import RequestQueue
from .._serving.serving import Serving
from ..errors import ForkedProcessError, NoRequestHandlerError, RequestSettledError, TransportClosedError
from ..models import JsonObject
from ..requests import ServerRequest
from .waiting import HANDLERS_OWN, Background, in_own_task, wait_ready

logger = logging.getLogger("codex_app_server")

Handler = Callable[[str, JsonObject | None], JsonObject | Awaitable[JsonObject]]  # async only
# sync only: Handler = Callable[[str, JsonObject | None], JsonObject]
# The same, of the whole message.
Ask = Callable[[JsonObject], Any]


class AsyncAnswering:
    """The handler of one connection at work, until the connection ends."""

    def __init__(self, serving: Serving, ask: Ask) -> None:
        # Weakly: it has handlers, which may have the client, and this is at work for as long as that lives.
        self._serving = weakref.ref(serving, self._orphaned)
        self._ask = ask
        queue = self._queue = RequestQueue(name="approval_handler", is_last=True)
        self._background = Background(self._work, queue)
        serving.pull(queue)

    def _orphaned(self, _serving: weakref.ref[Serving]) -> None:
        with suppress(ForkedProcessError):
            self._queue.end(transport_closed("closed_by_client", None, None, "", ""))

    @property
    def is_over(self) -> bool:
        """Whether nobody is asked any more: the connection has ended, or the loop of this."""
        return self._queue.is_over or self._background.is_over

    async def _work(self, queue: RequestQueue) -> None:
        try:
            while not queue.closed:
                await wait_ready(queue)
                request = queue.take()
                if request is not None:
                    await self._answer(request)
        except TransportClosedError:
            return
        finally:
            # However this ends, nobody answers any more, and the runtime must not wait for it.
            self.drop()

    async def _answer(self, request: ServerRequest) -> None:
        try:
            native = request._native
            params = json.loads(native.params)
            given = await in_own_task(
                self._ask, {"id": native.number, "method": request.method, "params": params}
            )
            if not isinstance(given, dict):
                raise TypeError(f"the handler gave back {type(given).__name__}, not a dict")
            with suppress(RequestSettledError):
                request._write(given, "answer")
        except NoRequestHandlerError as error:
            logger.warning("%s", error)
            self._refuse(request)
        except HANDLERS_OWN:
            logger.exception("The handler of %s failed, so it was refused", request.method)
            self._refuse(request)
        except BaseException:
            self._refuse(request)
            raise

    def _refuse(self, request: ServerRequest) -> None:
        with suppress(RequestSettledError):
            request.refuse()

    def drop(self) -> None:
        """Ask nobody any more. What was not answered is refused."""
        serving = self._serving()
        if serving is None:
            self._queue.close()
        else:
            serving.drop(self._queue)

    async def aclose(self) -> None:
        """Wait until the handler is not at work any more; the connection has ended."""
        await self._background.stop()
