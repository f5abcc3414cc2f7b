"""A turn that was given up has stopped: the runtime says so, and it has hung up on the model.

Many turns are left in the ways in which programs leave them, at random moments: each second one right after
its start, the others once the model speaks. An answer takes a minute, so a turn that is over was stopped.
`STOPPING_TURNS` says how many turns there are for each way.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from codex_app_server import AsyncCodex, AsyncThread, AsyncTurnHandle
from codex_app_server.models import TurnCompletedNotification
from codex_app_server.testing import Answer, Message, OfflineModel
from codex_app_server.types import TurnStatus
from tests.leaks import assert_idle
from tests.payloads import payload

TURNS = int(os.environ.get("STOPPING_TURNS", "50"))
AT_ONCE = 4
# A thread's history is part of each request to the model, so a thread is used for so many turns only.
TURNS_OF_A_THREAD = 25
# Before and while the runtime asks the model.
LATEST_S = 0.02
DEADLINE_S = 10.0
FOR_A_MINUTE = Answer(Message(["word "] * 3000, chunk_delay_s=0.02))

pytestmark = pytest.mark.timeout(60 + 2 * TURNS)


@dataclass
class Ends:
    """How turns have ended, as the runtime says."""

    statuses: dict[str, TurnStatus] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, codex: AsyncCodex) -> None:
        async with codex.notifications("turn/completed") as events:
            async for event in events:
                turn = payload(event, TurnCompletedNotification).turn
                self.statuses[turn.id] = turn.status
                self._news.set()
                self._news = asyncio.Event()

    async def of(self, turn_id: str) -> TurnStatus | None:
        """How it has ended; None if it goes on until the deadline."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._seen(turn_id), DEADLINE_S)
        return self.statuses.get(turn_id)

    async def _seen(self, turn_id: str) -> None:
        while turn_id not in self.statuses:
            await self._news.wait()


@asynccontextmanager
async def running(model: OfflineModel) -> AsyncIterator[tuple[AsyncCodex, Ends]]:
    """A client, and the proof at its end: every request that the model got was aborted."""
    model.reset(FOR_A_MINUTE)
    ends = Ends()
    async with AsyncCodex(model.config()) as codex:
        listening = asyncio.ensure_future(ends.listen(codex))
        try:
            yield codex, ends
            requests = await asyncio.to_thread(lambda: model.requests)
            assert requests, "every turn was stopped before the model was asked, so this proves nothing of it"
            await model.wait_for_aborts_async(len(requests), DEADLINE_S)
            assert sorted(model.aborted) == [request.number for request in requests]
            assert set(ends.statuses.values()) == {TurnStatus.interrupted}
        finally:
            listening.cancel()
            await asyncio.wait([listening])
        # A generator that nobody reads any more is closed by a task of the loop.
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(calm(codex), DEADLINE_S)
        # A cancelled task's exception holds its frames, and they the handle, which keeps what a result needs.
        gc.collect()
        assert_idle(codex.stats)
        assert codex.stats()["turns_routed"] == codex.stats()["turns_starting"] == 0
    print(f"{len(ends.statuses)} turns, of which {len(requests)} had asked the model")


async def calm(codex: AsyncCodex) -> None:
    while codex.stats()["turns_routed"] or codex.stats()["requests_pending"]:
        await asyncio.sleep(0.01)


async def each_in_turn(
    codex: AsyncCodex, once: Callable[[AsyncThread, float, bool], Awaitable[None]]
) -> None:
    """Do it `TURNS` times, several at once, each on a thread of its own meanwhile.

    It gets a random moment, and each second time it is to wait for the model's first words before.
    """
    moments = random.Random(20)
    left = iter(range(TURNS))

    async def work() -> None:
        used = TURNS_OF_A_THREAD
        for number in left:
            if used == TURNS_OF_A_THREAD:
                thread, used = await codex.thread_start(ephemeral=True), 0
            used += 1
            await once(thread, moments.uniform(0, LATEST_S), number % 2 == 1)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


# --- in a program of one's own


async def plainly(turn: AsyncTurnHandle, moment_s: float) -> None:
    try:
        await asyncio.sleep(moment_s)
    finally:
        await turn.interrupt()


