"""Tools that type checkers refuse, each for the reason in its mark. Checked, never run."""

from __future__ import annotations

from codex_app_server import AsyncCodex, Codex
from codex_app_server.tools import Audio, Image, Tool, ToolContext, tool


@tool
def look_up(word: str, limit: int = 3) -> list[str]:
    return [word][:limit]


@tool(timeout_s=5)
async def slow(word: str) -> list[str]:
    return [word]


@tool(name=5)  # type: ignore[call-overload, untyped-decorator]
def wrong_name() -> None: ...


@tool(timeout_s="5")  # type: ignore[call-overload, untyped-decorator]
def wrong_time() -> None: ...


@tool(title="Look up")  # type: ignore[call-overload, untyped-decorator]
def wrong_option() -> None: ...


@tool
def with_context(context: ToolContext[Codex]) -> None:
    context.client.thread_begin()  # type: ignore[attr-defined]
    context.thread_id.value  # type: ignore[attr-defined]  # noqa: B018
    context.wait_cancelled("5")  # type: ignore[arg-type]


@tool
async def with_async_context(context: ToolContext[AsyncCodex]) -> None:
    context.client.thread_start().id  # type: ignore[attr-defined]  # noqa: B018


def called() -> None:
    look_up()  # type: ignore[call-arg]
    look_up(5)  # type: ignore[arg-type]
    look_up("codex", most=1)  # type: ignore[call-arg]
    look_up("codex").title()  # type: ignore[attr-defined]
    slow("codex").append("x")  # type: ignore[attr-defined]
    slow("codex", limit=1).close()  # type: ignore[call-arg]
    look_up.title  # type: ignore[attr-defined]  # noqa: B018


def given(codex: Codex) -> None:
    tool("look_up")  # type: ignore[call-overload]
    Tool(look_up, title="x")  # type: ignore[call-arg]
    Codex(tools=look_up)  # type: ignore[arg-type]
    Codex(tools=["look_up"])  # type: ignore[list-item]
    codex.thread_start(tools="look_up")  # type: ignore[arg-type]
    codex.thread_start(tools={"look_up": look_up})  # type: ignore[dict-item]
    codex.thread_resume("t", tools=None)  # type: ignore[arg-type]
    codex.thread_fork("t", tools=[5])  # type: ignore[list-item]
    Image("x")  # type: ignore[arg-type]
    Audio(b"x", 5)  # type: ignore[arg-type]
