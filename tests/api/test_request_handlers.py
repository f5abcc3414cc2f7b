"""Handlers of requests where the two clients differ: functions on threads, coroutines in loops, the end."""

from __future__ import annotations

import asyncio
import functools
import gc
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import AsyncCodex, Codex
from codex_app_server._async import handlers
from codex_app_server.requests import CommandApproval, ServerRequest
from tests.asked import ask, config, over
from tests.peer import ScriptedPeer
from tests.processes import press_ctrl_c

ROOT = Path(__file__).resolve().parents[2]
ACCEPTED = {"id": 0, "result": {"decision": "accept"}}
TIMEOUT_S = 20


async def reply(peer: ScriptedPeer) -> dict[str, Any]:
    return await asyncio.to_thread(peer.expect, None)


async def test_a_function_that_blocks_holds_up_no_loop(peer: ScriptedPeer) -> None:
    begun, go_on = threading.Event(), threading.Event()
    threads = []

    def handler(request: Any) -> None:
        threads.append(threading.current_thread())
        begun.set()
        assert go_on.wait(TIMEOUT_S)
        request.accept()

    async with AsyncCodex(config(peer), on_request=handler) as codex:
        ask(peer, 0)
        await asyncio.to_thread(begun.wait, TIMEOUT_S)
        await codex.models()  # the loop goes on
        go_on.set()
        assert await reply(peer) == ACCEPTED
    assert threads[0] is not threading.main_thread()
    assert threads[0].daemon


async def accept(request: Any, *, twice: bool = False) -> None:
    await asyncio.sleep(0)
    request.accept()


class Accepting:
    async def __call__(self, request: Any) -> None:
        await accept(request)

    async def method(self, request: Any) -> None:
        await accept(request)


HANDLERS: dict[str, Any] = {
    "a coroutine function": accept,
    "a partial": functools.partial(accept, twice=False),
    "an object": Accepting(),
    "a method": Accepting().method,
    "a function that gives a coroutine": lambda request: accept(request, twice=False),
}


@pytest.mark.parametrize("kind", HANDLERS)
async def test_whatever_gives_a_coroutine_runs_in_the_loop(kind: str, peer: ScriptedPeer) -> None:
    async with AsyncCodex(config(peer), on_request=HANDLERS[kind]):
        ask(peer, 0)
        assert await reply(peer) == ACCEPTED


def test_a_coroutine_of_a_client_that_was_made_before_the_loop_runs_in_it(peer: ScriptedPeer) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def handler(request: Any) -> None:
        loops.append(asyncio.get_running_loop())
        request.accept()

    codex = AsyncCodex(config(peer), on_request=handler)

    async def main() -> None:
        async with codex:
            ask(peer, 0)
            assert await reply(peer) == ACCEPTED
            assert loops == [asyncio.get_running_loop()]

    asyncio.run(main())


async def test_a_coroutine_is_cancelled_when_its_request_is_settled(peer: ScriptedPeer) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def handler(request: ServerRequest) -> None:
        begun.set()
        try:
            await asyncio.sleep(TIMEOUT_S)
        except asyncio.CancelledError:
            assert request.settlement == "turn_over"
            ended.set()
            raise

    async with AsyncCodex(config(peer), on_request=handler) as codex:
        ask(peer, 0)
        await asyncio.wait_for(begun.wait(), TIMEOUT_S)
        peer.send(over("interrupted"))
        await asyncio.wait_for(ended.wait(), TIMEOUT_S)
        await codex.models()


async def test_a_coroutine_that_answers_may_go_on_to_its_end(peer: ScriptedPeer) -> None:
    ended = asyncio.Event()

    async def handler(request: Any) -> None:
        request.accept()
        await asyncio.sleep(0.01)  # a note in a log, for example
        ended.set()

    async with AsyncCodex(config(peer), on_request=handler):
        ask(peer, 0)
        assert await reply(peer) == ACCEPTED
        await asyncio.wait_for(ended.wait(), TIMEOUT_S)


async def test_a_request_of_an_async_client_is_answered_from_any_thread(peer: ScriptedPeer) -> None:
    async with AsyncCodex(config(peer)) as codex, codex.requests(CommandApproval) as requests:
        ask(peer, 0)
        request: Any = await requests.__anext__()
        await asyncio.to_thread(request.accept)
        assert await reply(peer) == ACCEPTED


PROGRAM = """
import sys, threading
from codex_app_server import Codex, CodexConfig

def handler(request):
    print("asked", flush=True)
    threading.Event().wait()

codex = Codex(CodexConfig(launch_args_override=tuple(sys.argv[1:])), on_request=handler)
sys.stdin.readline()
"""


def test_a_handler_that_waits_for_ever_keeps_no_program_alive(peer: ScriptedPeer) -> None:
    config(peer)
    program = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, *peer.argv],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    peer._connected.wait(TIMEOUT_S)
    ask(peer, 0)
    assert program.stdout.readline() == "asked\n"
    _, complaints = program.communicate("\n", timeout=TIMEOUT_S)
    assert (complaints, program.returncode) == ("", 0)