async def under_a_scope_of_anyio(turn: AsyncTurnHandle, moment_s: float) -> None:
    # It cancels each wait in `finally` too, again and again.
    with anyio.move_on_after(moment_s):
        try:
            await anyio.sleep_forever()
        finally:
            await turn.interrupt()


async def cancelled_twice(turn: AsyncTurnHandle, moment_s: float) -> None:
    inside = asyncio.Event()

    async def hold() -> None:
        try:
            inside.set()
            await asyncio.sleep(DEADLINE_S)
        finally:
            await turn.interrupt()

    task = asyncio.ensure_future(hold())
    await inside.wait()
    await asyncio.sleep(moment_s)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize("leave", [plainly, under_a_scope_of_anyio, cancelled_twice])
async def test_a_turn_that_is_interrupted_in_finally_stops(
    model: OfflineModel, leave: Callable[[AsyncTurnHandle, float], Awaitable[None]]
) -> None:
    async with running(model) as (codex, ends):

        async def once(thread: AsyncThread, moment_s: float, speaking: bool) -> None:
            turn = await thread.turn("Go on for ever.")
            if speaking:
                await turn.stream_text().__anext__()
            await leave(turn, moment_s)
            assert await ends.of(turn.id) is TurnStatus.interrupted

        await each_in_turn(codex, once)
        assert len(ends.statuses) == TURNS


# --- behind a web server


async def in_a_block(thread: AsyncThread, begun: list[str]) -> AsyncIterator[str]:
    async with await thread.turn("Go on for ever.") as turn:
        begun.append(turn.id)
        async for piece in turn.stream_text():
            yield piece


async def in_finally(thread: AsyncThread, begun: list[str]) -> AsyncIterator[str]:
    turn = await thread.turn("Go on for ever.")
    try:
        begun.append(turn.id)
        async for piece in turn.stream_text():
            yield piece
    finally:
        await turn.interrupt()


Body = Callable[[AsyncThread, list[str]], AsyncIterator[str]]


class Site:
    """A web application that answers with what a turn says, and knows which of its answers go on."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._app = FastAPI()
        self._app.add_api_route("/{thread_id}", self._answer)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._socket.getsockname()
        self.threads: dict[str, AsyncThread] = {}
        self.begun: dict[str, list[str]] = {}
        self.over: dict[str, asyncio.Event] = {}

    async def _answer(self, thread_id: str) -> StreamingResponse:
        return StreamingResponse(self._body(self.threads[thread_id], self.begun[thread_id]))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            self.over[scope["path"].strip("/")].set()

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        server = uvicorn.Server(uvicorn.Config(self, lifespan="off", ws="none", log_config=None))
        serving = asyncio.ensure_future(server.serve([self._socket]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving

    async def visit(
        self, thread: AsyncThread, hang_up: Callable[[asyncio.StreamReader], Awaitable[None]]
    ) -> list[str]:
        """Ask, hang up, and wait until the answer is over; the turn that it has begun, if it came to that."""
        self.threads[thread.id] = thread
        begun = self.begun[thread.id] = []
        over = self.over[thread.id] = asyncio.Event()
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(f"GET /{thread.id} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await hang_up(reader)
        writer.close()
        await writer.wait_closed()
        await asyncio.wait_for(over.wait(), DEADLINE_S)
        return begun


@pytest.mark.parametrize("body", [in_a_block, in_finally])
async def test_a_client_that_hangs_up_stops_the_turn(model: OfflineModel, body: Body) -> None:
    async with running(model) as (codex, ends):
        site = Site(body)

        async def once(thread: AsyncThread, moment_s: float, speaking: bool) -> None:
            async def read(reader: asyncio.StreamReader) -> None:
                if speaking:
                    await reader.readuntil(b"word ")
                await asyncio.sleep(moment_s)

            begun = await site.visit(thread, read)
            # Without a word, it may have come before the turn, in the midst of its start, or after that.
            assert begun or not speaking
            for turn_id in begun:
                assert await ends.of(turn_id) is TurnStatus.interrupted
            await asyncio.wait_for(idle(thread), DEADLINE_S)

        async with site.served():
            await each_in_turn(codex, once)


async def idle(thread: AsyncThread) -> None:
    while (await thread.read()).thread.status.root.type != "idle":
        await asyncio.sleep(0.001)
