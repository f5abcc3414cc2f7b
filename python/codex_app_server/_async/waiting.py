"""How the asyncio shell waits: one native waker per event loop, one native future per wait.

Owns everything that knows of asyncio. `_sync/waiting.py` offers the same names for threads; the rest of
the two shells is one text. A wait uses no thread, and costs nothing until it is woken.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol, TypeVar

from .._concurrency import forks
from .._native import LoopWaker, Wait

__all__ = [
    "HANDLERS_OWN",
    "Background",
    "Lock",
    "Pace",
    "Waitable",
    "entering",
    "in_own_task",
    "in_thread",
    "is_in_loop",
    "now",
    "pause",
    "rest",
    "sleep",
    "wait_ready",
]

ArgT = TypeVar("ArgT")

# The task that waits for the one that is running, if it runs `in_own_task`.
_behind: ContextVar[asyncio.Task[Any] | None] = ContextVar("_behind")

# What a handler raises that ends that handler only. An interrupt or exit in a task ends the loop.
HANDLERS_OWN: type[BaseException] = Exception
# How long the end of a connection waits for a handler of the program.
_MOMENT_S = 1.0

now = time.monotonic
sleep = asyncio.sleep


class Lock:
    """A lock for the tasks of any event loop, first come first served.

    asyncio's own belongs to one loop: a release would wake another loop's task from the wrong thread.
    """

    def __init__(self) -> None:
        self._held = forks.lock()
        # A list, for nearly always nobody waits: an empty deque takes 600 bytes, and a turn has two locks.
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[bool], int]] = []
        # Takes the lock if it is free, and says so. Mostly it is: a method would be one more frame, and a
        # coroutine two, for each batch of events.
        self.take: Callable[[], bool] = partial(self._held.acquire, False)

    async def wait(self, timeout: float | None = None) -> bool:
        """Take the lock once it is free (True), unless `timeout` seconds pass before (False)."""
        loop = asyncio.get_running_loop()
        place = loop, loop.create_future(), forks.generation
        self._waiting.append(place)
        # It may have been released just before that. Had it been handed over, it would not be free.
        if self.take():
            self._waiting.remove(place)
            return True
        timer = None if timeout is None else loop.call_later(timeout, _settle, place[1], False)
        try:
            is_taken = await place[1]
        except BaseException:
            if not self._leave(place):
                # It was handed over in the moment of the cancellation.
                self.release()
            raise
        finally:
            if timer is not None:
                timer.cancel()
        # Or in the moment in which the time was over.
        return is_taken or not self._leave(place)

    def _leave(self, place: tuple[asyncio.AbstractEventLoop, asyncio.Future[bool], int]) -> bool:
        """Whether this place was in the line still; it is not any more."""
        try:
            self._waiting.remove(place)
        except ValueError:
            return False
        return True

    def release(self) -> None:
        """Hand the lock over to whoever has waited longest, or free it."""
        while True:
            try:
                loop, future, generation = self._waiting.pop(0)
            except IndexError:
                self._held.release()
                # Somebody may have begun to wait just before that, and has seen it taken.
                if not (self._waiting and self.take()):
                    return
            else:
                if generation != forks.generation:
                    continue  # a task of the process that this is a fork of
                with suppress(RuntimeError):  # a loop that was closed with its waiter
                    loop.call_soon_threadsafe(_settle, future, True)
                    return

    async def __aenter__(self) -> None:
        if not self.take():
            await self.wait()

    async def __aexit__(self, *exc: object) -> None:
        self.release()


def _settle(future: asyncio.Future[bool], value: bool) -> None:
    if not future.done():
        future.set_result(value)


async def in_thread(work: Callable[[], object], timeout: float | None) -> bool:
    """Do something that takes long while the loop goes on; False if it is not done after `timeout` seconds.

    In a thread of its own, because those of the loop may all be busy with what waits for this.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bool] = loop.create_future()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # for whoever waits
            failures.append(error)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_settle, done, True)

    # No daemon: it would be stopped in the midst of an import when the program ends.
    thread = threading.Thread(target=run, name="codex-import")
    try:
        thread.start()
    except RuntimeError:  # the process may have no more threads
        run()
    finished, _ = await asyncio.wait([done], timeout=timeout)
    if failures:
        raise failures[0]
    return bool(finished)


def entering(lock: Lock) -> Lock:
    """The lock, to be entered. No task can be in the midst of another."""
    return lock


