"""Many concurrent turns on the real runtime, with an offline model in another process."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ..plan import DELTA
from ..stage import Clock, Figures, Stage


def run(stage: Stage) -> Figures:
    return asyncio.run(_async(stage))


async def _async(stage: Stage) -> Figures:
    options = stage.options
    tuning: dict[str, Any] = {"config_overrides": ("features.shell_snapshot=false",)}
    if stage.ours:
        tuning = {"features": {"shell_snapshot": False}}
    config = stage.sdk.CodexConfig(env=options["env"], cwd=options["cwd"], **tuning)
    first_at: list[float] = []

    async def one(codex: Any) -> tuple[int, int]:
        thread = await codex.thread_start()
        turn = await thread.turn("Go.")
        seen = deltas = 0
        async for event in turn.stream():
            payload = event.payload
            seen += 1
            if event.method == DELTA:
                deltas += len(payload.delta) > 0
                if not first_at:
                    first_at.append(time.perf_counter())
        return seen, deltas

    async with stage.sdk.AsyncCodex(config) as codex:
        clock = Clock()
        found = await asyncio.gather(*(one(codex) for _ in range(options["turns"])))
        figures = clock.stop(sum(seen for seen, _ in found))
    deltas = sum(deltas for _, deltas in found)
    if deltas != options["turns"] * options["deltas"]:
        raise AssertionError(f"{deltas} deltas")
    return {**figures, "cpu_us_per_event": figures["cpu_s"] / figures["events"] * 1e6}
