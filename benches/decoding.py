"""What one thread of Python can do with lines that are in memory already: msgspec decodes each into a typed
struct, and a bare async generator hands it over. Nothing waits, nothing is routed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import islice
from typing import Any

import msgspec

from .lines import wire
from .plan import Plan
from .stage import Clock, Figures


class Params(msgspec.Struct, rename="camel"):
    thread_id: str
    turn_id: str
    item_id: str
    delta: str


class Line(msgspec.Struct):
    method: str
    params: Params


def decode(plan: Plan, _options: dict[str, Any]) -> Figures:
    whole = (line for line in wire(plan) if b'"delta":' in line)
    lines = list(islice(whole, plan.turns * plan.deltas))
    read = msgspec.json.Decoder(Line).decode

    async def events() -> AsyncIterator[Line]:
        for line in lines:
            yield read(line)

    async def main() -> Figures:
        characters = 0
        clock = Clock()
        async for event in events():
            if event.method:
                characters += len(event.params.delta)
        figures = clock.stop(len(lines))
        if characters != 5 * len(lines):
            raise AssertionError(f"{characters} characters")
        return figures

    return asyncio.run(main())
