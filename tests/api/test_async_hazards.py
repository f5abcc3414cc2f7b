"""What goes wrong around an event loop: starvation, cancellation, loops that come and go."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest

from codex_app_server import AsyncCodex, AsyncThread, CodexConfig
from codex_app_server._async import waiting
from codex_app_server._async.waiting import Lock
from codex_app_server._incoming import decoding
from codex_app_server._native import Gate
from codex_app_server.errors import ForkedProcessError, RequestTimeoutError, StreamOverflowError
from codex_app_server.testing import Answer, OfflineModel, Stall
from codex_app_server.types import TurnStatus
from tests.peer import ScriptedPeer, delta, event, started
from tests.processes import descriptors

TIMEOUT_S = 30


@asynccontextmanager
async def client(peer: ScriptedPeer, **fields: Any) -> AsyncIterator[AsyncCodex]:
    async with AsyncCodex(CodexConfig(launch_args_override=peer.argv, **fields)) as codex:
        yield codex


async def expect(peer: ScriptedPeer, method: str) -> dict[str, Any]:
    """What the client sends next, without standing in the loop's way."""
    return await asyncio.get_running_loop().run_in_executor(None, peer.expect, method)


async def thread_of(codex: AsyncCodex, peer: ScriptedPeer, thread_id: str = "t") -> Any:
    peer.answers["thread/start"] = {"thread": {"id": thread_id}}
    return await codex.thread_start()


