"""The program's handlers of requests in this shell: functions, and coroutine functions of a loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .._arguments import gives_coroutine
from .._concurrency import forks
from .._serving.handlers import ANSWERER, Done, Handler, Role, by_program, is_over
from ..requests import ServerRequest
from ..requests._base import handling
from .waiting import wait_ready

# How long the end of a connection waits for handlers.
_MOMENT_S = 1.0
# For how long a handler may go on whose request was answered, but not by it as far as is known: a thread of
# an executor, which knows nothing of the call that it works for, may have done that.
_GRACE_S = 5.0


class Handlers:
    """The handlers of one client, and the loop in which those of them run that are coroutine functions.

    That is the loop in which the client was used first, for as long as it runs; then the next one.
    """

    # Whether what a function gives back may be awaited.
    awaits = True

    def __init__(self) -> None:
        # Around the loop and what is on its way there.
        self._lock = forks.reentrant_lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        # On the way to the loop. What it has not begun when it ends goes to the next one.
        self._posted: list[Callable[[], None]] = []
        # A loop holds its tasks weakly.
        self.tasks: set[asyncio.Task[Any]] = set()
        with suppress(RuntimeError):  # made before there is a loop
            self.bind()

    def of(self, function: Any) -> Handler | None:
        """The handler that a function is; None for None.

        Raises:
            InvalidInputTypeError: It cannot be called.
        """
        return None if function is None else self.made(function, ANSWERER)

    def made(self, function: Any, role: Role) -> Handler:
        """A function in this role.

        Raises:
            InvalidInputTypeError: It cannot be called.
        """
        return _LoopHandler(self, function, role)

    def bind(self) -> bool:
        """The client is used from the loop that runs now; says if it was not before."""
        if self._loop is not None and self._loop.is_running():
            return False
        running = asyncio.get_running_loop()
        with self._lock:
            self._loop = running
            for begin in self._posted:
                running.call_soon(self._begin, begin)
        return True

    def post(self, begin: Callable[[], None]) -> None:
        """Have `begin` called in the loop.

        Raises:
            RuntimeError: There is none.
        """
        with self._lock:
            if self._loop is None:
                raise RuntimeError(
                    "A coroutine function cannot be called: the client was not started in a loop."
                )
            self._loop.call_soon_threadsafe(self._begin, begin)
            self._posted.append(begin)

    def _begin(self, begin: Callable[[], None]) -> None:
        with self._lock:
            if begin not in self._posted:
                return  # begun in another loop
            self._posted.remove(begin)
        begin()

    def note_closing(self) -> None:
        """The client is being closed from here: a handler that does that is not cancelled for it."""
        call = _inside()
        if call is not None:
            call.closes = True

    async def stop(self) -> None:
        """Wait for a moment until those are over that run in this loop; the connection has ended."""
        call = _inside()
        own = (asyncio.current_task(), None if call is None else call.task)
        running = asyncio.get_running_loop()
        # Of a copy: another loop's may end meanwhile.
        others = [task for task in list(self.tasks) if task not in own and task.get_loop() is running]
        if others:
            await asyncio.wait(others, timeout=_MOMENT_S)


class _LoopHandler(Handler):
    """A handler that may be a coroutine function."""

    def __init__(self, handlers: Handlers, function: Any, role: Role) -> None:
        super().__init__(function, role)
        self._handlers = handlers
        self._is_coroutine = gives_coroutine(function)

    def begin(self, request: ServerRequest, done: Done) -> None:
        if self._is_coroutine:
            self._await(self.function, request, done)
            return

        def judged(call: object, given: Any, error: BaseException | None) -> None:
            if not inspect.isawaitable(given):
                done(call, given, error)
                return
            try:
                self._await(lambda _: given, request, done, call)
            except RuntimeError as no_loop:
                if inspect.iscoroutine(given):
                    given.close()
                done(call, None, no_loop)

        super().begin(request, judged)

    def _await(self, function: Any, request: ServerRequest, done: Done, call: object = None) -> None:
        tasks = self._handlers.tasks
        self._handlers.post(lambda: _Call(tasks, function, request, done, call).begin())


class _Name:
    """What names a call, for the code that runs in it and in the request that it has answered.

    The call itself would be kept by them, and keep its request, until the collector comes up.
    """

    def __init__(self, call: _Call) -> None:
        self.call: _Call | None = call


def _inside() -> _Call | None:
    """The call that this code runs in, if it does."""
    name = handling.get(None)
    return name.call if isinstance(name, _Name) else None


class _Call:
    """One call of a coroutine function, in its loop; cancelled when nobody waits for its answer any more."""

    def __init__(
        self,
        tasks: set[asyncio.Task[Any]],
        function: Any,
        request: ServerRequest,
        done: Done,
        began_in: object,
    ) -> None:
        self._tasks = tasks
        # The call of the function that has given back what is awaited.
        self._began_in = began_in
        self._grace: asyncio.TimerHandle | None = None
        self._function = function
        self._request = request
        self._done = done
        self._watch: asyncio.Task[bool] | None = None
        self._is_cancelled = False
        # While it runs.
        self.task: asyncio.Task[Any] | None = None
        self._name = _Name(self)
        # Its handler has closed the client.
        self.closes = False

    def begin(self) -> None:
        if self._began_in is None and self._request.settled:  # on its way to the loop
            self._done(self._name, None, None)
            return
        token = handling.set(self._name)  # the task that is made now sees it
        task = self.task = asyncio.ensure_future(_awaited(self._function, self._request))
        handling.reset(token)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._over)
        # After its first step. Most need no second one, and so no watch.
        asyncio.get_running_loop().call_soon(self._begin_watch)

    def _begin_watch(self) -> None:
        if self.task is not None:
            self._watch = asyncio.ensure_future(_settled(self._request))
            self._watch.add_done_callback(self._settled)

    def _settled(self, watch: asyncio.Task[bool]) -> None:
        is_closing = self._request.settlement == "closed" and self.closes
        if watch.cancelled() or is_closing or not self._is_for_nothing():
            return  # one that goes on after its own answer does so undisturbed
        if by_program(self._request) and not self._request._overdue:
            self._grace = asyncio.get_running_loop().call_later(_GRACE_S, self._cancel)
        else:
            self._cancel()

    def _is_for_nothing(self) -> bool:
        by_function = self._began_in is not None and not is_over(self._request, self._began_in)
        return is_over(self._request, self._name) and not by_function

    def _cancel(self) -> None:
        if self.task is not None and self._is_for_nothing():
            self._is_cancelled = self.task.cancel()

    def _owner(self) -> object:
        """The call that has answered, if one of the two did."""
        return self._began_in if self._request._answered_in is self._began_in else self._name

    def _over(self, task: asyncio.Task[Any]) -> None:
        self.task = self._name.call = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._grace is not None:
            self._grace.cancel()
        if not task.cancelled():
            error = task.exception()
            self._done(self._owner(), None if error is not None else task.result(), error)
        elif self._is_cancelled:
            self._done(self._owner(), None, None)
        else:
            self._done(self._owner(), None, asyncio.CancelledError("by itself, or because its loop ends"))


async def _awaited(function: Any, request: ServerRequest) -> Any:
    return await function(request)


async def _settled(request: ServerRequest) -> bool:
    return await wait_ready(request._native)
