"""What events cost in memory that nobody has read yet. Read afterwards: all of them must be there."""

from __future__ import annotations

import time

from ..stage import Figures, Stage, rss
from .starting import start
from .streams import stream_sync


def run(stage: Stage) -> Figures:
    plan = stage.plan
    with stage.sdk.Codex(stage.config()) as codex:
        turns = start(codex, plan.turns)
        codex.models()
        before, began = rss(), time.perf_counter()
        stage.go()
        # Answered behind the last event, and routed by the same thread in the order of the wire.
        codex.models()
        took, held = time.perf_counter() - began, rss() - before
        seen = sum(stream_sync(turn)[0] for turn in turns)
        events = plan.turns * plan.events
        if seen != events:
            raise AssertionError(f"{seen} events instead of {events}")
        return {"events": events, "bytes_per_event": held / events, "wall_s": took, "rate": events / took}
