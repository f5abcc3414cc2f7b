"""Streams and handles whose consumer goes in a bad moment, or is never fast enough."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from codex_app_server import (
    AsyncCodex,
    AsyncCommandHandle,
    AsyncProcessHandle,
    Codex,
    CodexConfig,
    ForkedProcessError,
    OutputChunk,
    RequestTimeoutError,
)
from codex_app_server.generated.v2_all import ProcessExitedNotification
from codex_app_server.models import ThreadNameUpdatedNotification
from codex_app_server.testing import OfflineModel
from tests.leaks import assert_idle
from tests.payloads import payload
from tests.peer import ScriptedPeer
from tests.programs import SLEEP, python

TIMEOUT_S = 30


@asynccontextmanager
async def client(peer: ScriptedPeer, **fields: Any) -> AsyncIterator[AsyncCodex]:
    peer.answers["model/list"] = {"data": []}
    async with AsyncCodex(CodexConfig(launch_args_override=peer.argv, **fields)) as codex:
        yield codex


async def expect(peer: ScriptedPeer, method: str) -> dict[str, Any]:
    """What the client sends next, without standing in the loop's way."""
    return await asyncio.get_running_loop().run_in_executor(None, peer.expect, method)


async def cancelled(task: asyncio.Future[Any]) -> None:
    task.cancel()
    await asyncio.wait([task], timeout=TIMEOUT_S)
    assert task.cancelled()


EXIT = {"exitCode": 0, "stdout": "", "stderr": ""}

# How each handle is begun and undone, and what the first answer is.
HANDLES: dict[str, tuple[Callable[[Any], Any], str, str, Any]] = {
    "fs_watch": (lambda codex: codex.fs_watch("/x"), "fs/watch", "fs/unwatch", {"path": "/x"}),
    "fuzzy_file_search": (
        lambda codex: codex.fuzzy_file_search(["/x"]),
        "fuzzyFileSearch/sessionStart",
        "fuzzyFileSearch/sessionStop",
        {},
    ),
    "process_spawn": (lambda codex: codex.process_spawn(["x"]), "process/spawn", "process/kill", {}),
}


@pytest.fixture(params=list(HANDLES))
def handle(request: pytest.FixtureRequest) -> tuple[Callable[[Any], Any], str, str, Any]:
    return HANDLES[request.param]


# --- in the middle of a start


async def test_a_start_that_is_cancelled_on_the_wire_is_undone(
    handle: tuple[Any, ...], peer: ScriptedPeer
) -> None:
    begin, start, stop, answer = handle
    async with client(peer) as codex:
        starting = asyncio.ensure_future(begin(codex))
        request = await expect(peer, start)
        await cancelled(starting)
        # Nobody waits, so it is undone before the answer has come, and behind it on the wire.
        undoing = await expect(peer, stop)
        assert undoing["params"].items() <= request["params"].items()
        peer.answer(request, answer)
        peer.answer(undoing, {})
        await codex.models()
        assert codex.stats()["errands_sent"] == 1
        assert_idle(codex.stats)


async def test_a_start_that_gets_no_answer_is_undone(handle: tuple[Any, ...], peer: ScriptedPeer) -> None:
    begin, start, stop, answer = handle
    async with client(peer, request_timeout_s=0.2) as codex:
        with pytest.raises(RequestTimeoutError):
            await begin(codex)
        peer.answer(peer.expect(start), answer)
        peer.answer(peer.expect(stop), {})
        await codex.models()
        assert_idle(codex.stats)


