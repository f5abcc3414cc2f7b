"""Handlers of requests where the two clients differ: functions on threads, coroutines in loops, the end."""

from __future__ import annotations

import asyncio
import functools
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import AsyncCodex, Codex
from codex_app_server.requests import CommandApproval, ServerRequest
from tests.asked import ask, config, over
from tests.peer import ScriptedPeer

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
    main = threading.main_thread().ident
    assert main is not None
    with Codex(config(peer)) as codex, codex.requests() as requests:
        ask(peer, 0)
        request = next(requests)
        press = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
        press.start()
        with pytest.raises(KeyboardInterrupt):
            request.wait_settled()
        press.join()
        assert not request.settled
        request.refuse()
        assert request.wait_settled()
        assert peer.expect()["result"] == {"decision": "decline"}
