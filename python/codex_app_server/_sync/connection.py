# Made from _async/connection.py by `python scripts/make_sync.py`; do not edit.

"""One started runtime: requests with deadlines, subscriptions, closing.

Owns the way of a request: admission, serialising, sending, the deadline, the retry of what the runtime was
too busy to take, and giving up. Whatever way a request ends, its native call is freed; one that was
already written leaves a tombstone that undoes a late effect. Never starts a runtime (`startup`) and never
decides when one is needed (`runtime`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from .. import _native
from .._concurrency import interpreter_exit
from .._concurrency.deadline import NEVER, Deadline
from .._errors.calls import OVERLOADED_CODE
from .._incoming import decoding
from .._incoming.decoding import Opened
from .._incoming.failures import quotable
from .._launch.config import CodexConfig
from .._logs import wire
from .._logs.stderr import StderrLines
from .._outgoing import requests
from .._outgoing.requests import Request, explained, serialise
from .._outgoing.requirements import require
from .._outgoing.stream_requests import StreamRequest
from ..errors import (
    ForkedProcessError,
    JsonRpcError,
    RequestTimeoutError,
    RetryLimitExceededError,
    ServerBusyError,
)
from ..retry import pauses
from .waiting import in_thread, rest, sleep, wait_ready

logger = logging.getLogger("codex_app_server")

T = TypeVar("T")
ResultT = TypeVar("ResultT")

# So many turns of the low-level client are kept for somebody who asks.
_UNCLAIMED = 4096

# "Overloaded" means that the runtime did not take the request, so sending it again is safe. These
# retries bridge a burst; a runtime that stays busy for longer is the program's to judge.
_RETRIES = 6
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_JITTER = 0.5
# How long a close waits for a program that is told the last lines of stderr.
_LAST_LINES_S = 1.0


def _refuse_late(request: Request[Any], deadline: Deadline) -> None:
    """Nothing is sent for a caller whose time is over, but what stops a turn, which harms nobody."""
    if deadline.left() <= 0 and request.method != "turn/interrupt":
        raise deadline.missed(request.method, was_sent=False)


class Connection:
    """One started runtime and the requests made to it."""

    def __init__(
        self, native: _native.Connection, config: CodexConfig, stderr_lines: StderrLines | None = None
    ) -> None:
        self.native = native
        self._stderr_lines = stderr_lines
        # What the runtime calls itself, once it is initialised.
        self.version: str | None = None
        self.request_timeout_s = config.request_timeout_s
        self.opted_out = frozenset(config.opt_out_notifications)
        # Turns that the low-level client has started and nobody has asked for yet. Threads share it without a
        # lock: a turn is taken out by one operation of the dictionary, so it goes to one of them.
        self.unclaimed: dict[str, _native.Subscription] = {}
        # How long the runtime may take to go: two graces, and then the kernel's time for a kill.
        self.close_timeout_s = 2 * config.shutdown_grace_s + 5.0
        interpreter_exit.track(self)
        if stderr_lines is not None:
            stderr_lines.keep(self)

    def request(
        self,
        request: Request[T],
        stream: _native.Subscription | None = None,
        *,
        deadline: Deadline = NEVER,
    ) -> T:
        """Send a request and return its decoded answer.

        Args:
            request: What to send.
            stream: The subscription to the stream that it begins, if it does.
            deadline: How long that may take.

        Raises:
            JsonRpcError: The runtime refused it.
            RequestTimeoutError: No answer in time. If that was over already, nothing was sent.
            RuntimeTooOldError: The runtime would drop one of its options.
            TransportClosedError: The connection ended first.
            InvalidInputError: The params hold something that JSON cannot express.
        """

        def take(call: _native.Call) -> T:
            # What it has made is undone if an exception comes before this is over. A turn that it has started
            # runs on once the answer is taken.
            return call.hand_over(request.decode(request.method, call.take()))

        def begin() -> _native.Call:
            if request.method == "turn/interrupt" and (ids := requests.turn_in(request)) is not None:
                # The runtime leaves a second one unanswered.
                return self.native.interrupt(*ids)
            return self.native.open_call(request.method, thread_id=request.turn_of, stream=stream)

        return self._exchange(request, begin, take, deadline)

    def open_thread(self, request: Request[Opened], deadline: Deadline) -> tuple[_native.Call, Opened]:
        """Send what starts, resumes or forks a thread; returns the call, which owes it, and what it is.

        If the call is lost before it has handed the thread over, what was begun is undone.
        """

        def take(call: _native.Call) -> tuple[_native.Call, Opened]:
            return call, request.decode(request.method, call.take())

        return self._exchange(request, lambda: self.native.open_call(request.method), take, deadline)

    def start_turn(self, request: Request[T], deadline: Deadline) -> tuple[_native.Subscription, T]:
        """Send turn/start; returns the subscription to the turn it answered with, and the answer.

        If the subscription is lost before it was handed over or kept, the turn is stopped.
        """
        subscription, result = self._exchange(
            request,
            lambda: self.native.open_call(request.method, thread_id=request.turn_of),
            _native.Call.take_turn,
            deadline,
        )
        return subscription, request.decode(request.method, result)

    def keep(self, subscription: _native.Subscription) -> None:
        """Keep a turn's events until somebody asks for the turn, which runs on."""
        subscription.keep()
        # A turn/start on a thread whose turn runs is answered with that turn, of which all is kept already.
        if self.unclaimed.setdefault(subscription.turn_id, subscription) is not subscription:
            subscription.close()
        if len(self.unclaimed) > _UNCLAIMED:
            # Of a copy, because another thread may change the dictionary during an iteration.
            for turn_id in list(self.unclaimed)[:-_UNCLAIMED]:
                logger.warning("The events of turn %s are let go: nobody has asked for them", turn_id)
                self.let_go(turn_id)

    def let_go(self, turn_id: str) -> None:
        """Nobody asks for this turn any more."""
        kept = self.unclaimed.pop(turn_id, None)
        if kept is not None:
            kept.close()

    def subscribe(self, thread_id: str, turn_id: str) -> _native.Subscription:
        """A turn's events: all of them, if they are kept for whoever asks first, else from now on."""
        kept = self.unclaimed.get(turn_id)
        # One of another thread stays where it is: whoever asks for it in this moment must find it.
        if kept is not None and thread_id in ("", kept.thread_id):
            # Another thread may have been faster. What is found in its stead is the same turn's: an id
            # belongs to one thread.
            kept = self.unclaimed.pop(turn_id, None)
            if kept is not None:
                return kept
        return self.native.subscribe_turn(thread_id, turn_id)

    def subscribe_stream(self, stream_request: StreamRequest[Any]) -> _native.Subscription:
        """The events of a stream that is about to begin. Left in the middle, the stream is undone."""
        return self.native.subscribe_subject(
            stream_request.subject, stream_request.name, errand=stream_request.errand
        )

    def begin(self, request: Request[Any], stream: _native.Subscription, deadline: Deadline) -> _native.Call:
        """Send a request whose answer is the end of `stream`, and do not wait for it."""
        _refuse_late(request, deadline)
        call = self.native.open_call(request.method, stream=stream, until_answer=True)
        try:
            self._send(call, request, deadline)
        except BaseException:
            call.abandon()
            raise
        finally:
            self.log_diagnostics()
        return call

    def answer(self, call: _native.Call, request: Request[T]) -> T:
        """The answer to what `begin` sent, once it is there."""
        try:
            return request.decode(request.method, call.take())
        except JsonRpcError as error:
            raise explained(error, request, self.native) from None

    def _exchange(
        self,
        request: Request[Any],
        begin: Callable[[], _native.Call],
        take: Callable[[_native.Call], ResultT],
        deadline: Deadline,
    ) -> ResultT:
        """What is taken of one answered call; begun again while the runtime is too busy for it."""
        require(request.needs, self.version)
        for pause in islice(pauses(_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _JITTER), _RETRIES):
            _refuse_late(request, deadline)
            try:
                return self._attempt(request, begin(), take, deadline)
            except ServerBusyError as error:
                # Without the time for another try, that it is busy says more than that the time is over.
                is_last = pause >= deadline.left()
                if is_last or error.code != OVERLOADED_CODE or isinstance(error, RetryLimitExceededError):
                    raise
            sleep(pause)
        _refuse_late(request, deadline)
        return self._attempt(request, begin(), take, deadline)

    def _attempt(
        self,
        request: Request[Any],
        call: _native.Call,
        take: Callable[[_native.Call], ResultT],
        deadline: Deadline,
    ) -> ResultT:
        try:
            self._send(call, request, deadline)
            if not decoding.is_ready(request.decode, request.method):
                # While the runtime is at it, and beside a loop, which would stand still for as long.
                left = deadline.left() if deadline.is_given else self.request_timeout_s
                in_thread(partial(decoding.make_ready, request.method), left)
            self._until_ready(call, request.method, deadline)
            # Nothing may come after the answer is taken: a Ctrl-C there would lose what was begun.
            self.log_diagnostics()
            return take(call)
        except BaseException as error:
            call.abandon()
            self.log_diagnostics()
            if isinstance(error, JsonRpcError):
                raise explained(error, request, self.native) from None
            raise

    def _send(self, call: _native.Call, request: Request[Any], deadline: Deadline) -> None:
        wire.check()
        # What waits for admission waits unserialised. The queue is fair.
        self._until_ready(call, request.method, deadline, was_sent=False)
        # One that goes out by itself is answered now.
        if call.admitted:
            _refuse_late(request, deadline)
            call.send(serialise(request))

    def _until_ready(
        self, call: _native.Call, method: str, deadline: Deadline, *, was_sent: bool = True
    ) -> None:
        timeout_s = self.request_timeout_s
        if timeout_s is None or call.open_ended or deadline.is_of_call:
            left = deadline.left() if deadline.is_given else None
            if not wait_ready(call, left):
                raise deadline.missed(method, was_sent=was_sent, goes_on=was_sent and call.open_ended)
            return
        # The clock runs from when the line was written, and in the queue from when others were served. So a
        # wait may end before the deadline does.
        while not wait_ready(call, min(call.remaining(timeout_s), deadline.left())):
            if deadline.left() <= 0:
                raise deadline.missed(method, was_sent=was_sent)
            if call.remaining(timeout_s) <= 0:
                raise RequestTimeoutError(method, timeout_s, was_sent=was_sent)

    def log_diagnostics(self) -> None:
        """Log what the native side has noted since the last time, and see whether its lines are wanted."""
        wire.check()
        for note in self.native.take_diagnostics():
            # It may quote the runtime.
            logger.warning("%s", quotable(note))

    def close(self, *, hurry: bool = False) -> None:
        """End the runtime and wait until it is gone, for as long as the configured graces allow.

        In a `hurry`, what runs there is no runtime, and gets next to no grace.
        """
        try:
            self.native.close(hurry=hurry)
        except ForkedProcessError:  # the runtime is the parent's to end
            return
        if not wait_ready(self.native, self.close_timeout_s):
            logger.warning("The Codex runtime (pid %s) could not be ended", self.native.pid)
        elif self._stderr_lines is not None and self._stderr_lines.is_awaited:
            wait_ready(self._stderr_lines.done, _LAST_LINES_S)
        self.log_diagnostics()
        rest()