async def test_a_start_that_is_cancelled_before_it_was_written_leaves_nothing(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        running = [await codex.command_exec(["x"]) for _ in range(64)]
        requests = [peer.expect("command/exec") for _ in running]
        waiting = asyncio.ensure_future(codex.command_exec(["late"]))
        while not codex.stats()["requests_waiting"]:
            await asyncio.sleep(0)
        await cancelled(waiting)
        for request in requests:
            peer.answer(request, EXIT)
        for command in running:
            assert (await command.wait()).exit_code == 0
            await command.aclose()
        await codex.models()
        assert peer.received == 0
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


# --- in the middle of use


async def test_a_handle_that_is_forgotten_is_undone(handle: tuple[Any, ...], peer: ScriptedPeer) -> None:
    begin, start, stop, answer = handle
    peer.answers |= {start: answer, stop: {}}
    async with client(peer) as codex:
        for _ in range(5):
            await begin(codex)
        gc.collect()
        await codex.models()
        assert codex.stats()["errands_sent"] == 5
        assert_idle(codex.stats)


def test_a_handle_that_is_forgotten_is_undone_in_threads_too(
    handle: tuple[Any, ...], peer: ScriptedPeer
) -> None:
    begin, start, stop, answer = handle
    peer.answers |= {start: answer, stop: {}, "model/list": {"data": []}}
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        for _ in range(5):
            begin(codex)
        gc.collect()
        codex.models()
        assert codex.stats()["errands_sent"] == 5
        assert_idle(codex.stats)


async def test_a_command_that_is_forgotten_is_killed(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        command = await codex.command_exec(["x"])
        request = peer.expect("command/exec")
        del command
        gc.collect()
        undoing = await expect(peer, "command/exec/terminate")
        assert undoing["params"] == {"processId": request["params"]["processId"]}
        peer.answer(undoing, {})
        peer.answer(request, EXIT)
        await codex.models()
        assert_idle(codex.stats)


async def test_programs_that_are_forgotten_are_gone_on_the_real_runtime(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        ends = codex.notifications("process/exited")
        await codex.process_spawn([*SLEEP])
        await codex.command_exec([*SLEEP], disable_timeout=True)
        gc.collect()
        assert payload(await ends.__anext__(), ProcessExitedNotification).exit_code != 0
        while codex.stats()["requests_pending"]:
            await asyncio.sleep(0)
        await ends.aclose()
        assert_idle(codex.stats)


async def test_a_block_that_is_cancelled_undoes_without_waiting(
    handle: tuple[Any, ...], peer: ScriptedPeer
) -> None:
    begin, start, stop, answer = handle
    peer.answers[start] = answer
    async with client(peer) as codex:
        entered = asyncio.Event()

        async def use() -> None:
            async with await begin(codex) as open_handle:
                entered.set()
                async for _ in open_handle:
                    pass

        using = asyncio.ensure_future(use())
        await entered.wait()
        await codex.models()
        await cancelled(using)
        # The runtime has not answered, and nobody has waited for it.
        peer.answer(await expect(peer, stop), {})
        await codex.models()
        assert_idle(codex.stats)


async def test_a_close_that_is_cancelled_undoes_all_the_same(
    handle: tuple[Any, ...], peer: ScriptedPeer
) -> None:
    begin, start, stop, answer = handle
    peer.answers[start] = answer
    async with client(peer) as codex:
        closing = asyncio.ensure_future((await begin(codex)).aclose())
        request = await expect(peer, stop)
        await cancelled(closing)
        assert codex.stats()["streams_routed"] == 0
        peer.answer(request, {})
        # It cannot be known whether the first one arrived.
        peer.refuse(await expect(peer, stop), -32600, "not there")
        await codex.models()
        assert_idle(codex.stats)


async def test_a_wait_that_is_cancelled_can_be_done_again(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        script = python("import os; os.write(1, b'ready\\n'); os.read(0, 1); os._exit(5)")
        for begin in (codex.command_exec, codex.process_spawn):
            program: AsyncCommandHandle | AsyncProcessHandle
            async with await begin([*script]) as program:
                assert await program.__anext__() == OutputChunk("stdout", b"ready\n")
                first: asyncio.Future[Any] = asyncio.ensure_future(program.wait())
                second: asyncio.Future[Any] = asyncio.ensure_future(program.wait())
                reading = asyncio.ensure_future(program.__anext__())
                await codex.models()
                await cancelled(first)
                await cancelled(reading)
                await program.write(b"\n")
                assert (await asyncio.wait_for(second, TIMEOUT_S)).exit_code == 5
                assert (await program.wait()).exit_code == 5
                assert [chunk async for chunk in program] == []
        assert_idle(codex.stats)


# --- loops


async def test_an_endless_stream_lets_everything_else_run(peer: ScriptedPeer) -> None:
    async with client(peer) as codex:
        stop = threading.Event()
        burst = [{"method": "skills/changed", "params": {}}] * 2000
        hot = codex.notifications("skills/changed")
        calm = codex.notifications("thread/name/updated")
        seen = 0

        def flood() -> None:
            while not stop.is_set():
                peer.send(*burst)

        async def consume() -> None:
            nonlocal seen
            async for _ in hot:
                seen += 1

        flooding = threading.Thread(target=flood)
        flooding.start()
        consuming = asyncio.ensure_future(consume())
        try:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(consuming), 0.05)
            assert (await asyncio.wait_for(codex.models(), TIMEOUT_S)).data == []
            peer.send({"method": "thread/name/updated", "params": {"threadId": "t"}})
            event = await asyncio.wait_for(calm.__anext__(), TIMEOUT_S)
            assert payload(event, ThreadNameUpdatedNotification).thread_id == "t"
            while seen < 2000:
                await asyncio.sleep(0)
            await cancelled(consuming)
        finally:
            stop.set()
            flooding.join()
        await hot.aclose()
        await calm.aclose()


async def test_one_client_serves_streams_on_several_loops(peer: ScriptedPeer) -> None:
    listening = threading.Barrier(5)
    found: list[str | None] = []

    async with client(peer) as codex:

        async def follow() -> None:
            async with codex.notifications() as events:
                listening.wait(TIMEOUT_S)
                found.append(payload(await events.__anext__(), ThreadNameUpdatedNotification).thread_name)

        threads = [threading.Thread(target=asyncio.run, args=(follow(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        listening.wait(TIMEOUT_S)
        peer.send({"method": "thread/name/updated", "params": {"threadId": "t", "threadName": "n"}})
        for thread in threads:
            await asyncio.get_running_loop().run_in_executor(None, thread.join)
        assert found == ["n"] * 4
        assert_idle(codex.stats)


# --- processes


def test_a_forked_child_can_do_nothing_with_a_handle_and_undoes_nothing(peer: ScriptedPeer) -> None:
    peer.answers |= {"fs/watch": {"path": "/x"}, "fs/unwatch": {}, "model/list": {"data": []}}
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        watch = codex.fs_watch("/x")
        command = codex.command_exec(["x"])
        request = peer.expect("command/exec")
        events = codex.notifications()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks with threads
            child = os.fork()
        if child == 0:  # pragma: no cover
            status = 1
            try:
                for refused in (command.close_stdin, command.wait, codex.notifications, watch.__next__):
                    with pytest.raises(ForkedProcessError):
                        refused()
                for handle in (watch, command, events):
                    handle.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        codex.models()
        assert peer.received == 0
        peer.answer(request, EXIT)
        assert command.wait().exit_code == 0
        for handle in (watch, command, events):
            handle.close()
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)
