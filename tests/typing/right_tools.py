"""Tools as type checkers accept them, with what they know of them. Checked, never run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import assert_type

from codex_app_server import AsyncCodex, Codex
from codex_app_server.tools import Audio, Image, Tool, ToolContext, ToolError, tool


@tool
def look_up(word: str, limit: Annotated[int, Field(ge=1)] = 3) -> list[str]:
    """Look a word up."""
    return [word][:limit]


@tool(name="slow", description="Be slow.", timeout_s=None)
async def slow(word: str, *, limit: int = 3) -> list[str]:
    return [word][:limit]


@tool()
def with_context(context: ToolContext[Codex], word: str) -> str:
    assert_type(context.client, Codex)
    assert_type(context.thread_id, str)
    assert_type(context.cancelled, bool)
    assert_type(context.wait_cancelled(1), bool)
    thread = context.client.thread_start()
    return thread.run(word).final_response or ""


@tool(timeout_s=5)
async def with_async_context(context: ToolContext[AsyncCodex]) -> str:
    assert_type(context.client, AsyncCodex)
    thread = await context.client.thread_start()
    return (await thread.run("Go.")).final_response or ""


def with_any_context(context: ToolContext, word: str) -> str:
    assert_type(context.client, Any)
    return word


class Shelf:
    @tool
    def find(self, word: str) -> Image:
        return Image.from_file(word)

    @tool
    @staticmethod
    def play(word: str) -> Audio:
        return Audio.from_file(word)


def called() -> None:
    assert_type(look_up("codex"), list[str])
    assert_type(look_up("codex", limit=1), list[str])
    assert_type(look_up.name, str)
    assert_type(look_up.description, str)
    assert_type(look_up.timeout_s, float | None)
    assert_type(look_up.input_schema, dict[str, Any])
    # Each is a callable with its own parameters.
    like_it: Callable[[str], list[str]] = look_up
    like_it("codex")
    shelf = Shelf()
    assert_type(shelf.find("codex"), Image)
    assert_type(shelf.play("codex"), Audio)
    assert_type(shelf.find, Tool[..., Image])


async def awaited() -> None:
    assert_type(await slow("codex"), list[str])
    like_it: Callable[[str], Coroutine[Any, Any, list[str]]] = slow
    assert_type(await like_it("codex"), list[str])


def given(codex: Codex) -> None:
    shelf = Shelf()
    Codex(tools=[look_up, with_context, with_any_context, shelf.find, len])
    codex.thread_start(tools=[look_up, functools.partial(print, "x")])
    codex.thread_start(tools=(tool for tool in (look_up, with_context)))
    codex.thread_start(tools=())
    codex.thread_resume("t", tools=[look_up])
    codex.thread_fork("t", tools={look_up, with_context})
    Tool(shelf.find, name="other", description="Find.", timeout_s=1.5)
    raise ToolError("There is none.")


async def given_async(codex: AsyncCodex) -> None:
    AsyncCodex(tools=[look_up, slow, with_async_context])
    await codex.thread_start(tools=[slow])
    await codex.thread_resume("t", tools=[slow])
    await codex.thread_fork("t", tools=[slow])
