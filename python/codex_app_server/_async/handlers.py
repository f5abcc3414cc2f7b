"""The program's handlers of requests in this shell: functions, and coroutine functions of a loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .._serving.handlers import Done, Handler, gives_coroutine, is_over
from ..requests._base import handling
from .waiting import wait_ready

if TYPE_CHECKING:
    from ..requests import ServerRequest

# How long the end of a connection waits for handlers.
_MOMENT_S = 1.0


class Handlers:
    """The handlers of one client, and the loop in which those of them run that are coroutine functions.

    That is the loop in which the client was used first, for as long as it runs; then the next one.
    """

    def __init__(self) -> None:
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
        return None if function is None else _LoopHandler(self, function)

    def bind(self) -> None:
        """The client is used from the loop that runs now."""
        if self._loop is None or not self._loop.is_running():
            self._loop = asyncio.get_running_loop()
            for begin in list(self._posted):
                self._loop.call_soon(self._begin, begin)

    def post(self, begin: Callable[[], None]) -> None:
        """Have `begin` called in the loop.

        Raises:
            RuntimeError: There is none.
        """
        if self._loop is None:
            raise RuntimeError("A coroutine function cannot be called: the client was not started in a loop.")
        self._posted.append(begin)
        try:
            self._loop.call_soon_threadsafe(self._begin, begin)
        except RuntimeError:  # it is closed
            self._posted.remove(begin)
            raise

    def _begin(self, begin: Callable[[], None]) -> None:
        if begin in self._posted:
            self._posted.remove(begin)
            begin()

    def note_closing(self) -> None:
        """The client is being closed from here: a handler that does that is not cancelled for it."""
        call = handling.get(None)
        if isinstance(call, _Call):
            call.closes = True

    async def stop(self) -> None:
        """Wait for a moment until those are over that run in this loop; the connection has ended."""
        call = handling.get(None)
        own = (asyncio.current_task(), call.task if isinstance(call, _Call) else None)
        running = asyncio.get_running_loop()
        others = [task for task in self.tasks if task not in own and task.get_loop() is running]
        if others:
            await asyncio.wait(others, timeout=_MOMENT_S)


class _LoopHandler(Handler):
    """A handler that may be a coroutine function."""

    def __init__(self, handlers: Handlers, function: Any) -> None:
        super().__init__(function)
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
                self._await(lambda _: given, request, done)
            except RuntimeError as no_loop:
                if inspect.iscoroutine(given):
                    given.close()
                done(call, None, no_loop)

        super().begin(request, judged)

    def _await(self, function: Any, request: ServerRequest, done: Done) -> None:
        tasks = self._handlers.tasks
        self._handlers.post(lambda: _Call(tasks, function, request, done).begin())


class _Call:
    """One call of a coroutine function, in its loop; cancelled when nobody waits for its answer any more."""

    task: asyncio.Task[Any]

    def __init__(
        self, tasks: set[asyncio.Task[Any]], function: Any, request: ServerRequest, done: Done
    ) -> None:
        self._tasks = tasks
        self._function = function
        self._request = request
        self._done = done
        self._watch: asyncio.Task[bool] | None = None
        self._is_cancelled = False
        # Its handler has closed the client.
        self.closes = False

    def begin(self) -> None:
        token = handling.set(self)  # the task that is made now sees it
        self.task = asyncio.ensure_future(_awaited(self._function, self._request))
        handling.reset(token)
        self._tasks.add(self.task)
        self.task.add_done_callback(self._tasks.discard)
        self.task.add_done_callback(self._over)
        # After its first step. Most need no second one, and so no watch.
        asyncio.get_running_loop().call_soon(self._begin_watch)

    def _begin_watch(self) -> None:
        if not self.task.done():
            self._watch = asyncio.ensure_future(_settled(self._request))
            self._watch.add_done_callback(self._settled)

    def _settled(self, watch: asyncio.Task[bool]) -> None:
        # One that goes on after its own answer does so undisturbed.
        is_closing = self._request.settlement == "closed" and self.closes
        if not watch.cancelled() and is_over(self._request, self) and not is_closing:
            self._is_cancelled = self.task.cancel()

    def _over(self, task: asyncio.Task[Any]) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if not task.cancelled():
            error = task.exception()
            self._done(self, None if error is not None else task.result(), error)
        elif self._is_cancelled:
            self._done(self, None, None)
        else:
            self._done(self, None, asyncio.CancelledError("by itself, or because its loop ends"))


async def _awaited(function: Any, request: ServerRequest) -> Any:
    return await function(request)


async def _settled(request: ServerRequest) -> bool:
    return await wait_ready(request._native)
