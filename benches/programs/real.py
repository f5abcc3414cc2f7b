"""Many concurrent turns on the real runtime, with an offline model in another process.

Each run has a home of its own: what earlier ones have stored would make the runtime slower.
"""

from __future__ import annotations

import asyncio
from typing import Any

from codex_app_server.testing import Answer, Message, OfflineModel

from ..plan import DELTA
from ..stage import Clock, Figures, Stage


def model(options: dict[str, Any]) -> OfflineModel:
    """A model that says the same to everybody."""
    return OfflineModel(Answer(Message([f"word {number} " for number in range(options["deltas"])])))


def run(stage: Stage) -> Figures:
    with model(stage.options) as answering:
        return asyncio.run(_async(stage, answering))


async def _async(stage: Stage, answering: OfflineModel) -> Figures:
    options = stage.options
    tuning: dict[str, Any] = {"config_overrides": ("features.shell_snapshot=false",)}
    if stage.ours:
        tuning = {"features": {"shell_snapshot": False}}
    config = stage.sdk.CodexConfig(env=answering.env, cwd=str(answering.workspace), **tuning)

    async def one(codex: Any) -> tuple[int, int]:
        thread = await codex.thread_start()
        turn = await thread.turn("Go.")
        seen = deltas = 0
        async for event in turn.stream():
            payload = event.payload
            seen += 1
            if event.method == DELTA:
                deltas += len(payload.delta) > 0
        return seen, deltas

    async with stage.sdk.AsyncCodex(config) as codex:
        clock = Clock()
        found = await asyncio.gather(*(one(codex) for _ in range(options["turns"])))
        figures = clock.stop(sum(seen for seen, _ in found))
    deltas = sum(deltas for _, deltas in found)
    if deltas != options["turns"] * options["deltas"]:
        raise AssertionError(f"{deltas} deltas")
    return {**figures, "cpu_us_per_event": figures["cpu_s"] / figures["events"] * 1e6}
