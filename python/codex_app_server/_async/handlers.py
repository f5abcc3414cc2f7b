"""The program's handlers of requests in this shell: functions, and coroutine functions of a loop."""

from __future__ import annotations

import asyncio
import inspect
import weakref
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .._serving.handlers import Done, Handler, is_over
from .waiting import wait_ready

if TYPE_CHECKING:
    from ..requests import ServerRequest

# How long the end of a connection waits for handlers.
_MOMENT_S = 1.0

# The task that waits for the handler that runs.
_attending: ContextVar[asyncio.Task[Any] | None] = ContextVar("_attending")
# Those whose handlers have closed their client.
_closers: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()


def note_closing() -> None:
    """The client is being closed from here: a handler that does that is not cancelled for it."""
    attending = _attending.get(None)
    if attending is not None:
        _closers.add(attending)


async def stop(handlers: list[Handler]) -> None:
    """Wait for a moment until handlers are over; the connection has ended."""
    own = (asyncio.current_task(), _attending.get(None))
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
        self.tasks: set[asyncio.Task[None]] = set()
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

        def begin() -> None:
            task = loop.create_task(_attend(function, request, done))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

        loop = self._loop
        loop.call_soon_threadsafe(begin)


def _gives_coroutine(function: Any) -> bool:
    while hasattr(function, "func"):  # a partial
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object with an `async def __call__`
    )


async def _attend(function: Any, request: ServerRequest, done: Done) -> None:
    """Await a handler until it is over. It is cancelled when nobody waits for its answer any more."""
    attending = asyncio.current_task()
    _attending.set(attending)  # the task that is made now sees it
    work: asyncio.Task[Any] = asyncio.ensure_future(_call(function, request))
    settled = asyncio.ensure_future(_settled(request))
    is_cancelled = False
    try:
        await asyncio.wait({work, settled}, return_when=asyncio.FIRST_COMPLETED)
        # One that goes on after its own answer does so undisturbed.
        if is_over(request) and not (request.settlement == "closed" and attending in _closers):
            is_cancelled = work.cancel()
        await asyncio.wait({work})
    except asyncio.CancelledError:  # the loop ends
        work.cancel()
        raise
    finally:
        settled.cancel()
        done(*_outcome(work, is_cancelled))


def _outcome(work: asyncio.Task[Any], is_cancelled: bool) -> tuple[Any, BaseException | None]:
    if not work.done():
        return None, asyncio.CancelledError("its event loop ends")
    if work.cancelled():
        return None, None if is_cancelled else RuntimeError("the handler has cancelled itself")
    error = work.exception()
    return (None if error is not None else work.result()), error


async def _call(function: Any, request: ServerRequest) -> Any:
    return await function(request)


async def _settled(request: ServerRequest) -> None:
    await wait_ready(request._native)
