"""Approvals of many turns, answered as fast as they come: requests per second.

The official package has a handler in its low-level client only, which is asked on its reader's thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from ..stage import Clock, Figures, Stage
from .starting import start, start_async


def accept(request: Any) -> None:
    request.accept()


async def accept_async(request: Any) -> None:
    request.accept()


def run_handler(stage: Stage) -> Figures:
    """A handler that is a function; of the official package, the low-level client's."""
    if not stage.ours:
        return run_low_level(stage)
    return timed(stage, stage.sdk.Codex(stage.config(), on_request=accept))


def run_pulled(stage: Stage) -> Figures:
    """One thread that pulls all of them."""
    codex = stage.sdk.Codex(stage.config())
    requests = codex.requests()

    def answer() -> None:
        for request in requests:
            request.accept()

    threading.Thread(target=answer, daemon=True).start()
    return timed(stage, codex)


def timed(stage: Stage, codex: Any) -> Figures:
    """All turns of a client that answers, until they are over."""
    turns = start(codex, stage.plan.turns)
    clock = Clock()
    stage.go()
    for turn in turns:
        turn.run()
    return clock.stop(stage.plan.turns * stage.plan.deltas)


def run_low_level(stage: Stage) -> Figures:
    """The low-level client's handler, one request after the other."""
    return timed_low_level(stage, lambda method, params: {"decision": "accept"})


def timed_low_level(stage: Stage, handler: Callable[[str, Any], dict[str, Any]]) -> Figures:
    """What the low-level client's handler answers, until all turns are over."""
    client_module = __import__(f"{stage.sdk.__name__}.client", fromlist=["client"])
    client = client_module.CodexClient(stage.config(), approval_handler=handler)
    client.start()
    client.initialize()
    ids = []
    for _ in range(stage.plan.turns):
        thread = client.thread_start({}).thread
        ids.append(client.turn_start(thread.id, "Go.").turn.id)
    clock = Clock()
    stage.go()
    for turn_id in ids:
        client.wait_for_turn_completed(turn_id)
    return clock.stop(stage.plan.turns * stage.plan.deltas)


def run_coroutine(stage: Stage) -> Figures:
    """A handler that is a coroutine function."""
    return asyncio.run(timed_async(stage, on_request=accept_async))


async def timed_async(stage: Stage, **answering: Any) -> Figures:
    """All turns of a client that answers in its loop, until they are over."""
    codex = stage.sdk.AsyncCodex(stage.config(), **answering)
    await codex.__aenter__()
    turns = await start_async(codex, stage.plan.turns)
    clock = Clock()
    stage.go()
    await asyncio.gather(*(turn.run() for turn in turns))
    return clock.stop(stage.plan.turns * stage.plan.deltas)
