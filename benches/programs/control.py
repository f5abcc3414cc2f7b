"""How long a control call takes while streams wait for events that do not come."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import Any

from ..stage import Figures, Stage, quantiles
from .starting import start, start_async

PATIENCE_S = 10.0
_SETTLE_S = 0.3


def run_async(stage: Stage) -> Figures:
    return asyncio.run(_async(stage))


async def _async(stage: Stage) -> Figures:
    codex = stage.sdk.AsyncCodex(stage.config())
    await codex.__aenter__()
    turns = await start_async(codex, stage.plan.turns)
    waiting = [asyncio.ensure_future(_first(turn)) for turn in turns]
    await asyncio.sleep(_SETTLE_S)
    took = []
    for _ in range(stage.options["calls"]):
        began = time.perf_counter()
        try:
            await asyncio.wait_for(codex.models(), PATIENCE_S)
        except asyncio.TimeoutError:
            return {"hangs": True}
        took.append((time.perf_counter() - began) * 1e6)
    if any(task.done() for task in waiting):
        raise AssertionError("a stream that nothing was sent to is over")
    return quantiles(took)


async def _first(turn: Any) -> None:
    async for _ in turn.stream():
        return


def run_sync(stage: Stage) -> Figures:
    codex = stage.sdk.Codex(stage.config())
    for turn in start(codex, stage.plan.turns):
        threading.Thread(target=lambda turn=turn: next(iter(turn.stream())), daemon=True).start()
    time.sleep(_SETTLE_S)
    # A call that hangs has no end that could be waited for here.
    guard = threading.Timer(stage.options["calls"] * PATIENCE_S, os._exit, [9])
    guard.daemon = True
    guard.start()
    took = []
    for _ in range(stage.options["calls"]):
        began = time.perf_counter()
        codex.models()
        took.append((time.perf_counter() - began) * 1e6)
    return quantiles(took)
