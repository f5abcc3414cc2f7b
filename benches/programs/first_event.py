"""How long an event takes from the moment before it is written to the pipe until its consumer has it.

The server says in the event when it wrote it, by the clock that all processes of a machine share. The
consumer waits for each event ("idle"), or all other turns get deltas as fast as they are read at the same
time.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from ..plan import DELTA, WARM_UP, number_of
from ..stage import Figures, Stage, quantiles
from .starting import start, start_async
from .streams import stream_async, stream_sync


def split(turns: list[Any]) -> tuple[Any, list[Any]]:
    """The turn whose events say when they were written, and the others."""
    stamped = [turn for turn in turns if number_of(turn.id) == 0]
    return stamped[0], [turn for turn in turns if number_of(turn.id)]


def run_async(stage: Stage) -> Figures:
    return asyncio.run(_async(stage))


async def _async(stage: Stage) -> Figures:
    codex = stage.sdk.AsyncCodex(stage.config())
    await codex.__aenter__()
    stamped, others = split(await start_async(codex, stage.plan.turns))
    following = [asyncio.ensure_future(stream_async(turn)) for turn in others]
    took = []
    stage.go()
    async for event in stamped.stream():
        if event.method == DELTA:
            took.append((time.monotonic_ns() - int(event.payload.delta)) / 1000)
    return _figures(stage, took, any(task.done() for task in following))


def run_sync(stage: Stage) -> Figures:
    codex = stage.sdk.Codex(stage.config())
    stamped, others = split(start(codex, stage.plan.turns))
    following = [threading.Thread(target=stream_sync, args=(turn,), daemon=True) for turn in others]
    for thread in following:
        thread.start()
    took = []
    stage.go()
    for event in stamped.stream():
        if event.method == DELTA:
            took.append((time.monotonic_ns() - int(event.payload.delta)) / 1000)
    return _figures(stage, took, not all(thread.is_alive() for thread in following))


def _figures(stage: Stage, took: list[float], early: bool) -> Figures:
    if len(took) != stage.plan.deltas or early:
        raise AssertionError(f"{len(took)} events instead of {stage.plan.deltas}")
    # What the first events load (models, decoders) is the business of another row.
    return quantiles(took[WARM_UP:])