async def test_the_models_of_a_first_answer_are_imported_beside_the_loop(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_ready = decoding.make_ready
    begun, go_on = threading.Event(), threading.Event()

    def import_slowly(method: str) -> None:
        begun.set()
        assert go_on.wait(TIMEOUT_S)  # in the loop this would be for ever
        make_ready(method)

    monkeypatch.setattr(decoding, "make_ready", import_slowly)
    monkeypatch.setattr(decoding, "_ready", set())
    peer.answers["model/list"] = {"data": []}
    async with client(peer) as codex:
        asking = asyncio.ensure_future(codex.models())
        while not begun.is_set():
            await asyncio.sleep(0)
        go_on.set()
        assert (await asking).data == []
        monkeypatch.setattr(decoding, "make_ready", None)  # once is enough
        assert (await codex.models()).data == []


def test_a_resume_of_a_loop_that_does_not_run_any_more_keeps_no_other_one_waiting(peer: ScriptedPeer) -> None:
    codex = AsyncCodex(CodexConfig(launch_args_override=peer.argv, request_timeout_s=0.2))
    stopped = asyncio.new_event_loop()

    async def leave_one_behind() -> asyncio.Task[AsyncThread]:
        task = asyncio.ensure_future(codex.thread_resume("t"))
        await expect(peer, "thread/resume")
        return task

    async def resume() -> None:
        async with codex:
            with pytest.raises(RequestTimeoutError) as caught:
                await asyncio.wait_for(codex.thread_resume("t"), TIMEOUT_S / 3)
            assert not caught.value.was_sent

    async def ended(task: asyncio.Task[AsyncThread]) -> None:
        await asyncio.wait([task])
        task.exception()

    task = stopped.run_until_complete(leave_one_behind())
    asyncio.run(resume())
    stopped.run_until_complete(ended(task))
    stopped.run_until_complete(stopped.shutdown_default_executor())
    stopped.close()


async def test_a_deadline_does_not_wait_for_the_models_of_the_answer(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(decoding, "make_ready", lambda method: go_on.wait(TIMEOUT_S))
    monkeypatch.setattr(decoding, "_ready", set())
    async with client(peer, request_timeout_s=0.1) as codex:
        try:
            with pytest.raises(RequestTimeoutError):
                await asyncio.wait_for(codex.models(), TIMEOUT_S / 3)
        finally:
            go_on.set()


async def test_where_no_thread_can_be_started_the_models_are_imported_all_the_same(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    peer.answers["model/list"] = {"data": []}
    async with client(peer) as codex:
        monkeypatch.setattr(decoding, "_ready", set())
        with monkeypatch.context() as limited:
            limited.setattr(threading.Thread, "start", refused)
            assert (await codex.models()).data == []


async def test_an_endless_stream_lets_everything_else_run(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        peer.answers["model/list"] = {"data": []}
        for name in ("hot", "calm"):
            peer.answers["turn/start"] = started(name)
            turn = await (await thread_of(codex, peer, f"thread-{name}")).turn("go")
            if name == "hot":
                hot = turn.stream()
            else:
                calm = turn.stream()
        stop = threading.Event()
        burst = [delta("thread-hot", "hot", "x" * 50)] * 2000

        def flood() -> None:
            while not stop.is_set():
                peer.send(*burst)

        flooding = threading.Thread(target=flood)
        flooding.start()
        seen = 0

        async def consume() -> None:
            nonlocal seen
            async for _ in hot:
                seen += 1

        consuming = asyncio.ensure_future(consume())
        try:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(consuming), 0.05)
            while seen < 2000:  # the flood may be late
                await asyncio.sleep(0)
            assert (await asyncio.wait_for(codex.models(), TIMEOUT_S)).data == []
            peer.send(delta("thread-calm", "calm", "hello"))
            first = await asyncio.wait_for(calm.__anext__(), TIMEOUT_S)
            assert first.payload.delta == "hello"
            consuming.cancel()
            await asyncio.wait([consuming], timeout=TIMEOUT_S)
            assert consuming.cancelled()
        finally:
            stop.set()
            flooding.join()


async def test_short_turns_one_after_the_other_let_everything_else_run(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        thread = await thread_of(codex, peer)
        turns = []
        for number in range(1000):
            peer.answers["turn/start"] = started(f"u{number}")
            turns.append(await thread.turn("go"))
        for turn in turns:
            peer.send(delta("t", turn.id, "x"), event("turn/completed", "t", turn.id))
        peer.answers["model/list"] = {"data": []}
        await codex.models()  # all has come
        rounds = 0

        async def tick() -> None:
            nonlocal rounds
            while True:
                await asyncio.sleep(0)
                rounds += 1

        ticking = asyncio.ensure_future(tick())
        for turn in turns:
            assert [one.method async for one in turn.stream()][-1] == "turn/completed"
        ticking.cancel()
        assert rounds > 5


async def test_a_cancelled_thread_start_leaves_no_thread(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        starting = asyncio.ensure_future(codex.thread_start())
        request = await expect(peer, "thread/start")
        starting.cancel()
        await asyncio.wait([starting])
        assert starting.cancelled()
        peer.answer(request, {"thread": {"id": "late"}})
        assert (await expect(peer, "thread/unsubscribe"))["params"] == {"threadId": "late"}


async def test_a_cancelled_turn_start_leaves_no_turn(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        thread = await thread_of(codex, peer)
        starting = asyncio.ensure_future(thread.turn("go"))
        request = await expect(peer, "turn/start")
        starting.cancel()
        await asyncio.wait([starting])
        peer.answer(request, started("late"))
        peer.send(event("turn/started", "t", "late"))
        assert (await expect(peer, "turn/interrupt"))["params"] == {"threadId": "t", "turnId": "late"}


async def test_a_cancelled_login_start_leaves_no_login(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        starting = asyncio.ensure_future(codex.login_chatgpt())
        request = await expect(peer, "account/login/start")
        starting.cancel()
        await asyncio.wait([starting])
        peer.answer(request, {"type": "chatgpt", "loginId": "late", "authUrl": "https://x"})
        assert (await expect(peer, "account/login/cancel"))["params"] == {"loginId": "late"}
        assert codex.stats()["streams_routed"] == 0


@pytest.mark.parametrize("closing", [False, True], ids=["while it is awaited", "while it is closed"])
async def test_a_cancelled_task_leaves_no_login(peer: ScriptedPeer, closing: bool) -> None:
    async with client(peer) as codex:
        waiting = asyncio.Event()

        async def log_in() -> None:
            async with await codex.login_chatgpt() as login:
                waiting.set()
                if not closing:
                    await login.wait()

        task = asyncio.ensure_future(log_in())
        request = await expect(peer, "account/login/start")
        peer.answer(request, {"type": "chatgpt", "loginId": "l", "authUrl": "https://x"})
        await asyncio.wait_for(waiting.wait(), TIMEOUT_S)
        if closing:
            await expect(peer, "account/login/cancel")
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert (await expect(peer, "account/login/cancel"))["params"] == {"loginId": "l"}
        assert codex.stats()["streams_routed"] == 0


async def test_a_wait_that_is_given_up_takes_nothing_from_the_others(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        beginning = asyncio.ensure_future(codex.login_chatgpt())
        request = await expect(peer, "account/login/start")
        peer.answer(request, {"type": "chatgpt", "loginId": "l", "authUrl": "https://x"})
        login = await beginning
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(login.wait(), 0.01)
        waits = [asyncio.ensure_future(login.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waits[0].cancel()
        peer.send({"method": "account/login/completed", "params": {"loginId": "l", "success": True}})
        assert [(await wait).success for wait in waits[1:]] == [True, True]
        assert waits[0].cancelled()
        assert codex.stats()["errands_sent"] == 0


async def test_an_answer_in_the_moment_of_the_cancel_is_not_lost(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        thread = await thread_of(codex, peer)
        starting = asyncio.ensure_future(thread.turn("go"))
        peer.answer(await expect(peer, "turn/start"), started("u"))
        native = codex._runtime.connection.native
        # The loop stands still until the reader has answered the call; then the task is cancelled
        # before it has seen that.
        while native.stats()["requests_pending"]:
            time.sleep(0)  # noqa: ASYNC251 - it is to stand still
        starting.cancel()
        await asyncio.wait([starting])
        assert starting.cancelled()
        peer.send(event("turn/started", "t", "u"))
        assert (await expect(peer, "turn/interrupt"))["params"]["turnId"] == "u"


async def test_a_cancelled_run_interrupts_the_turn_that_it_started(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        thread = await thread_of(codex, peer)
        peer.answers["turn/start"] = started("u")
        running = asyncio.ensure_future(thread.run("go"))
        while not codex.stats()["turns_routed"]:
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        # The runtime would refuse to interrupt what it has not begun.
        peer.send(event("turn/started", "t", "u"))
        assert (await expect(peer, "turn/interrupt"))["params"] == {"threadId": "t", "turnId": "u"}


async def test_a_cancelled_run_leaves_a_turn_alone_that_somebody_else_follows(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        thread = await thread_of(codex, peer)
        peer.answers["turn/start"] = started("u")
        peer.answers["model/list"] = {"data": []}
        first = await thread.turn("go")
        running = asyncio.ensure_future(thread.run("join"))
        native = codex._runtime.connection.native
        before = native.stats()["requests_written"]
        while native.stats()["requests_written"] == before or native.stats()["requests_pending"]:
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        await codex.models()
        peer.send(event("turn/completed", "t", "u"))
        assert (await first.run()).id == "u"
    await asyncio.get_running_loop().run_in_executor(None, peer.expect_end)


async def test_a_request_that_is_never_answered_times_out(peer: ScriptedPeer) -> None:
    async with client(peer, request_timeout_s=0.2) as codex:
        with pytest.raises(RequestTimeoutError, match="model/list") as caught:
            await codex.models()
        assert isinstance(caught.value, TimeoutError)
        # A late answer is no surprise, and frees its place.
        peer.answer(peer.expect("model/list"), {"data": []})
        native = codex._runtime.connection.native
        while native.stats()["requests_admitted"]:
            await asyncio.sleep(0)
        assert native.stats()["late_responses"] == 1


async def test_a_run_right_after_a_deadline_is_a_turn_of_its_own(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        for deadline_s in (0.001, 0.004, 0.008, 0.015, 0.03, 0.1, 0.3) * 3:
            thread = await codex.thread_start(ephemeral=True)
            model.reset("Ready.")
            await thread.run("Get ready.")
            model.reset(Answer("Half ", Stall()))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(thread.run("Go on for ever."), deadline_s)
            model.reset("Done.")
            result = await thread.run("Do something else.")
            assert (result.status, result.final_response) == (TurnStatus.completed, "Done.")


async def test_an_overloaded_runtime_is_asked_again(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        asking = asyncio.ensure_future(codex.models())
        for _ in range(2):
            peer.refuse(await expect(peer, "model/list"), -32001, "Server overloaded; retry later.")
        peer.answer(await expect(peer, "model/list"), {"data": []})
        assert (await asking).data == []


def test_many_waits_that_time_out_leave_nothing_armed(peer: ScriptedPeer) -> None:
    async def main() -> None:
        async with client(peer) as codex:
            thread = await thread_of(codex, peer)
            peer.answers["turn/start"] = started("u")
            stream = (await thread.turn("go")).stream()
            waiter = waiting._waiter()
            woken: list[int] = []

            def wake() -> None:
                woken.append(waiter.waker.wake())

            asyncio.get_running_loop().add_reader(waiter.waker.fileno(), wake)
            for _ in range(50):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(stream.__anext__(), 0.001)
            assert waiter.waker.idle
            following = asyncio.ensure_future(anext(stream))
            while waiter.waker.idle:
                await asyncio.sleep(0)
            peer.send(delta("t", "u", "still here"))
            assert (await following).method == "item/agentMessage/delta"
            # The one that waits, and not the fifty that timed out.
            assert woken == [1]
            peer.send(event("turn/completed", "t", "u"))
            assert [one.method async for one in stream] == ["turn/completed"]

    # Windows' usual loop has no readers.
    on_loop(asyncio.SelectorEventLoop(), main())


def test_a_thousand_loops_leave_no_descriptor(peer: ScriptedPeer) -> None:
    """Loops come and go while the reader wakes them; their numbers are reused by files at once."""
    peer.answers["model/list"] = {"data": []}

    async def once(codex: AsyncCodex) -> None:
        await asyncio.gather(codex.models(), codex.models())

    runner = asyncio.new_event_loop()
    codex = AsyncCodex(CodexConfig(launch_args_override=peer.argv))
    runner.run_until_complete(codex.models())
    asyncio.run(once(codex))
    before = descriptors()
    for _ in range(1000):
        asyncio.run(once(codex))
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours, theirs, pytest.raises(BlockingIOError):
            ours.recv(8)
    gc.collect()
    # The last closed loop's is let go when the next loop comes.
    assert descriptors() <= before + 2
    runner.run_until_complete(codex.close())
    runner.close()


if sys.platform == "win32":
    NoReaders = asyncio.ProactorEventLoop
else:

    class NoReaders(asyncio.SelectorEventLoop):
        """A loop like Windows' Proactor: sockets yes, readers no."""

        def __init__(self) -> None:
            super().__init__()
            self.ready = True

        def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
            # asyncio's own self-pipe goes another way; whoever comes through the front door is refused.
            raise NotImplementedError


def loops() -> list[Any]:
    found: list[Any] = [
        pytest.param(asyncio.SelectorEventLoop, id="selector"),
        pytest.param(NoReaders, id="no-add-reader"),
    ]
    if sys.platform != "win32":
        import uvloop

        found.append(pytest.param(uvloop.new_event_loop, id="uvloop"))
    return found


@pytest.mark.parametrize("new_loop", loops())
def test_every_kind_of_loop_runs_turns(model: OfflineModel, new_loop: Callable[[], Any]) -> None:
    async def main() -> list[str | None]:
        async with AsyncCodex(model.config()) as codex:

            async def one(number: int) -> str | None:
                thread = await codex.thread_start()
                return (await thread.run(f"turn {number}")).final_response

            return await asyncio.gather(*(one(number) for number in range(8)))

    assert on_loop(new_loop(), main()) == [f"turn {number}" for number in range(8)]


def test_loops_of_every_kind_run_turns_of_one_client_in_threads_of_their_own(model: OfflineModel) -> None:
    makers = [parameter.values[0] for parameter in loops()] * 2
    codex = AsyncCodex(model.config())

    async def turns(number: int) -> list[str | None]:
        async def one(prompt: str) -> str | None:
            return (await (await codex.thread_start()).run(prompt)).final_response

        return await asyncio.gather(*(one(f"{number} {each}") for each in range(4)))

    with ThreadPoolExecutor(len(makers)) as pool:
        running = [pool.submit(on_loop, maker(), turns(number)) for number, maker in enumerate(makers)]
        answers = [each.result(TIMEOUT_S) for each in running]
    assert answers == [[f"{number} {each}" for each in range(4)] for number in range(len(makers))]
    asyncio.run(codex.close())


def test_a_loop_without_readers_takes_its_socket_along() -> None:
    """No other loop comes after it that would see to what it left."""

    async def wait() -> None:
        assert not await waiting.wait_ready(Gate(), 0.01)

    on_loop(NoReaders(), wait())
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        gc.collect()
    assert [str(each.message) for each in warned] == []


def on_loop(loop: Any, main: Coroutine[Any, Any, Any]) -> Any:
    try:
        return loop.run_until_complete(main)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@pytest.mark.parametrize("new_loop", loops())
def test_cancelling_every_task_of_a_loop_does_not_deafen_it(
    peer: ScriptedPeer, new_loop: Callable[[], Any]
) -> None:
    async def main() -> None:
        async with client(peer) as codex:
            thread = await thread_of(codex, peer)
            peer.answers["turn/start"] = started("u")
            stream = (await thread.turn("go")).stream()
            waiting = asyncio.ensure_future(stream.__anext__())
            await asyncio.sleep(0)
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
            await asyncio.wait([waiting])
            peer.send(delta("t", "u", "heard"), event("turn/completed", "t", "u"))
            first = await asyncio.wait_for(stream.__anext__(), TIMEOUT_S)
            assert first.payload.delta == "heard"

    on_loop(new_loop(), main())


@pytest.mark.parametrize("started_before", [True, False])
def test_loops_in_several_threads_share_one_client(peer: ScriptedPeer, started_before: bool) -> None:
    peer.answers["model/list"] = {"data": []}
    home = asyncio.new_event_loop()
    codex = AsyncCodex(CodexConfig(launch_args_override=peer.argv))
    if started_before:
        home.run_until_complete(codex.models())
    failures: list[BaseException] = []

    def run() -> None:
        async def main() -> None:
            await asyncio.gather(*(codex.models() for _ in range(50)))

        try:
            asyncio.run(main())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert not failures
    home.run_until_complete(codex.close())
    home.close()


async def test_a_lock_that_is_handed_to_a_cancelled_task_goes_on_to_the_next() -> None:
    lock = Lock()
    order: list[str] = []

    async def hold(name: str) -> None:
        async with lock:
            order.append(name)

    await lock.__aenter__()
    first, second = (asyncio.ensure_future(hold(name)) for name in ("first", "second"))
    await asyncio.sleep(0)
    await lock.__aexit__()
    # Handed over, but not yet taken.
    first.cancel()
    await asyncio.wait([first, second], timeout=TIMEOUT_S)
    assert first.cancelled()
    assert order == ["second"]
    await asyncio.wait_for(hold("third"), TIMEOUT_S)


async def test_starting_a_client_does_not_hold_the_loop_up(model: OfflineModel) -> None:
    # In a process of its own: what is imported once is not imported again.
    body = """
import asyncio, sys, time
from codex_app_server import AsyncCodex, AsyncThread, CodexConfig

async def beat(longest):
    while True:
        begun = time.thread_time()
        await asyncio.sleep(0.001)
        longest.append(time.thread_time() - begun)

async def main():
    longest = []
    beating = asyncio.ensure_future(beat(longest))
    await asyncio.sleep(0)
    async with AsyncCodex(CodexConfig(env=dict(zip(sys.argv[1::2], sys.argv[2::2])))):
        pass
    beating.cancel()
    print(max(longest))

asyncio.run(main())
"""
    env = [part for pair in model.env.items() for part in pair]
    command = [sys.executable, "-c", body, *env]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    # CPU time of the loop's own thread between two beats, which a busy machine does not lengthen.
    # Importing the models there took 0.25 s.
    assert float(out) < 0.1


async def test_a_client_starts_while_the_threads_of_its_loop_wait_for_it(peer: ScriptedPeer) -> None:
    is_started = threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    in_time = loop.run_in_executor(None, is_started.wait, 5)
    async with client(peer):
        is_started.set()
    assert await in_time


def test_the_waker_of_a_dead_loop_does_not_write_into_a_new_socket(peer: ScriptedPeer) -> None:
    codex = AsyncCodex(CodexConfig(launch_args_override=peer.argv))
    first = asyncio.new_event_loop()
    asking = first.create_task(codex.models())
    while not peer.received:
        first.run_until_complete(asyncio.sleep(0))
    request = peer.expect("model/list")
    asking.cancel()
    first.run_until_complete(asyncio.wait([asking]))
    first.close()
    # Whatever numbers the loop had are these sockets' now.
    pairs = [socket.socketpair() for _ in range(16)]
    peer.answer(request, {"data": []})
    peer.answers["model/list"] = {"data": []}
    second = asyncio.new_event_loop()
    second.run_until_complete(codex.models())
    for one, other in pairs:
        one.setblocking(False)
        with pytest.raises(BlockingIOError):
            one.recv(1)
        one.close()
        other.close()
    second.run_until_complete(codex.close())
    second.close()


async def test_a_result_that_may_lack_items_says_so_when_its_turn_is_over(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        running = asyncio.ensure_future((await thread_of(codex, peer)).run("go"))
        request = await expect(peer, "turn/start")
        for number in range(31):
            peer.send(event("turn/started", "t", f"turn-{number}"))
        peer.answer(request, started("mine"))
        peer.answers["model/list"] = {"data": []}
        peer.send(event("turn/started", "t", "mine"))
        await codex.models()
        # Told any earlier, it would give the turn up.
        assert not running.done()
        assert codex.stats()["errands_sent"] == 0
        peer.send(event("turn/completed", "t", "mine"))
        with pytest.raises(StreamOverflowError, match="include_turns=True"):
            await asyncio.wait_for(running, TIMEOUT_S)
        assert codex.stats()["errands_sent"] == 0


async def test_a_turn_that_is_joined_after_a_resume_is_heard_of(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        peer.answers |= {
            "turn/start": started("u"),
            "thread/unsubscribe": {"status": "unsubscribed"},
            "thread/resume": {"thread": {"id": "t"}},
        }
        turn = await (await thread_of(codex, peer)).turn("go")
        peer.send(event("turn/started", "t", "u"))
        await codex.rpc.thread.unsubscribe(thread_id="t")
        del peer.answers["turn/start"]
        running = asyncio.ensure_future((await codex.thread_resume("t")).run("more"))
        peer.answer(await expect(peer, "turn/start"), started("u"))
        item = {"id": "i", "type": "agentMessage", "text": "all of it"}
        peer.send(
            event("item/completed", "t", "u", item=item, completedAtMs=1), event("turn/completed", "t", "u")
        )
        assert (await asyncio.wait_for(running, TIMEOUT_S)).final_response == "all of it"
        del turn


async def test_a_forked_child_is_refused_where_a_task_of_the_parent_waits(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        peer.answers["turn/start"] = started("u")
        stream = (await (await thread_of(codex, peer)).turn("go")).stream()
        reading = [asyncio.ensure_future(stream.__anext__()) for _ in range(2)]
        await asyncio.sleep(0)
        forked = os.fork()
        if forked == 0:  # pragma: no cover - the child's coverage is not collected
            signal.alarm(10)
            refused = 0
            try:
                asyncio.events._set_running_loop(None)
                for _ in range(3):
                    try:
                        asyncio.run(anext_of(stream))
                    except ForkedProcessError:
                        refused += 1
            finally:
                os._exit(0 if refused == 3 else 1)
        _, status = await asyncio.get_running_loop().run_in_executor(None, os.waitpid, forked, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        peer.send(event("turn/started", "t", "u"), event("turn/completed", "t", "u"))
        assert {(await one).method for one in reading} == {"turn/started", "turn/completed"}


async def anext_of(stream: Any) -> Any:
    return await stream.__anext__()


async def test_a_first_call_bounds_the_start_that_it_needs(peer: ScriptedPeer) -> None:
    hello = peer.answers.pop("initialize")
    peer.answers["model/list"] = {"data": []}
    async with unentered(peer) as codex:
        first = asyncio.create_task(codex.models(timeout_s=TIMEOUT_S))
        request = await expect(peer, "initialize")
        # It waits for the start of another task, and leaves it alone.
        with pytest.raises(RequestTimeoutError):
            await codex.models(timeout_s=0.2)
        peer.answer(request, hello)
        assert (await first).data == []


async def test_a_start_that_takes_longer_than_its_call_may_is_given_up(peer: ScriptedPeer) -> None:
    del peer.answers["initialize"]
    async with unentered(peer) as codex:
        with pytest.raises(RequestTimeoutError, match="initialize"):
            await codex.models(timeout_s=2)
        await expect(peer, "initialize")
        await asyncio.to_thread(peer.expect_end)


@asynccontextmanager
async def unentered(peer: ScriptedPeer) -> AsyncIterator[AsyncCodex]:
    codex = AsyncCodex(CodexConfig(launch_args_override=peer.argv))
    try:
        yield codex
    finally:
        await codex.close()


async def test_who_waits_for_a_lock_in_vain_leaves_it_to_the_next() -> None:
    lock = Lock()
    assert lock.take()
    assert not await lock.wait(0.01)
    waiting = asyncio.create_task(lock.wait(TIMEOUT_S))
    await asyncio.sleep(0)
    lock.release()
    assert await waiting
    lock.release()
    assert lock.take()


async def test_a_lock_that_is_handed_over_when_the_time_is_up_is_held() -> None:
    lock = Lock()
    assert lock.take()
    waiting = asyncio.create_task(lock.wait(0))
    await asyncio.sleep(0)
    # Its timer is due in the next round, and comes before what this sets off.
    lock.release()
    assert await waiting
    assert not lock.take()
    lock.release()
