# Made from _async/pulling.py by `python scripts/make_sync.py`; do not edit.

"""`Requests`: the runtime's requests, pulled one by one. Made by the clients."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Generic, TypeVar, cast

from .._arguments import text
from .._incoming.bound import Bound
from .._logs import wire
from .._serving import workers
from .._serving.queue import RequestQueue
from .._serving.serving import Serving
from ..errors import ClientClosedError, ForkedProcessError, InvalidInputTypeError
from ..requests import ServerRequest
from .runtime import Runtime
from .waiting import wait_ready

RequestT = TypeVar("RequestT", bound=ServerRequest)


class Requests(Bound, Generic[RequestT]):
    """What the runtime asks, one request after the other. Each goes to one taker.

    Made by `Codex.requests()`. It serves from its construction to its close:
    what it has taken and not answered by then is refused, unless it was deferred. The iteration ends when
    it or the client is closed; `TransportClosedError` is raised when the runtime ends by itself. What is
    settled before it is taken is passed over.

    Example:
        >>> def answer(codex):
        ...     with codex.requests(CommandApproval) as requests:
        ...         for request in requests:
        ...             print(request.command)
        ...             request.decline()
    """

    def __init__(
        self, runtime: Runtime, kinds: tuple[type[ServerRequest], ...], thread_id: str | None
    ) -> None:
        for kind in kinds:
            if not (isinstance(kind, type) and issubclass(kind, ServerRequest)):
                raise InvalidInputTypeError(f"requests() takes classes of requests, not {kind!r}.")
        if thread_id is not None:
            text("thread_id", thread_id)
        self._runtime = runtime
        self._queue = RequestQueue(kinds, thread_id)
        runtime.serving.pull(self._queue)

    _in_place_of_a_copy = "Share it: each request goes to one taker."

    def _standing(self) -> str:
        kinds = " ".join(kind.__name__ for kind in self._queue.kinds) or "all"
        of = "" if self._queue.thread_id is None else f" thread_id={self._queue.thread_id!r}"
        return f"{kinds}{of} {'closed' if self._queue.closed else 'open'}, client {self._runtime.standing()}"

    def __iter__(self) -> Requests[RequestT]:
        return self

    def __next__(self) -> RequestT:
        try:
            if not self._queue.closed:
                self._runtime.start()
            while not self._queue.closed:
                wire.check()
                request = self._queue.take()
                if request is not None:
                    return cast("RequestT", request)
                wait_ready(self._queue)
        except ClientClosedError:
            pass
        raise StopIteration

    def close(self) -> None:
        """Serve no more, and refuse what was not answered. Idempotent."""
        self._runtime.serving.drop(self._queue)

    def __enter__(self) -> Requests[RequestT]:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        queue = getattr(self, "_queue", None)
        if queue is not None and not queue.closed:
            queue.closed = True
            # Not here: the collector comes up anywhere, within a lock of ours or of somebody's log.
            with suppress(RuntimeError):  # the interpreter ends, and with it the connection
                workers.run(partial(_drop, self._runtime.serving, queue))


def _drop(serving: Serving, queue: RequestQueue) -> None:
    with suppress(ForkedProcessError):
        serving.drop(queue)
