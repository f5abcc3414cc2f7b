"""The check that runs one turn: the real runtime on an offline model, in a private home, without a network.

Owns the turn, what is measured of it, and its deadline. Called by `doctor`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import time
from typing import Any

from .report import Finding, Status

_ANSWER = "All is well."
_EXTRA = 'pip install "codex-app-server-sdk[testing]"'


def run(codex_bin: str | None, timeout_s: float) -> Finding:
    """Run the turn; returns what it took."""
    if importlib.util.find_spec("aiohttp") is None:
        return Finding(Status.skipped, "the offline model needs an extra", _EXTRA)
    try:
        text, data = asyncio.run(asyncio.wait_for(_turn(codex_bin), timeout_s))
    except asyncio.TimeoutError:
        return Finding(Status.failed, f"a turn on the offline model did not end within {timeout_s:g} s")
    if text != _ANSWER:
        return Finding(
            Status.failed, f"the turn on the offline model said {text!r}, not {_ANSWER!r}", data=data
        )
    told = f"first event after {data['first_event_ms']:.0f} ms, ended after {data['turn_ms']:.0f} ms"
    return Finding(Status.ok, told, data=data)


async def _turn(codex_bin: str | None) -> tuple[str, dict[str, Any]]:
    from .._async.client import AsyncCodex
    from ..models import AgentMessageDeltaNotification
    from ..testing import OfflineModel

    async with OfflineModel(_ANSWER) as model, AsyncCodex(model.config(codex_bin=codex_bin)) as codex:
        begun = time.perf_counter()
        thread = await codex.thread_start(ephemeral=True)
        started = time.perf_counter()
        turn = await thread.turn("Is all well?")
        text, first = "", None
        async for event in turn.stream():
            first = first or time.perf_counter()
            if isinstance(event.payload, AgentMessageDeltaNotification):
                text += event.payload.delta
        ended = time.perf_counter()
    data = {
        "thread_start_ms": round((started - begun) * 1000, 1),
        "first_event_ms": round(((first or ended) - started) * 1000, 1),
        "turn_ms": round((ended - started) * 1000, 1),
    }
    return text, data
