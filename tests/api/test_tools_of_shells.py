"""What tools are in one shell and not in the other: coroutine functions, and what gives back awaitables."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Coroutine
from typing import Any

import pytest

from codex_app_server import AsyncCodex, Codex, InvalidInputTypeError
from codex_app_server._serving import alarms
from codex_app_server.testing import Answer, FunctionCall, OfflineModel
from codex_app_server.tools import Tool, ToolContext, ToolError, tool
from tests.asked import CALL, CALL_METHOD, ask, config
from tests.peer import ScriptedPeer
from tests.wishes import once


@tool
async def slow() -> str:
    """Be slow."""
    await asyncio.sleep(0)
    return "done"


class Slow:
    async def __call__(self) -> str:
        """Be slow."""
        return await slow()


@pytest.mark.parametrize("function", [slow, slow.function, functools.partial(slow.function), Slow()])
def test_threads_run_no_coroutine_functions(function: Any, peer: ScriptedPeer) -> None:
    named = function if isinstance(function, Tool) else Tool(function, name="slow")
    with pytest.raises(InvalidInputTypeError, match="tool slow is a coroutine function: that goes with"):
        Codex(tools=[named])
    with Codex(config(peer)) as codex:
        del peer.answers["thread/start"]
        with pytest.raises(InvalidInputTypeError, match="tool slow is a coroutine function"):
            codex.thread_start(tools=[named])
        assert peer.received == 0


def test_threads_await_nothing_that_a_function_gives_back(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    def look_up(word: str) -> Coroutine[Any, Any, str]:
        """Look a word up."""
        return slow()

    # Warnings are errors: what is made here must not be left without having been awaited.
    with Codex(config(peer), tools=[look_up]):
        ask(peer, 0, CALL_METHOD, CALL)
        assert peer.expect()["result"]["success"] is False
    assert "AsyncCodex" in caplog.text
    assert "request.accept" not in caplog.text
    caplog.clear()


@pytest.mark.parametrize("function", [slow.function, functools.partial(slow.function), Slow()])
async def test_a_loop_runs_everything_that_is_awaited(function: Any, model: OfflineModel) -> None:
    model.reset(once(FunctionCall("slow", {})))
    async with AsyncCodex(model.config(), tools=[Tool(function, name="slow")]) as codex:
        result = await (await codex.thread_start()).run("Go.")
    assert result.final_response == "done"
    assert result.request_errors == ()


async def test_a_function_of_a_loops_client_may_give_back_a_coroutine(model: OfflineModel) -> None:
    def depth(berth: str) -> Coroutine[Any, Any, str]:
        """Tell the depth."""
        if berth == "here":
            return slow()
        return fails()

    async def fails() -> str:
        raise ToolError("There is no such berth.")

    model.reset(once(FunctionCall("depth", {"berth": "here"}), FunctionCall("depth", {"berth": "there"})))
    async with AsyncCodex(model.config(), tools=[depth]) as codex:
        result = await (await codex.thread_start()).run("Go.")
    assert model.requests[-1].tool_outputs == ("done", "There is no such berth.")
    assert result.request_errors == ()


async def test_a_coroutine_function_runs_in_the_loop_and_a_function_does_not(model: OfflineModel) -> None:
    @tool
    async def here() -> bool:
        """Look where this runs."""
        return asyncio.get_running_loop() is loop

    @tool
    def elsewhere() -> bool:
        """Look where this runs."""
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return True

    loop = asyncio.get_running_loop()
    model.reset(once(FunctionCall("here", {}), FunctionCall("elsewhere", {})))
    async with AsyncCodex(model.config(), tools=[here, elsewhere]) as codex:
        await (await codex.thread_start()).run("Go.")
    assert model.requests[-1].tool_outputs == ("true", "true")


async def test_a_coroutine_that_cancels_itself_has_failed(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    @tool
    async def gives_up() -> None:
        """Give up."""
        raise asyncio.CancelledError

    model.reset(once(FunctionCall("gives_up", {})))
    async with AsyncCodex(model.config(), tools=[gives_up]) as codex:
        result = await (await codex.thread_start()).run("Go.")
    assert result.final_response == "The tool gives_up failed with CancelledError."
    assert len(result.request_errors) == 1
    caplog.clear()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_a_function_ends_its_call_and_not_the_program(
    error: BaseException, peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    def look_up(word: str) -> None:
        """Look a word up."""
        raise error

    with Codex(config(peer), tools=[look_up]):
        ask(peer, 0, CALL_METHOD, CALL)
        result = peer.expect()["result"]
        name = type(error).__name__
        assert result["contentItems"] == [
            {"type": "inputText", "text": f"The tool look_up failed with {name}."}
        ]
        assert result["success"] is False
    caplog.clear()


def test_the_records_say_which_tool_has_answered(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    def look_up(context: ToolContext[Codex], word: str) -> str:
        """Look a word up."""
        return "a private book"

    caplog.set_level(logging.INFO, "codex_app_server.requests")
    with Codex(config(peer), tools=[look_up]):
        ask(peer, 0, CALL_METHOD, CALL)
        assert peer.expect()["result"]["success"] is True
    (line,) = [each.getMessage() for each in caplog.records if each.name == "codex_app_server.requests"]
    assert "tool_call" in line
    assert "tool look_up" in line
    assert "private" not in caplog.text


def test_a_call_that_could_not_be_begun_keeps_no_place(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def look_up(word: str) -> str:
        """Look a word up."""
        return "a book"

    def fail(seconds: float, work: object) -> None:
        raise RuntimeError("can't start new thread")

    with Codex(config(peer), tools=[look_up], max_concurrent_requests=1):
        with monkeypatch.context() as patched:
            patched.setattr(alarms, "after", fail)
            ask(peer, 0, CALL_METHOD, CALL)
            assert peer.expect()["result"]["success"] is False
        ask(peer, 1, CALL_METHOD, CALL)
        assert peer.expect()["result"]["success"] is True
    caplog.clear()


def test_a_tool_of_a_turn_that_fails_later_was_called_once(model: OfflineModel) -> None:
    called: list[str] = []

    def note(text: str) -> str:
        """Note something."""
        called.append(text)
        return "noted"

    model.reset([Answer(FunctionCall("note", {"text": "x"})), "Good."])
    with Codex(model.config(), tools=[note]) as codex:
        assert codex.thread_start().run("Go.").final_response == "Good."
    assert called == ["x"]
