"""Handles of turns that are made before their client is started, while it is, and after it could not be."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from codex_app_server import AsyncCodex, AsyncTurnHandle, CodexConfig, StartupError, TurnHandle
from codex_app_server._native import Subscription
from codex_app_server._sync.stream import EventCursor
from codex_app_server.client import CodexClient
from tests.api._async.concurrency import expected
from tests.api._sync.concurrency import TIMEOUT_S, together
from tests.peer import ScriptedPeer, event

LOST_THE_RACE = "Error: failed to initialize sqlite state runtime under /home: no"
TOLD = [event("turn/started", "t", "u"), event("turn/completed", "t", "u")]


def failing_once(peer: ScriptedPeer, tmp_path: Path, words: str) -> CodexConfig:
    """The first process only says these words."""
    peer.answers["model/list"] = {"data": [], "nextCursor": None}
    mark = str(tmp_path / "mark")
    code = (
        "import os, sys\n"
        f"if not os.path.exists({mark!r}):\n"
        f"    open({mark!r}, 'w').close()\n"
        f"    sys.exit({words!r})\n"
        f"sys.argv[:] = {peer.argv[3:]!r}\n"
        "exec(open(sys.argv[0]).read())\n"
    )
    return CodexConfig(launch_args_override=(sys.executable, "-S", "-E", "-c", code))


async def heard(handle: AsyncTurnHandle) -> list[str]:
    return [one.method async for one in handle.stream()]


async def test_a_handle_follows_its_turn_in_the_process_that_is_started_at_last(
    peer: ScriptedPeer, tmp_path: Path
) -> None:
    codex = AsyncCodex(failing_once(peer, tmp_path, LOST_THE_RACE))
    handle = AsyncTurnHandle(codex, "t", "u")
    async with codex:
        peer.send(*TOLD)
        await codex.models()  # answered behind them
        assert await heard(handle) == ["turn/started", "turn/completed"]


async def test_handles_are_made_before_and_after_a_start_that_fails(
    peer: ScriptedPeer, tmp_path: Path
) -> None:
    codex = AsyncCodex(failing_once(peer, tmp_path, "Not today."))
    before = AsyncTurnHandle(codex, "t", "u")
    with pytest.raises(StartupError, match="Not today"):
        await codex.models()
    after = AsyncTurnHandle(codex, "t", "u")
    async with codex:
        peer.send(*TOLD)
        await codex.models()
        for handle in (before, after):
            assert await heard(handle) == ["turn/started", "turn/completed"]


async def test_a_handler_from_before_a_start_that_fails_is_asked(peer: ScriptedPeer, tmp_path: Path) -> None:
    codex = AsyncCodex(failing_once(peer, tmp_path, "Not today."))
    codex._client._approval_handler = lambda method, params: {"by": method}
    with pytest.raises(StartupError, match="Not today"):
        await codex.models()
    async with codex:
        peer.send({"id": 7, "method": "currentTime/read", "params": {"threadId": "t"}})
        assert await expected(peer, None) == {"id": 7, "result": {"by": "currentTime/read"}}


async def test_a_handle_is_made_while_the_client_is_being_started(peer: ScriptedPeer) -> None:
    peer.answers["model/list"] = {"data": [], "nextCursor": None}
    hello = peer.answers.pop("initialize")
    codex = AsyncCodex(CodexConfig(launch_args_override=peer.argv))
    starting = asyncio.ensure_future(codex.models())
    request = await expected(peer, "initialize")
    handle = AsyncTurnHandle(codex, "t", "u")
    peer.send(*TOLD)
    peer.answer(request, hello)
    await starting
    assert await heard(handle) == ["turn/started", "turn/completed"]
    await codex.close()


async def test_a_handle_of_a_client_that_was_never_started_is_closed_after_it(peer: ScriptedPeer) -> None:
    codex = AsyncCodex(CodexConfig(launch_args_override=peer.argv))
    handle = AsyncTurnHandle(codex, "t", "u")
    await codex.close()
    await handle.aclose()


def test_threads_that_use_one_at_once_share_its_place(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.answers["model/list"] = {"data": [], "nextCursor": None}
    client = CodexClient(CodexConfig(launch_args_override=peer.argv))
    handle = TurnHandle(client, "t", "u")
    # Each has found that none has begun.
    both = threading.Barrier(2, timeout=TIMEOUT_S)
    following = TurnHandle._following

    def begun(self: TurnHandle, subscription: Subscription) -> EventCursor:
        both.wait()
        return following(self, subscription)

    with client, monkeypatch.context() as patched:
        client.initialize()
        patched.setattr(TurnHandle, "_following", begun)
        streams = together(handle.stream, handle.stream)
        peer.send(*TOLD)
        heard = [one.method for stream in streams for one in stream]
        assert heard == ["turn/started", "turn/completed"]
