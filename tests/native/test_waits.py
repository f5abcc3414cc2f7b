"""Waiting from asyncio: a future of the native side, and the waker that runs its task."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import sys
import threading
import weakref
from collections.abc import Awaitable, Coroutine, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

from codex_app_server._async import waiting
from codex_app_server._async.feed import AsyncFeed
from codex_app_server._async.waiting import wait_ready
from codex_app_server._native import Connection, LoopWaker, Subscription, Wait
from codex_app_server.errors import ForkedProcessError
from tests.native.wire import caught_up, connected, decoder
from tests.peer import ScriptedPeer, delta, event

if TYPE_CHECKING:
    from codex_app_server._async.connection import AsyncConnection

T = TypeVar("T")


@pytest.fixture
def peer() -> Iterator[ScriptedPeer]:
    with ScriptedPeer() as peer:
        yield peer


@pytest.fixture
def connection(peer: ScriptedPeer) -> Iterator[Connection]:
    with connected(peer) as connection:
        yield connection


@pytest.fixture
def turns(connection: Connection) -> list[Subscription]:
    return [connection.subscribe_turn("t", f"u{number}") for number in range(4)]


async def begun(waits: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that waits by now."""
    task = asyncio.ensure_future(waits)
    await asyncio.sleep(0)
    assert not task.done()
    return task


async def waited(wait: Awaitable[bool]) -> bool:
    return await wait


def run_with_readers(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, on a loop with readers, which that one's is not on Windows."""
    loop = asyncio.SelectorEventLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


def test_a_task_goes_on_in_the_round_that_saw_its_event(
    peer: ScriptedPeer, turns: list[Subscription]
) -> None:
    async def main() -> list[str]:
        seen = []
        loop = asyncio.get_running_loop()

        async def follow() -> None:
            await wait_ready(turns[0])
            seen.append("event")

        task = await begun(follow())
        waker = waiting._waiters[loop].waker

        def woken() -> None:
            # What is due in the next round is behind the task.
            loop.call_soon(seen.append, "next round")
            waker.wake()
            seen.append("this round")

        loop.add_reader(waker.fileno(), woken)
        peer.send(delta("t", "u0", "."))
        await task
        await asyncio.sleep(0)
        return seen

    assert run_with_readers(main()) == ["event", "this round", "next round"]


def test_a_task_keeps_its_context(peer: ScriptedPeer, turns: list[Subscription]) -> None:
    name: ContextVar[str] = ContextVar("name")

    async def follow(called: str) -> str:
        name.set(called)
        await wait_ready(turns[int(called)])
        return name.get()

    async def main() -> list[str]:
        tasks = [await begun(follow(called)) for called in "012"]
        peer.send(*(delta("t", f"u{number}", ".") for number in (2, 0, 1)))
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == ["0", "1", "2"]


def test_a_cancelled_wait_says_why_and_loses_nothing(peer: ScriptedPeer, turns: list[Subscription]) -> None:
    said = []

    async def follow() -> None:
        try:
            await wait_ready(turns[0])
        except asyncio.CancelledError as error:
            said.append(error.args)
            raise

    async def main() -> None:
        task = await begun(follow())
        task.cancel("no longer")
        with pytest.raises(asyncio.CancelledError):
            await task
        assert said == [("no longer",)]
        assert waiting._waiters[asyncio.get_running_loop()].waker.idle
        peer.send(delta("t", "u0", "."))
        assert await wait_ready(turns[0])
        assert [one.method for one in turns[0].drain(decoder)] == ["item/agentMessage/delta"]

    asyncio.run(main())


def test_a_cancellation_and_an_event_in_the_same_round_are_both_seen(
    peer: ScriptedPeer, turns: list[Subscription]
) -> None:
    async def main() -> None:
        task = await begun(waited(wait_ready(turns[0])))
        peer.send(delta("t", "u0", "."))
        turns[0].wait(20)  # the token is on its way, and the loop has not seen it
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert turns[0].drain(decoder)

    asyncio.run(main())


def test_a_wait_has_a_time(peer: ScriptedPeer, turns: list[Subscription]) -> None:
    async def main() -> None:
        assert await wait_ready(turns[0], 0.01) is False
        assert await wait_ready(turns[0], 0) is False
        peer.send(delta("t", "u0", "."))
        assert await wait_ready(turns[0], 20) is True
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(waited(wait_ready(turns[1])), 0.01)

    asyncio.run(main())


def test_what_ends_the_loop_leaves_the_other_tasks_their_turn(
    peer: ScriptedPeer, turns: list[Subscription]
) -> None:
    loop = asyncio.new_event_loop()

    async def interrupted() -> None:
        await wait_ready(turns[0])
        raise KeyboardInterrupt

    async def begin() -> list[asyncio.Task[Any]]:
        return [await begun(waits) for waits in (interrupted(), *map(waited, map(wait_ready, turns[1:])))]

    first, *others = loop.run_until_complete(begin())
    peer.send(*(delta("t", f"u{number}", ".") for number in range(4)))
    for turn in turns:
        assert turn.wait(20)
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(first)
    assert not any(task.done() for task in others)
    assert loop.run_until_complete(asyncio.gather(*others)) == [True] * 3
    loop.close()


@pytest.fixture
def without_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.SelectorEventLoop, "add_reader", refuse)


