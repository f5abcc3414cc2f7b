"""What a turn costs in memory that is started, and one that somebody waits for besides."""

from __future__ import annotations

import asyncio
import gc

from ..stage import Figures, Stage, rss
from .control import _first
from .starting import start_async

_SETTLE_S = 0.5


def run(stage: Stage) -> Figures:
    return asyncio.run(_async(stage))


async def _async(stage: Stage) -> Figures:
    count = stage.plan.turns - 1
    codex = stage.sdk.AsyncCodex(stage.config())
    await codex.__aenter__()
    # What the first turn loads is no turn's.
    waiting = [asyncio.ensure_future(_first(turn)) for turn in await start_async(codex, 1)]
    await asyncio.sleep(_SETTLE_S)
    gc.collect()
    before = rss()
    turns = await start_async(codex, count)
    gc.collect()
    started = rss()
    waiting += [asyncio.ensure_future(_first(turn)) for turn in turns]
    await asyncio.sleep(_SETTLE_S)
    gc.collect()
    waited_for = rss()
    if any(task.done() for task in waiting):
        raise AssertionError("a stream that nothing was sent to is over")
    return {
        "turns": count,
        "started_bytes": (started - before) / count,
        "waiting_bytes": (waited_for - before) / count,
    }
