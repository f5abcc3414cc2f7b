"""One client's answering of the runtime's requests: who is asked, and which requests are open.

A request goes to the first of these that is there: the handler of its thread, those of the threads that it
descends from (the model can start sub-agents), the client's, a queue that wants it. With none of them it is
refused. One thread per client takes the requests in the order of the wire and hands them out; it never runs
the program's code. There is none before somebody serves.

While a thread is being started, resumed or forked with a handler, its requests may come before the handler
is known by the thread's id. What comes meanwhile, and would go to somebody else, waits for that.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .. import _forks
from ..errors import (
    InvalidInputError,
    InvalidInputTypeError,
    NoRequestHandlerError,
    RequestHandlerError,
    RequestNotFoundError,
    RequestSettledError,
    TransportClosedError,
)
from ..requests import CommandApproval, ToolCall
from ..requests._automatic import AutomaticRequest
from ..requests._kinds import load, typed
from .handlers import expire, judge
from .lanes import Lanes

if TYPE_CHECKING:
    from .. import _native
    from ..requests import ServerRequest
    from .handlers import Handler
    from .queue import RequestQueue

logger = logging.getLogger("codex_app_server")

# Handlers at work for one conversation, if the program says nothing.
MOST_AT_ONCE = 16
# Faults of handlers that are kept for whoever waits for their turns.
_FAULTS = 1024
# Settled requests are swept out when twice as many are held as were open the last time, and not before this.
_SWEEP_AT = 64


class Opening:
    """A thread that is being started, resumed or forked, with the handler that it is to have."""

    def __init__(self, serving: Serving, handler: Handler | None, thread_id: str | None, asks: bool) -> None:
        self._serving = serving
        self._asks = asks
        self.handler = handler
        # Known before the answer if it is resumed.
        self.thread_id = thread_id

    def concerns(self, thread_ids: tuple[str, ...], has_handler: bool) -> bool:
        """Whether a request of a thread that descends from the others may be for its handler."""
        return not has_handler if self.thread_id is None else self.thread_id in thread_ids

    def opened(self, thread_id: str, asks: bool | None) -> None:
        """The thread is there."""
        self._serving.adopt(thread_id, self.handler, True if asks is None and self._asks else asks)

    def __enter__(self) -> Opening:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._serving.settle_opening(self)


class Serving:
    """Who answers the requests of one client's runtime.

    Args:
        handler: The client's handler.
        limit: How many handlers of one conversation are at work at once; tools are counted by themselves.
    """

    def __init__(self, handler: Handler | None = None, limit: int = MOST_AT_ONCE) -> None:
        if isinstance(limit, bool) or not isinstance(limit, int):
            raise InvalidInputTypeError(
                f"max_concurrent_requests must be an int, not {type(limit).__name__}."
            )
        if limit < 1:
            raise InvalidInputError(f"max_concurrent_requests must be at least 1, not {limit}.")
        # Around the registrations and the open requests. Nothing is called with it held that waits.
        self._lock = _forks.reentrant_lock()
        self._lanes = Lanes(limit)
        self._client_handler = handler
        self._handlers: dict[str, Handler] = {}
        self._asking: set[str] = set()
        self._queues: list[RequestQueue] = []
        self._openings: list[Opening] = []
        # With the openings that each waits for.
        self._parked: list[tuple[ServerRequest, list[Opening]]] = []
        self._open: dict[str, ServerRequest] = {}
        self._sweep_at = _SWEEP_AT
        self._faults: deque[RequestHandlerError] = deque(maxlen=_FAULTS)
        self._native: _native.Connection | None = None
        self._serves = False
        self._ended: TransportClosedError | None = None

    # --- the connection

    def attach(self, native: _native.Connection) -> None:
        """A runtime was started: the one whose requests are answered from now on."""
        with self._lock:
            self._native = native
            self._serves = False
            self._ended = None
            self._open.clear()
            wanted = self._client_handler is not None or bool(self._queues)
        for handler in self.handlers:
            handler.bind()
        if wanted:
            self._serve()

    def _serve(self) -> None:
        """Begin to take requests, unless that was done, or no runtime is there yet."""
        with self._lock:
            native = self._native
            if native is None or self._serves or native.closed:
                return
            self._serves = True
            requests = native.serve()
        load()
        threading.Thread(
            target=_take_all, args=(requests, native, weakref.ref(self)), name="codex-requests", daemon=True
        ).start()

    def ended(self, native: _native.Connection | None, error: TransportClosedError) -> None:
        """A connection has ended, and with it whatever is open; unless there is another one by now."""
        with self._lock:
            if self._native is not native:
                return
            self._ended = error
            queues = list(self._queues)
            self._open.clear()
        for queue in queues:
            queue.end(error)

    # --- who answers

    def opening(
        self, handler: Handler | None, *, resumes: str | None = None, forks: str | None = None
    ) -> Opening:
        """A thread is about to be started, or resumed, or forked from one whose handler is the fork's too."""
        if handler is None and forks is not None:
            handler = self._handlers.get(forks)
        opening = Opening(self, handler, resumes, forks in self._asking)
        if handler is not None:
            with self._lock:
                self._openings.append(opening)
            self._serve()
        return opening

    def adopt(self, thread_id: str, handler: Handler | None, asks: bool | None) -> None:
        """A thread has this handler from now on, if that is given, and asks or does not, if that is."""
        with self._lock:
            if handler is not None:
                self._handlers[thread_id] = handler
            self.note_asking(thread_id, asks)

    def settle_opening(self, opening: Opening) -> None:
        """What has waited for this thread is handed out, unless it waits for another one."""
        if opening.handler is None:
            return
        with self._lock:
            if opening in self._openings:
                self._openings.remove(opening)
            due = []
            for request, openings in self._parked:
                if opening in openings:
                    openings.remove(opening)
                if not openings:
                    due.append(request)
            self._parked = [(request, openings) for request, openings in self._parked if openings]
        for request in due:
            self._hand_out(request)

    def pull(self, queue: RequestQueue) -> None:
        """A queue serves from now on."""
        with self._lock:
            self._queues.append(queue)
            ended = self._ended
        if ended is not None:
            queue.end(ended)
        self._serve()

    def drop(self, queue: RequestQueue) -> None:
        """A queue serves no more; what it has not answered is refused."""
        with self._lock:
            if queue in self._queues:
                self._queues.remove(queue)
        queue.close()

    def forget(self, thread_id: str) -> None:
        """A thread is gone."""
        with self._lock:
            self._handlers.pop(thread_id, None)
            self._asking.discard(thread_id)

    def note_asking(self, thread_id: str, asks: bool | None) -> None:
        """From now on a thread asks this program, or does not; None leaves it as it is."""
        if asks is not None:
            (self._asking.add if asks else self._asking.discard)(thread_id)

    def require(self, thread_id: str, asks: bool | None) -> None:
        """A turn is about to start.

        Raises:
            NoRequestHandlerError: It would ask, and nobody would answer.
        """
        with self._lock:
            for handler in (self._handlers.get(thread_id), self._client_handler):
                if handler is not None:
                    handler.bind()
            is_asking = thread_id in self._asking if asks is None else asks
        if not is_asking:
            return
        with self._lock:
            served = thread_id in self._handlers or self._client_handler is not None
            served = served or any(queue.wants(CommandApproval, (thread_id,)) for queue in self._queues)
        if not served:
            raise NoRequestHandlerError(
                f"Thread {thread_id} is to ask (ApprovalMode.ask), and nobody answers. Give on_request= to "
                "the client or to thread_start(), or open codex.requests() before the turn starts.",
                thread_id=thread_id,
            )

    @property
    def handlers(self) -> list[Handler]:
        """All handlers that there are."""
        with self._lock:
            own = [] if self._client_handler is None else [self._client_handler]
            return list(dict.fromkeys([*own, *self._handlers.values()]))

    # --- requests

    def ask(self, native: _native.ServerRequest) -> None:
        """The runtime asks something."""
        request = typed(native)
        with self._lock:
            self._sweep()
            self._open[request.token] = request
            line, has_handler = _line(request), self._handler_of(request) is not None
            openings = [each for each in self._openings if each.concerns(line, has_handler)]
            if openings:
                self._parked.append((request, openings))
                return
        self._hand_out(request)

    def _sweep(self) -> None:
        if len(self._open) >= self._sweep_at:
            self._open = {token: each for token, each in self._open.items() if not each.settled}
            self._sweep_at = max(_SWEEP_AT, 2 * len(self._open))

    def _handler_of(self, request: ServerRequest) -> Handler | None:
        """The handler of the request's thread, or of one that it descends from."""
        found = (self._handlers.get(thread_id) for thread_id in _line(request))
        return next((handler for handler in found if handler is not None), None)

    def _hand_out(self, request: ServerRequest) -> None:
        while not request.settled:
            with self._lock:
                handler = self._handler_of(request) or self._client_handler
                wants = (queue for queue in self._queues if queue.wants(type(request), _line(request)))
                queue = None if handler is not None else next(wants, None)
            if handler is not None:
                self._begin(handler, request)
                return
            if queue is None:
                logger.warning("refused the runtime's %s: no handler answers it", request.method)
                with suppress(RequestSettledError):
                    request.refuse()
                return
            request._server = queue.name
            # Closed in this very moment, it does not take it.
            if queue.put(request):
                return
            self.drop(queue)

    def _begin(self, handler: Handler, request: ServerRequest) -> None:
        request._server = f"handler {handler.name}"
        line = _line(request)
        # A sub-agent belongs to the conversation at whose root it stands.
        name = None if isinstance(request, AutomaticRequest) else (isinstance(request, ToolCall), line[-1:])

        def done(given: Any, error: BaseException | None) -> None:
            try:
                self._judge(request, handler, given, error)
            finally:
                if name is not None:
                    self._lanes.leave(name)

        def start() -> bool:
            if request.settled:
                return False
            if isinstance(request, AutomaticRequest):
                late = threading.Timer(request.deadline_s, expire, (request, handler.name, self._faults))
                late.daemon = True
                late.start()
            try:
                handler.begin(request, done)
            except Exception as error:
                self._judge(request, handler, None, error)
                return False
            return True

        if name is None:
            start()
        else:
            self._lanes.enter(name, start)

    def _judge(
        self, request: ServerRequest, handler: Handler, given: Any, error: BaseException | None
    ) -> None:
        judge(request, handler.name, given, error, self._faults)

    def pending(self, token: str) -> ServerRequest:
        """The open request with this token.

        Raises:
            RequestNotFoundError: There is none.
        """
        with self._lock:
            request = self._open.get(token)
        if request is None or request.settled:
            raise RequestNotFoundError(
                "No request that waits for an answer has this token: it is settled, or of another connection."
            )
        return request

    def all_pending(self) -> list[ServerRequest]:
        """The open requests, the oldest first."""
        with self._lock:
            return [request for request in self._open.values() if not request.settled]

    def faults_of(self, thread_id: str, turn_id: str | None) -> tuple[RequestHandlerError, ...]:
        """What handlers have done wrong in a turn, its sub-agents included; in all of a thread's for None."""
        if not self._faults:
            return ()
        found = []
        for fault in list(self._faults):
            ours = thread_id in (fault.thread_id, *fault.ancestors)
            if turn_id in (fault.turn_id, fault.root_turn_id) or (turn_id is None and ours):
                found.append(fault)
        return tuple(found)


def _line(request: ServerRequest) -> tuple[str, ...]:
    """The request's thread and those that it descends from."""
    own = () if request.thread_id is None else (request.thread_id,)
    return (*own, *request.ancestors)


def _take_all(
    requests: _native.ServerRequests, connection: _native.Connection, serving_of: weakref.ref[Serving]
) -> None:
    """The thread of one client: take its requests until the connection ends."""
    try:
        while True:
            requests.wait()
            native = requests.take()
            serving = serving_of()
            if serving is None:
                return
            if native is not None:
                try:
                    serving.ask(native)
                except Exception:
                    # Dropped, it is refused.
                    logger.exception("The request %s could not be handed out", native.method)
            # What waits must not keep the client alive that nobody else does.
            del serving, native
    except TransportClosedError as error:
        serving = serving_of()
        if serving is not None:
            serving.ended(connection, error)
    finally:
        requests.close()