@pytest.mark.usefixtures("without_readers")
def test_a_loop_without_readers_waits_with_a_task(peer: ScriptedPeer, turns: list[Subscription]) -> None:
    async def main() -> list[bool]:
        tasks = [await begun(waited(wait_ready(turn))) for turn in turns]
        peer.send(*(delta("t", f"u{number}", ".") for number in range(4)))
        try:
            return await asyncio.gather(*tasks)
        finally:
            waiting.rest()

    assert asyncio.run(main()) == [True] * 4


@pytest.mark.usefixtures("without_readers")
def test_a_task_that_makes_another_ready_is_not_its_last_word(
    peer: ScriptedPeer, turns: list[Subscription]
) -> None:
    async def lead() -> None:
        await wait_ready(turns[0])
        peer.send(delta("t", "u2", "."))
        assert turns[2].wait(20)  # while the waker is at work

    async def main() -> None:
        tasks = [await begun(lead())] + [await begun(follow(turn)) for turn in turns[1:]]
        # Two at once, so that one is left when the third comes; the fourth keeps the loop's pump at work.
        peer.send(delta("t", "u0", "."), delta("t", "u1", "."))
        await asyncio.wait_for(asyncio.gather(*tasks[:3]), 20)
        tasks[3].cancel()
        await asyncio.wait([tasks[3]])
        waiting.rest()

    async def follow(turn: Subscription) -> None:
        await wait_ready(turn)

    asyncio.run(main())


def test_asyncio_makes_a_task_of_a_wait_where_it_wants_a_future(
    peer: ScriptedPeer, turns: list[Subscription]
) -> None:
    async def main() -> None:
        both = asyncio.gather(wait_ready(turns[0]), wait_ready(turns[1]))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(wait_ready(turns[2]), 0.01)
        peer.send(delta("t", "u0", "."), delta("t", "u1", "."))
        assert tuple(await asyncio.wait_for(both, 20)) == (True, True)

    asyncio.run(main())


def test_a_stream_outlives_a_wait_that_could_not_be_made(
    connection: Connection, peer: ScriptedPeer, turns: list[Subscription], monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    class Noting:
        native = connection

        def log_diagnostics(self) -> None:
            connection.take_diagnostics()

    async def main() -> None:
        feed = AsyncFeed(cast("AsyncConnection", Noting()), turns[0], decoder)
        feed._dry = True
        with monkeypatch.context() as patched:
            patched.setattr(f"{AsyncFeed.__module__}.wait_ready", exhausted)
            with pytest.raises(OSError, match="Too many"):
                await feed.fill()
        peer.send(delta("t", "u0", "."))
        assert await feed.fill()
        assert [one.method for one in feed.batch] == ["item/agentMessage/delta"]

    asyncio.run(main())


def test_a_wait_is_one_tasks(turns: list[Subscription]) -> None:
    async def main() -> None:
        wait = wait_ready(turns[0])
        assert isinstance(wait, Wait)
        task = await begun(waited(wait))
        with pytest.raises(asyncio.InvalidStateError):
            await wait
        task.cancel()
        await asyncio.wait([task])
        assert wait.done()
        assert not wait.cancel()

    run_with_readers(main())


def test_a_wait_that_nobody_awaits_registers_nothing(turns: list[Subscription]) -> None:
    async def main() -> None:
        wait_ready(turns[0])
        wait = wait_ready(turns[0]).__await__()
        assert next(wait) is wait
        assert not waiting._waiters[asyncio.get_running_loop()].waker.idle
        wait.close()
        assert waiting._waiters[asyncio.get_running_loop()].waker.idle

    run_with_readers(main())


def test_tasks_that_wait_on_a_loop_that_nobody_runs_are_collected(turns: list[Subscription]) -> None:
    loop = asyncio.SelectorEventLoop()

    async def begin() -> asyncio.Task[Any]:
        return await begun(waited(wait_ready(turns[0])))

    task = loop.run_until_complete(begin())
    loop.close()
    run_with_readers(begin_and_cancel(turns[1]))  # another loop lets go of what a closed one held
    seen = weakref.ref(task)
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    del task, loop
    gc.collect()
    assert seen() is None


async def begin_and_cancel(turn: Subscription) -> None:
    task = await begun(waited(wait_ready(turn)))
    task.cancel()


def test_a_wait_does_not_reach_a_forked_child(turns: list[Subscription]) -> None:
    loop = asyncio.new_event_loop()
    waker = LoopWaker(loop)
    wait = turns[0].ready(waker).__await__()
    pid = os.fork()
    if pid == 0:  # pragma: no cover - the child's coverage is not collected
        status = 1
        try:
            for use in (lambda: turns[0].ready(waker), lambda: next(wait)):
                try:
                    use()
                except ForkedProcessError:
                    continue
                raise AssertionError(use)
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    loop.close()


def test_a_thread_with_events_at_hand_makes_way_for_one_that_is_woken(
    connection: Connection, peer: ScriptedPeer, turns: list[Subscription]
) -> None:
    hot, cold = turns[:2]
    left_when_woken = []

    def wait() -> None:
        cold.wait(20)
        left_when_woken.append(not hot.finished)

    peer.send(
        *(delta("t", "u0", str(number)) for number in range(20_000)), event("turn/completed", "t", "u0")
    )
    caught_up(connection, peer)
    woken = threading.Thread(target=wait)
    interval = sys.getswitchinterval()
    woken.start()
    # Whoever runs is not asked to let another one in.
    sys.setswitchinterval(100)
    try:
        peer.send(delta("t", "u1", "."))
        while not hot.finished:
            hot.drain_ready(decoder, 16)
        assert left_when_woken == [True]
    finally:
        sys.setswitchinterval(interval)
        woken.join(20)
