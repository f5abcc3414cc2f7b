"""A coroutine function as the handler of a low-level client is asked in whatever loop the client is used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from codex_app_server import AsyncCodex, CodexConfig
from codex_app_server.async_client import AsyncCodexClient
from codex_app_server.models import JsonObject
from tests.api._async.concurrency import expected
from tests.peer import ScriptedPeer

ASKED = {"method": "currentTime/read", "params": {"threadId": "t"}}


async def by_name(method: str, params: JsonObject | None) -> JsonObject:
    await asyncio.sleep(0)
    return {"by": method}


async def answered(client: Any, peer: ScriptedPeer, number: int) -> None:
    await client.model_list()
    peer.send({"id": number, **ASKED})
    assert await expected(peer, None) == {"id": number, "result": {"by": "currentTime/read"}}


def scripted(peer: ScriptedPeer) -> CodexConfig:
    peer.answers["model/list"] = {"data": [], "nextCursor": None}
    return CodexConfig(launch_args_override=peer.argv)


def test_a_coroutine_handler_is_set_before_there_is_a_loop(peer: ScriptedPeer) -> None:
    codex = AsyncCodex(scripted(peer))
    codex._client._approval_handler = by_name

    async def main() -> None:
        async with codex:
            await answered(codex._client, peer, 1)

    asyncio.run(main())


def low_level(config: CodexConfig) -> Any:
    return AsyncCodexClient(config, approval_handler=by_name)


def of_a_codex(config: CodexConfig) -> Any:
    codex = AsyncCodex(config)
    codex._client._approval_handler = by_name
    client: Any = codex._client
    client.held = codex
    return client


@pytest.mark.parametrize("make", [low_level, of_a_codex])
def test_a_coroutine_handler_is_asked_in_one_loop_after_the_other(
    make: Callable[[CodexConfig], Any], peer: ScriptedPeer
) -> None:
    made = []

    async def first() -> None:
        client = make(scripted(peer))
        made.append(client)
        await client.start()
        await client.initialize()
        await answered(client, peer, 1)

    async def second() -> None:
        await answered(made[0], peer, 2)
        await made[0].close()

    asyncio.run(first())
    asyncio.run(second())


def test_a_coroutine_handler_that_is_set_from_a_thread_is_asked_in_the_clients_loop(
    peer: ScriptedPeer,
) -> None:
    async def main() -> None:
        async with AsyncCodex(scripted(peer)) as codex:
            await codex.models()
            client = codex._client
            await asyncio.to_thread(setattr, client, "_approval_handler", by_name)
            await answered(client, peer, 1)

    asyncio.run(main())