def test_ctrl_c_reaches_a_wait_for_the_end_of_a_request(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex, codex.requests() as requests:
        ask(peer, 0)
        request = next(requests)
        press = threading.Timer(0.05, press_ctrl_c)
        press.start()
        with pytest.raises(KeyboardInterrupt):
            request.wait_settled()
        press.join()
        assert not request.settled
        request.refuse()
        assert request.wait_settled()
        assert peer.expect()["result"] == {"decision": "decline"}


async def test_a_coroutine_is_cancelled_some_time_after_somebody_else_has_answered(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "_GRACE_S", 0.05)
    begun: list[str] = []
    cancelled = asyncio.Event()

    async def handler(request: Any) -> None:
        begun.append(request.item_id)
        if len(begun) == 1:
            try:
                await asyncio.Event().wait()  # a dialogue, say
            finally:
                cancelled.set()
        request.accept()

    async with AsyncCodex(config(peer), on_request=handler, max_concurrent_requests=1) as codex:
        ask(peer, 0, itemId="first")
        while not begun:
            await codex.models()
        shown: Any = codex.pending_requests()[0]
        shown.decline()
        assert (await reply(peer))["result"] == {"decision": "decline"}
        await asyncio.wait_for(cancelled.wait(), TIMEOUT_S)
        # Its place is free.
        ask(peer, 1, itemId="second")
        assert (await reply(peer))["result"] == {"decision": "accept"}


async def test_a_coroutine_whose_answer_is_given_by_its_own_thread_goes_on(peer: ScriptedPeer) -> None:
    ended = asyncio.Event()

    async def handler(request: Any) -> None:
        await asyncio.to_thread(request.accept)
        await asyncio.sleep(0.01)
        ended.set()

    async with AsyncCodex(config(peer), on_request=handler):
        ask(peer, 0)
        assert await reply(peer) == ACCEPTED
        await asyncio.wait_for(ended.wait(), TIMEOUT_S)


@pytest.mark.parametrize("ends", ["stops", "is closed"])
def test_a_coroutine_runs_in_the_loop_that_its_client_is_used_from_next(
    ends: str, peer: ScriptedPeer
) -> None:
    async def start() -> AsyncCodex:
        codex = AsyncCodex(config(peer), on_request=accept)
        await codex.models()
        return codex

    async def go_on(codex: AsyncCodex) -> None:
        await codex.models()
        ask(peer, 0)
        assert await reply(peer) == ACCEPTED
        await codex.close()

    first = asyncio.new_event_loop()
    try:
        codex = first.run_until_complete(start())
        if ends == "is closed":
            first.close()
        asyncio.run(go_on(codex))
    finally:
        first.close()


def test_a_handler_whose_turn_is_over_gives_its_place_to_who_waits(peer: ScriptedPeer) -> None:
    prompt, asked = threading.Event(), threading.Event()

    def handler(request: Any) -> None:
        if request.item_id == "first":
            asked.set()
            assert prompt.wait(TIMEOUT_S)  # as `input()` does, which cannot be told
        else:
            request.accept()

    with Codex(config(peer), on_request=handler, max_concurrent_requests=1):
        ask(peer, 0, itemId="first")
        assert asked.wait(TIMEOUT_S)
        ask(peer, 1, itemId="second", turnId="another turn")
        peer.send(over("interrupted"))
        assert peer.expect(None) == {"id": 1, "result": {"decision": "accept"}}
        prompt.set()


def test_answered_requests_with_a_deadline_leave_no_thread_behind(peer: ScriptedPeer) -> None:
    def handler(request: Any) -> None:
        request.provide(1)

    with Codex(config(peer), on_request=handler):
        before = threading.active_count()
        for number in range(50):
            ask(peer, number, "currentTime/read", {"threadId": "t"})
            assert peer.expect(None)["id"] == number
        # A worker and its watch, at most, that are kept for the next.
        assert threading.active_count() <= before + 4


async def test_a_coroutine_whose_request_an_executor_answers_goes_on(peer: ScriptedPeer) -> None:
    ended = asyncio.Event()

    async def handler(request: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(None, request.accept)
        await asyncio.sleep(0.05)
        ended.set()

    async with AsyncCodex(config(peer), on_request=handler):
        ask(peer, 0)
        assert await reply(peer) == ACCEPTED
        await asyncio.wait_for(ended.wait(), TIMEOUT_S)


async def test_a_function_that_answers_and_gives_back_a_coroutine_goes_on(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "_GRACE_S", 0.0)
    ended = asyncio.Event()

    async def later() -> None:
        await asyncio.sleep(0.05)
        ended.set()

    def handler(request: Any) -> Any:
        request.accept()
        return later()

    async with AsyncCodex(config(peer), on_request=handler):
        ask(peer, 0)
        assert await reply(peer) == ACCEPTED
        await asyncio.wait_for(ended.wait(), TIMEOUT_S)


@pytest.mark.parametrize("kind", ["function", "coroutine function"])
async def test_an_answered_request_is_freed_without_the_collector(kind: str, peer: ScriptedPeer) -> None:
    seen: list[weakref.ref[Any]] = []
    over = threading.Semaphore(0)

    def function(request: Any) -> None:
        seen.append(weakref.ref(request))
        request.accept()
        over.release()

    async def coroutine(request: Any) -> None:
        function(request)

    gc.collect()
    gc.disable()
    try:
        handler: Any = function if kind == "function" else coroutine
        async with AsyncCodex(config(peer), on_request=handler) as codex:
            ask(peer, 0)
            assert await reply(peer) == ACCEPTED
            assert await asyncio.to_thread(over.acquire, timeout=TIMEOUT_S)
            for _ in range(200):  # the handler's call ends somewhere else
                if seen[0]() is None:
                    break
                await codex.models()
            assert seen[0]() is None
    finally:
        gc.enable()
