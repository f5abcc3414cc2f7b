"""Many turns at once, with few descriptors: on the real runtime but for one."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from codex_app_server import AsyncCodex, Codex, CodexConfig
from codex_app_server._async.waiting import wait_ready
from codex_app_server._incoming.decoding import decoder
from codex_app_server.models import AgentMessageDeltaNotification
from codex_app_server.testing import Answer, Message, ModelRequest, OfflineModel
from tests.payloads import delta, payload
from tests.peer import ScriptedPeer, event, started
from tests.peer import delta as piece
from tests.programs import python

# They load the machine, and one measures what others wait for meanwhile.
pytestmark = pytest.mark.alone

TURNS = 1000
THREADS = 64


@pytest.fixture(autouse=True)
def few_descriptors() -> Iterator[None]:
    """A soft limit of 1,024, as most systems set it; the runtime needs one descriptor per thread and more."""
    if sys.platform == "win32":  # which has none
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def chunks(prompt: str) -> list[str]:
    """The twenty deltas of the answer to `prompt`, and to no other."""
    return [f"{prompt}/{index} " for index in range(20)]


def scripted(request: ModelRequest) -> Answer:
    return Answer(Message(chunks(request.prompt)))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_thousand_turns_issued_at_once_each_get_their_own_answer(model: OfflineModel) -> None:
    model.reset(scripted)
    model.hold()

    async def one(codex: AsyncCodex, number: int) -> tuple[list[str], str]:
        thread = await codex.thread_start()
        turn = await thread.turn(f"prompt-{number}")
        deltas = [event async for event in turn.stream() if event.method == "item/agentMessage/delta"]
        first = payload(deltas[0], AgentMessageDeltaNotification)
        return [delta(event) for event in deltas], first.thread_id

    async with AsyncCodex(model.config()) as codex:
        turns = asyncio.gather(*(one(codex, number) for number in range(TURNS)))
        # No answer is given before every request has arrived: all turns are alive at the same time.
        await model.wait_for_requests_async(TURNS, 240)
        model.release()
        answers = await turns
    for number, (deltas, _) in enumerate(answers):
        assert "".join(deltas) == "".join(chunks(f"prompt-{number}"))
    assert len({thread_id for _, thread_id in answers}) == TURNS


async def test_a_thousand_turns_whose_events_come_by_turns_each_get_their_own(peer: ScriptedPeer) -> None:
    """The same on a scripted runtime, which takes no time to start a thread."""
    names = [f"t{number}" for number in range(TURNS)]
    left = iter(names)
    peer.answers |= {
        "thread/start": lambda _: {"thread": {"id": next(left)}},
        "turn/start": lambda params: started(f"turn of {params['threadId']}"),
    }

    async def one(codex: AsyncCodex) -> tuple[str, list[str]]:
        turn = await (await codex.thread_start()).turn("go")
        return turn.thread_id, [piece async for piece in turn.stream_text()]

    def answer() -> None:
        for index in range(20):
            peer.send(*(piece(name, f"turn of {name}", chunks(name)[index]) for name in names))
        peer.send(*(event("turn/completed", name, f"turn of {name}") for name in names))

    async with AsyncCodex(CodexConfig(launch_args_override=peer.argv)) as codex:
        turns = asyncio.gather(*(one(codex) for _ in range(TURNS)))
        while codex.stats()["turns_routed"] < TURNS:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(answer)
        answers = dict(await turns)
    assert {name: "".join(pieces) for name, pieces in answers.items()} == {
        name: "".join(chunks(name)) for name in names
    }


@pytest.mark.timeout(120)
def test_sixty_four_threads_each_get_their_own_answer(model: OfflineModel) -> None:
    model.reset(scripted)
    model.hold()

    def one(codex: Codex, number: int) -> str:
        turn = codex.thread_start().turn(f"prompt-{number}")
        return "".join(delta(event) for event in turn.stream() if event.method == "item/agentMessage/delta")

    with Codex(model.config()) as codex, ThreadPoolExecutor(THREADS) as pool:
        turns = [pool.submit(one, codex, number) for number in range(THREADS)]
        model.wait_for_requests(THREADS, 100)
        model.release()
        answers = [turn.result(100) for turn in turns]
    assert answers == ["".join(chunks(f"prompt-{number}")) for number in range(THREADS)]


async def milliseconds(awaitable: Any) -> float:
    begun = time.perf_counter()
    await awaitable
    return (time.perf_counter() - begun) * 1000


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_thousand_idle_streams_and_endless_requests_hold_nobody_up(model: OfflineModel) -> None:
    # One piece at once, and then nothing until the end.
    model.hold()
    waiting: set[int] = set()
    all_wait = asyncio.Event()

    async def follow(codex: AsyncCodex, number: int) -> None:
        turn = await (await codex.thread_start()).turn(f"idle {number}")
        async for _ in turn.stream():
            waiting.add(number)
            if len(waiting) == TURNS:
                all_wait.set()

    async with AsyncCodex(model.config()) as codex:
        streams = [asyncio.ensure_future(follow(codex, number)) for number in range(TURNS)]
        await model.wait_for_requests_async(TURNS, 240)
        await asyncio.wait_for(all_wait.wait(), 60)
        threads_now = threading.active_count()

        async def control_calls() -> dict[str, float]:
            started: list[Any] = []

            async def start() -> None:
                started.append(await codex.thread_start())

            timings = {"models": await milliseconds(codex.models())}
            timings["thread_start"] = await milliseconds(start())
            turn = await started[0].turn("to be interrupted")
            stream = turn.stream()
            await stream.__anext__()
            timings["interrupt"] = await milliseconds(turn.interrupt())
            return timings

        async def medians() -> dict[str, float]:
            rounds = [await control_calls() for _ in range(5)]
            return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}

        idle = await medians()
        # Forty requests that answer only when work ends: commands that wait for their input.
        native = codex._runtime.connection.native
        output = native.subscribe_notifications(["command/exec/outputDelta"])
        endless = [native.open_call("command/exec") for _ in range(40)]
        for number, call in enumerate(endless):
            assert call.admitted
            command = {
                "command": python("import os, sys; os.write(1, b'ready\\n'); sys.stdin.read()"),
                "processId": f"p{number}",
                "streamStdin": True,
                "streamStdoutStderr": True,
                "disableTimeout": True,
            }
            call.send(json.dumps(command).encode())
        ready = 0
        while ready < len(endless):
            events = output.drain(decoder())
            ready += sum(event.method == "command/exec/outputDelta" for event in events)
            await wait_ready(output, 30)
        busy = await medians()
        assert not any(call.wait(0) for call in endless)
        # Milliseconds, on a machine that may be busy: what waits for a stream or a command never ends.
        assert max(*idle.values(), *busy.values()) < 250, (idle, busy)
        assert threading.active_count() == threads_now
        for task in streams:
            task.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
