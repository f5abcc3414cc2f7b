"""One client's answering of the runtime's requests: takes them, and hands them to who is asked.

One thread per client takes the requests in the order of the wire and hands them out; it never runs the
program's code. There is none before somebody serves. Owns the open requests, and those that wait for a
thread that is being opened: `roster` says who is asked, `limits` when, `handlers` what comes of it.
"""

from __future__ import annotations

import functools
import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Set
from contextlib import suppress
from typing import Any

from .. import _native
from .._arguments import positive, text
from .._concurrency import forks
from ..errors import (
    NoRequestHandlerError,
    RequestNotFoundError,
    RequestSettledError,
    TransportClosedError,
)
from ..requests import ServerRequest, ToolCall
from ..requests._automatic import AutomaticRequest
from ..requests._kinds import load, typed
from . import alarms, workers
from .faults import Faults
from .handlers import Handler, by_program, expire, judge
from .limits import Limits
from .queue import RequestQueue
from .roster import Opening, Roster, lineage

logger = logging.getLogger("codex_app_server")

# Handlers at work for one conversation, if the program says nothing.
MOST_AT_ONCE = 16


class Serving:
    """Who answers the requests of one client's runtime.

    Args:
        handler: The client's handler.
        limit: How many handlers of one conversation are at work at once; tools are counted by themselves.
    """

    def __init__(self, handler: Handler | None = None, limit: int = MOST_AT_ONCE) -> None:
        # Around the roster and the open requests. Nothing is called with it held that waits.
        self._lock = forks.reentrant_lock()
        self._roster = Roster(handler)
        if handler is not None:
            load()
        self._limits = Limits(positive("max_concurrent_requests", limit))
        self.faults = Faults()
        # With the openings that each waits for.
        self._parked: list[tuple[ServerRequest, list[Opening]]] = []
        # To be handed out in this order, by one thread at a time.
        self._due: deque[ServerRequest] = deque()
        self._hands_out = False
        self._open: dict[str, ServerRequest] = {}
        self._sweep_at = 1
        self._native: _native.Connection | None = None
        # While somebody serves.
        self._requests: _native.ServerRequests | None = None
        self._ended: TransportClosedError | None = None

    # --- the connection

    def attach(self, native: _native.Connection) -> None:
        """A runtime was started: the one whose requests are answered from now on."""
        with self._lock:
            self._native = native
            self._requests = None
            self._ended = None
            self._open.clear()
            is_wanted = self._roster.serves
        if is_wanted:
            self._serve()

    def _serve(self) -> None:
        """Begin to take requests, unless that was done, or no runtime is there yet.

        What a Ctrl-C interrupts here is as if it had not begun.
        """
        with self._lock:
            native = self._native
            if native is None or self._requests is not None or native.closed:
                return
            requests = native.serve()
            try:
                threading.Thread(
                    target=_take_all,
                    args=(requests, native, weakref.ref(self)),
                    name="codex-requests",
                    daemon=True,
                ).start()
                self._requests = requests
            except BaseException:
                requests.close()
                raise

    def ended(self, native: _native.Connection | None, error: TransportClosedError) -> None:
        """A connection has ended, and with it whatever is open; unless there is another one by now."""
        with self._lock:
            if self._native is not native:
                return
            self._ended = error
            queues = list(self._roster.queues)
            self._open.clear()
            self._parked.clear()
            self._due.clear()
        for queue in queues:
            queue.end(error)

    # --- who answers

    def use_tools(self, tools: Mapping[str, Handler]) -> None:
        """These answer for the client's threads. Called before there is a runtime."""
        if tools:
            load()
        self._roster.client_tools = tools

    def opening(
        self,
        handler: Handler | None,
        tools: Mapping[str, Handler],
        *,
        resumes: str | None = None,
        forks: str | None = None,
    ) -> Opening:
        """A thread is to be started, or resumed, or forked: with the handler and tools of the original."""
        with self._lock:
            if forks is not None:
                handler = self._roster.of_thread(forks) if handler is None else handler
                tools = {**self._roster.tools_of(forks), **tools}
            asks = forks is not None and self._roster.is_asking(forks)
        return Opening(handler, resumes, asks, tools)

    def tools_of(self, thread_id: str) -> Set[str]:
        """The names of the tools that a thread was given here."""
        with self._lock:
            return {*self._roster.tools_of(thread_id)}

    def begin_opening(self, opening: Opening) -> None:
        """The request for it goes out now. In whatever way that ends, `opened` or `end_opening` is called."""
        if opening.serves:
            load()
            with self._lock:
                self._roster.openings.append(opening)
            self._serve()

    def opened(self, opening: Opening, thread_id: str, asks: bool | None) -> None:
        """The thread is there."""
        asks = True if asks is None and opening.asks else asks
        with self._lock:
            # First, because one that was closed before it is resumed must not be taken for closed after that.
            self.forget_closed(self._requests)
            # Nobody would tell when it is gone, and nobody has to know of it.
            if self._requests is not None or opening.serves or asks is not None:
                self._roster.adopt(thread_id, opening.handler, asks, opening.tools)
        self.end_opening(opening)

    def end_opening(self, opening: Opening) -> None:
        """What has waited for this thread is handed out, unless it waits for another one. Idempotent."""
        if not opening.serves:
            return
        with self._lock:
            if opening in self._roster.openings:
                self._roster.openings.remove(opening)
            parked, self._parked = self._parked, []
            for request, openings in parked:
                left = [each for each in openings if each in self._roster.openings]
                if left and not self._roster.is_known(request):
                    self._parked.append((request, left))
                else:
                    self._due.append(request)
            is_due = bool(self._due)
        if is_due:
            # Elsewhere: a Ctrl-C here must not lose what is due.
            workers.run(self._hand_out_due)

    def pull(self, queue: RequestQueue) -> None:
        """A queue serves from now on."""
        load()
        with self._lock:
            self._roster.queues.append(queue)
            # What is last stays there: the sort is stable.
            self._roster.queues.sort(key=lambda each: each.is_last)
            ended = self._ended
        if ended is not None:
            queue.end(ended)
        self._serve()

    def drop(self, queue: RequestQueue) -> None:
        """A queue serves no more; what it has not answered is refused."""
        with self._lock:
            if queue in self._roster.queues:
                self._roster.queues.remove(queue)
        queue.close()

    def forget_closed(self, requests: _native.ServerRequests | None) -> None:
        """Threads that are gone have no handler any more."""
        with self._lock:
            for thread_id in () if requests is None else requests.take_closed():
                self._roster.forget(thread_id)

    def note_asking(self, thread_id: str, asks: bool | None) -> None:
        """From now on a thread asks this program, or does not; None leaves it as it is."""
        with self._lock:
            self._roster.note_asking(thread_id, asks)

    def require(self, thread_id: str, asks: bool | None) -> None:
        """A turn is about to start.

        Raises:
            NoRequestHandlerError: It would ask, and nobody would answer.
        """
        with self._lock:
            is_asking = self._roster.is_asking(thread_id) if asks is None else asks
            if not is_asking or self._roster.is_served(thread_id):
                return
        raise NoRequestHandlerError(
            f"Thread {thread_id} is to ask (ApprovalMode.ask), and nobody answers. Give on_request= to the "
            "client or to thread_start(), or open codex.requests() before the turn starts.",
            thread_id=thread_id,
        )

    # --- requests

    def ask(self, native: _native.ServerRequest) -> None:
        """The runtime asks something."""
        try:
            request = typed(native)
            with self._lock:
                self._sweep()
                self._open[request.token] = request
                request._let_go = functools.partial(self._open.pop, request.token, None)
                openings = self._roster.awaited(request)
                if openings:
                    self._parked.append((request, openings))
                    return
                self._due.append(request)
            self._hand_out_due()
        except Exception:
            logger.exception("The request %s could not be handed out, so it is refused", native.method)
            native.refuse()

    def _sweep(self) -> None:
        if len(self._open) >= self._sweep_at:
            # Of a copy: what is answered is let go of at any moment.
            for token, request in list(self._open.items()):
                if request.settled:
                    self._open.pop(token, None)
            self._sweep_at = max(1, 2 * len(self._open))

    def _hand_out_due(self) -> None:
        """Hand out what is due, in its order: by one thread at a time."""
        while True:
            with self._lock:
                if self._hands_out or not self._due:
                    return
                self._hands_out = True
                request = self._due.popleft()
            try:
                self._hand_out(request)
            except Exception:
                logger.exception("The request %s could not be handed out, so it is refused", request.method)
                request._native.refuse()
            finally:
                with self._lock:
                    self._hands_out = False

    def _hand_out(self, request: ServerRequest) -> None:
        while not request.settled:
            with self._lock:
                handler = self._roster.handler_of(request)
                queue = None if handler is not None else self._roster.queue_of(request)
            if handler is not None:
                self._begin(handler, request)
                return
            if queue is None:
                what = f"call of the tool {request.tool}" if isinstance(request, ToolCall) else request.method
                logger.warning("refused the runtime's %s: no handler answers it", what)
                with suppress(RequestSettledError):
                    request.refuse()
                return
            request._server = queue.name
            # Closed in this very moment, it does not take it.
            if queue.put(request):
                return
            self.drop(queue)

    def _begin(self, handler: Handler, request: ServerRequest) -> None:
        request._server = handler.name
        # A sub-agent belongs to the conversation at whose root it stands.
        counted = (isinstance(request, ToolCall), lineage(request)[-1:])
        if isinstance(request, AutomaticRequest):
            _Call(handler, request, self.faults, None, None).start()
        else:
            self._limits.enter(counted, _Call(handler, request, self.faults, self._limits, counted))

    def pending(self, token: str) -> ServerRequest:
        """The open request with this token.

        Raises:
            InvalidInputTypeError: It is no text.
            RequestNotFoundError: There is none.
        """
        request = self._open.get(text("token", token))
        if request is None or request.settled:
            raise RequestNotFoundError(
                "No request that waits for an answer has this token: it is settled, or of another connection."
            )
        return request

    def all_pending(self) -> list[ServerRequest]:
        """The open requests, the oldest first."""
        with self._lock:
            return [request for request in list(self._open.values()) if not request.settled]


