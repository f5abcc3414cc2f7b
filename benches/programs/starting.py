"""Starting all turns of a plan, each in a thread of its own, before anything is measured.

The official package answers no control call while many of its streams wait, so nobody reads before all turns
are there: the order that suits it best.
"""

from __future__ import annotations

import asyncio
from typing import Any


def start(codex: Any, count: int) -> list[Any]:
    return [codex.thread_start().turn("Go.") for _ in range(count)]


async def start_async(codex: Any, count: int) -> list[Any]:
    async def one() -> Any:
        return await (await codex.thread_start()).turn("Go.")

    return await asyncio.gather(*(one() for _ in range(count)))
