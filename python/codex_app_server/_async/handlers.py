"""The program's handlers of requests in this shell: functions, and coroutine functions of a loop."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .._serving.handlers import Done, Handler, is_over
from .waiting import wait_ready

if TYPE_CHECKING:
    from ..requests import ServerRequest

# How long the end of a connection waits for handlers.
_MOMENT_S = 1.0

# The call of a handler that this code runs in.
_inside: ContextVar[_Call] = ContextVar("_inside")


def note_closing() -> None:
    """The client is being closed from here: a handler that does that is not cancelled for it."""
    call = _inside.get(None)
    if call is not None:
        call.closes = True


async def stop(handlers: list[Handler]) -> None:
    """Wait for a moment until handlers are over; the connection has ended."""
    inside = _inside.get(None)
    own = (asyncio.current_task(), None if inside is None else inside.task)
    running = asyncio.get_running_loop()
    tasks = [task for handler in handlers if isinstance(handler, LoopHandler) for task in handler.tasks]
    others = [task for task in tasks if task not in own and task.get_loop() is running]
    if others:
        await asyncio.wait(others, timeout=_MOMENT_S)


def handler_of(function: Any) -> Handler | None:
    """The handler that a function is; None for None.

    Raises:
        InvalidInputTypeError: It cannot be called.
    """
    return None if function is None else LoopHandler(function)


class LoopHandler(Handler):
    """A handler that may be a coroutine function. That runs in the loop in which it was first bound."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._loop: asyncio.AbstractEventLoop | None = None
        # A loop holds its tasks weakly.
        self.tasks: set[asyncio.Task[Any]] = set()
        self._is_coroutine = _gives_coroutine(function)
        with suppress(RuntimeError):  # made before there is a loop
            self.bind()

    def bind(self) -> None:
        """Coroutines run in the loop that runs now, unless theirs still does."""
        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.get_running_loop()

    def begin(self, request: ServerRequest, done: Done) -> None:
        if self._is_coroutine:
            self._await(self.function, request, done)
            return

        def judged(given: Any, error: BaseException | None) -> None:
            if not inspect.isawaitable(given):
                done(given, error)
                return
            try:
                self._await(lambda _: given, request, done)
            except RuntimeError as closed:
                if inspect.iscoroutine(given):
                    given.close()
                done(None, closed)

        super().begin(request, judged)

    def _await(self, function: Any, request: ServerRequest, done: Done) -> None:
        if self._loop is None:
            raise RuntimeError("A coroutine function cannot be called: the client was not started in a loop.")

        self._loop.call_soon_threadsafe(_Call, self.tasks, function, request, done)


def _gives_coroutine(function: Any) -> bool:
    while hasattr(function, "func"):  # a partial
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object with an `async def __call__`
    )


class _Call:
    """One call of a coroutine function, in its loop; cancelled when nobody waits for its answer any more."""

    def __init__(
        self, tasks: set[asyncio.Task[Any]], function: Any, request: ServerRequest, done: Done
    ) -> None:
        self._request = request
        self._done = done
        self._watch: asyncio.Task[bool] | None = None
        self._is_cancelled = False
        # Its handler has closed the client.
        self.closes = False
        token = _inside.set(self)  # the task that is made now sees it
        self.task: asyncio.Task[Any] = asyncio.ensure_future(_awaited(function, request))
        _inside.reset(token)
        tasks.add(self.task)
        self.task.add_done_callback(tasks.discard)
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
        if not watch.cancelled() and is_over(self._request) and not is_closing:
            self._is_cancelled = self.task.cancel()

    def _over(self, task: asyncio.Task[Any]) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if not task.cancelled():
            error = task.exception()
            self._done(None if error is not None else task.result(), error)
        elif self._is_cancelled:
            self._done(None, None)
        else:
            self._done(None, asyncio.CancelledError("by itself, or because its loop ends"))


async def _awaited(function: Any, request: ServerRequest) -> Any:
    return await function(request)


async def _settled(request: ServerRequest) -> bool:
    return await wait_ready(request._native)
