"""Calls of tools of many turns, answered as fast as they come: calls per second.

By functions, whose arguments are checked, and by hand: in a handler of the low-level client, as a program
has to do it with the official package.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ..stage import Figures, Stage
from .answering import timed, timed_async, timed_low_level


def look_up(word: str, limit: int = 3, exact: bool = False) -> str:
    """Look a word up."""
    return f"{word}: a book"


async def look_up_async(word: str, limit: int = 3, exact: bool = False) -> str:
    """Look a word up."""
    return f"{word}: a book"


def by_hand(method: str, params: Any) -> dict[str, Any]:
    """What a program without tools has to do, with no check of the arguments."""
    if method != "item/tool/call" or params["tool"] != "look_up":
        raise SystemExit(f"{method} was not expected")
    item = {"type": "inputText", "text": look_up(**params["arguments"])}
    return {"contentItems": [item], "success": True}


def run_function(stage: Stage) -> Figures:
    """A tool that is a function."""
    return timed(stage, stage.sdk.Codex(stage.config(), tools=[look_up]))


def run_coroutine(stage: Stage) -> Figures:
    """A tool that is a coroutine function."""
    from codex_app_server.tools import Tool

    return asyncio.run(timed_async(stage, tools=[Tool(look_up_async, name="look_up")]))


def run_by_hand(stage: Stage) -> Figures:
    """The low-level client's handler; the official one calls it on the thread that reads."""
    return timed_low_level(stage, by_hand)
