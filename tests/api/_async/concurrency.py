"""Doing things at once, with tasks. `_sync/concurrency.py` has the same names for threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.peer import ScriptedPeer

TIMEOUT_S = 50.0


async def together(*jobs: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Run all at once and return their results in order; the first failure is raised."""
    return list(await asyncio.wait_for(asyncio.gather(*(job() for job in jobs)), TIMEOUT_S))


class Background:
    """A job that runs beside the test."""

    def __init__(self, job: Callable[[], Awaitable[Any]]) -> None:
        self._task = asyncio.ensure_future(job())

    async def result(self) -> Any:
        """What it returned, or what it raised."""
        return await asyncio.wait_for(self._task, TIMEOUT_S)

    async def stop(self) -> None:
        """Cancel it."""
        self._task.cancel()
        await asyncio.wait([self._task], timeout=TIMEOUT_S)


class Marks:
    """Named points: one side reaches them, the other waits for them."""

    def __init__(self) -> None:
        self._reached: dict[str, asyncio.Event] = {}

    def _event(self, name: str) -> asyncio.Event:
        return self._reached.setdefault(name, asyncio.Event())

    async def reach(self, name: str) -> None:
        self._event(name).set()

    async def wait(self, name: str) -> None:
        await asyncio.wait_for(self._event(name).wait(), TIMEOUT_S)


async def expected(peer: ScriptedPeer, method: str | None) -> dict[str, Any]:
    """The next message of the client, which must be `method` if that is given; the loop goes on meanwhile."""
    return await asyncio.to_thread(peer.expect, method)
