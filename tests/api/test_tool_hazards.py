"""Tools that hang, and what they hold up: nothing but themselves, and no longer than their time."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from codex_app_server import Codex, CodexConfig
from codex_app_server.tools import ToolContext, tool
from tests.peer import ScriptedPeer, started


def call(number: int, name: str) -> dict[str, Any]:
    params = {"threadId": "t", "turnId": "u", "callId": f"c{number}", "tool": name, "arguments": {}}
    return {"id": number, "method": "item/tool/call", "params": {**params, "namespace": None}}


def test_a_function_that_hangs_holds_its_place_no_longer_than_its_time(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    release, cancelled = threading.Event(), threading.Event()

    @tool(timeout_s=0.2)
    def hang(context: ToolContext) -> str:
        assert context.wait_cancelled(20)
        cancelled.set()
        assert release.wait(20)
        return "too late"

    def quick() -> str:
        return "here"

    peer.answers |= {"thread/start": {"thread": {"id": "t"}}, "turn/start": started("u")}
    config = CodexConfig(launch_args_override=peer.argv)
    with Codex(config, max_concurrent_requests=1) as codex:
        codex.thread_start(tools=[hang, quick]).turn("Go.")
        peer.send(call(1, "hang"), call(2, "quick"))
        first, second = peer.expect(), peer.expect()
        # Told before the function returns, which nobody can make it do.
        assert first["result"]["contentItems"] == [
            {"type": "inputText", "text": "The tool hang took longer than 0.2 s."}
        ]
        assert (first["id"], first["result"]["success"]) == (1, False)
        assert (second["id"], second["result"]["contentItems"][0]["text"]) == (2, "here")
        assert cancelled.wait(20)
        assert not release.is_set()
        release.set()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "The tool hang took longer than 0.2 s, so it was refused"
    ]
    caplog.clear()