def _elsewhere(expire_it: Callable[[], None]) -> None:
    """On a thread of its own: to log it may take long, and others are due. Here, if none is to be had."""
    try:
        workers.run(expire_it)
    except RuntimeError:
        expire_it()


class _Call:
    """One call of a handler, from its turn on until it is over."""

    def __init__(
        self,
        handler: Handler,
        request: ServerRequest,
        faults: Faults,
        limits: Limits | None,
        counted: Hashable,
    ) -> None:
        self._handler = handler
        self._request = request
        self._faults = faults
        self._limits = limits
        self._counted = counted
        self._alarm: alarms.Alarm | None = None

    def start(self) -> bool:
        """Begin it; False if the request is settled by now, or it cannot begin, for which it is refused."""
        request = self._request
        if request.settled:
            return False
        deadline_s = self._handler.role.deadline_s(request)
        try:
            if deadline_s is not None:
                expire_it = functools.partial(expire, request, self._handler, deadline_s, self._faults)
                self._alarm = alarms.after(deadline_s, functools.partial(_elsewhere, expire_it))
            self._handler.begin(request, self._done)
        except Exception as error:
            self._set_at_rest()
            judge(request, self._handler, None, None, error, self._faults)
            return False
        return True

    def _set_at_rest(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()

    def is_pointless(self) -> bool:
        """Whether something else than the handler has settled the request: its time is over, or its turn."""
        request = self._request
        return request.settled and (request._overdue or not by_program(request))

    def wait_settled(self) -> None:
        """Wait until something has settled the request."""
        self._request.wait_settled()

    def _done(self, call: object, given: Any, error: BaseException | None) -> None:
        try:
            # A handler that is done with a request has not answered it yet if that is deferred.
            if not self._request.deferred:
                self._set_at_rest()
            judge(self._request, self._handler, call, given, error, self._faults)
        finally:
            if self._limits is not None:
                self._limits.leave(self._counted, self)


def _take_all(
    requests: _native.ServerRequests, connection: _native.Connection, serving_of: weakref.ref[Serving]
) -> None:
    """The thread of one client: take its requests until the connection ends."""
    try:
        while True:
            requests.wait()
            serving = serving_of()
            if serving is None:
                return
            # First, because what was closed before a request came is over for it.
            serving.forget_closed(requests)
            native = requests.take()
            if native is not None:
                serving.ask(native)
            # What waits must not keep the client alive that nobody else does.
            del serving, native
    except RuntimeError:
        return  # closed before this had begun
    except TransportClosedError as error:
        serving = serving_of()
        if serving is not None:
            serving.ended(connection, error)
    finally:
        requests.close()