class Background:
    """Work that goes on beside the program, in a task of the loop that it was begun in."""

    def __init__(self, work: Callable[[ArgT], Coroutine[Any, Any, None]], argument: ArgT) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(work(argument))

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or its loop does not run."""
        return self._task.done() or not self._loop.is_running()

    async def stop(self) -> None:
        """Cancel what is still at work, and wait for its end, for a moment and where that is possible."""
        if self._task in (asyncio.current_task(), _behind.get(None)):
            return  # asked from inside the work, which ends by itself
        if self._loop is not asyncio.get_running_loop():
            with suppress(RuntimeError):  # that loop is closed, and so is the task over
                self._loop.call_soon_threadsafe(self._task.cancel)
        else:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_MOMENT_S)


def is_in_loop() -> bool:
    """Whether this code runs in a loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def in_own_task(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a call of the program's gives, awaited in a task of its own if need be.

    So a cancellation from inside ends that call and not the task that waits for it; it is raised as a
    `RuntimeError`.
    """
    given = call(*arguments)
    if not inspect.isawaitable(given):
        return given
    _behind.set(asyncio.current_task())  # the task that is made now sees it
    task = asyncio.ensure_future(given)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        raise
    if task.cancelled():
        raise RuntimeError("the call has cancelled itself")
    return task.result()


class Waitable(Protocol):
    """What the native side can be waited for: calls, subscriptions, connections."""

    def ready(self, waker: LoopWaker) -> Wait: ...


def wait_ready(waitable: Waitable, timeout: float | None = None) -> Awaitable[bool]:
    """Wait until `waitable` is ready (True) or `timeout` seconds have passed (False)."""
    return _waiter().wait(waitable, timeout)


async def pause() -> None:
    """Let the loop's other tasks run."""
    await asyncio.sleep(0)
    _waiter().waker.note_turn()


class Pace:
    """How a consumer with events always at hand lets other tasks run.

    Such a consumer never suspends by itself, so no timeout, no cancellation and no other task would get
    in; nor would they between many short streams, one after the other. So it is the loop that has a clock. A
    look at it for each event would cost as much as handing the event over; it is looked at once per
    batch, and a consumer that takes its time gets smaller batches.
    """

    __slots__ = ("_begun", "batch")

    _BREATH_S = 0.001
    # Five objects an event: more would be above the number at which CPython looks for garbage, which then
    # takes a sixth of the time of a hot stream.
    _MOST = 128

    def __init__(self) -> None:
        # As much as a slow consumer, at 30 us an event, takes in a breath.
        self.batch = 32
        self._begun = False

    def is_due(self) -> bool:
        """Called before each batch: sets its size, and says whether to pause, as that was long ago."""
        waker = _waiter().waker
        due = waker.since_turn() >= self._BREATH_S
        if due:
            waker.note_turn()
        if self._begun:
            self.batch = max(1, self.batch // 8) if due else min(self._MOST, self.batch * 2)
        self._begun = True
        return due


class _LoopWaiter:
    """The waits of one event loop. Only that loop's thread touches it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = weakref.ref(loop)
        self.waker = LoopWaker(loop)
        self._pump: _Pump | None = None
        try:
            loop.add_reader(self.waker.fileno(), self.waker.wake)
        except NotImplementedError:
            self._pump = _Pump(self.waker)

    def wait(self, waitable: Waitable, timeout: float | None) -> Awaitable[bool]:
        wait = waitable.ready(self.waker)
        if timeout is None and self._pump is None:
            return wait
        return self._wait(wait, timeout)

    async def _wait(self, wait: Wait, timeout: float | None) -> bool:
        timer = None
        if timeout is not None:
            timer = asyncio.get_running_loop().call_later(timeout, wait.expire)
        if self._pump is not None:
            self._pump.start()
        try:
            return await wait
        finally:
            if timer is not None:
                timer.cancel()
            if self._pump is not None and self.waker.idle:
                self._pump.stop()

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go of the descriptors. The waker's own is closed with the last reference to it."""
        if self._pump is not None:
            self._pump.close()
        elif not loop.is_closed():
            loop.remove_reader(self.waker.fileno())


class _Pump:
    """Watches a waker on loops without add_reader (Windows' Proactor), by a task that reads its socket.

    The task lives while somebody waits. Cancelling all tasks of a loop is common; when that hits
    the pump but leaves waits behind, the pump starts again.
    """

    def __init__(self, waker: LoopWaker) -> None:
        self._socket = socket.fromfd(waker.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._waker = waker
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._wanted = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(self._ended)

    def stop(self) -> None:
        self._wanted = False
        if self._task is not None:
            self._task.cancel()

    def close(self) -> None:
        self._socket.close()

    def __del__(self) -> None:
        # Of a loop that nobody has closed the waiter for: it goes with the loop.
        self._socket.close()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # First, because a read that was cancelled may have taken the byte with it. And not here: a task
            # cannot run in the midst of another.
            loop.call_soon(self._wake, loop)
            await loop.sock_recv(self._socket, 4096)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._waker.wake()
        finally:
            # The byte that says so is read already.
            if self._waker.pending:
                loop.call_soon(self._wake, loop)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled():
            task.exception()  # seen; the next start reads again
        if self._wanted:
            self.start()


_waiters: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopWaiter] = weakref.WeakKeyDictionary()
_waiters_lock = threading.Lock()


def _nothing() -> None:
    pass


# The waiter that was asked for last: a look into the dictionary takes five times as long.
_latest: Callable[[], _LoopWaiter | None] = _nothing


def _forget() -> None:
    """In a forked child: the lock may be held for ever, and the loops are the parent's."""
    global _waiters_lock, _latest  # noqa: PLW0603
    _waiters_lock = threading.Lock()
    _waiters.clear()
    _latest = _nothing


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _waiter() -> _LoopWaiter:
    global _latest  # noqa: PLW0603
    loop = asyncio.get_running_loop()
    waiter = _latest()
    if waiter is None or waiter.loop() is not loop:
        waiter = _waiters.get(loop) or _new_waiter(loop)
        _latest = weakref.ref(waiter)
    return waiter


def _new_waiter(loop: asyncio.AbstractEventLoop) -> _LoopWaiter:
    with _waiters_lock:
        # A closed loop may live on in somebody's variable or in a cycle; its descriptor need not.
        for other in [known for known in _waiters if known.is_closed()]:
            _waiters.pop(other).close(other)
        waiter = _waiters[loop] = _LoopWaiter(loop)
    return waiter


def rest() -> None:
    """Free the running loop's descriptors if nothing waits now; the next wait makes new ones.

    Called when a connection has ended, so that a program which has closed its clients holds nothing.
    """
    global _latest  # noqa: PLW0603
    loop = asyncio.get_running_loop()
    with _waiters_lock:
        waiter = _waiters.get(loop)
        if waiter is not None and waiter.waker.idle:
            _latest = _nothing
            _waiters.pop(loop).close(loop)
