"""All turns of a plan at once, read by `stream()`, as text, or by `run()`: events per second.

Every payload is touched. With the option `check` nothing is timed: each turn comes to checksums instead, of
what was seen and in which order, and of the class and dump of every event.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from tests.differential.plain import plain

from ..lines import turn_lines
from ..plan import DELTA, Plan, number_of
from ..stage import Clock, Figures, Stage
from .starting import start, start_async


class Order:
    """A checksum of methods and texts in their order."""

    def __init__(self) -> None:
        self._crc = 0

    def note(self, method: str, text: str) -> None:
        self._crc = zlib.crc32(f"{method} {text}\n".encode(), self._crc)

    def result(self) -> str:
        return f"{self._crc:08x}"


class Seen:
    """Everything that a program can see of a turn's events, as a count, the order's checksum, and a hash."""

    def __init__(self, stage: Stage) -> None:
        self._models = stage.models
        self._count = 0
        self._order = Order()
        self._hash = hashlib.sha256()

    def take(self, event: Any) -> None:
        kind = type(event.payload)
        if getattr(self._models, kind.__name__, None) is not kind:
            raise AssertionError(f"{event.method} has a payload of {kind}, which is no generated model")
        self._count += 1
        self._order.note(event.method, event.payload.delta if event.method == DELTA else "")
        dump = json.dumps(event.payload.model_dump(mode="json", by_alias=True), sort_keys=True)
        self._hash.update(f"{event.method} {kind.__name__} {dump}\n".encode())

    def result(self) -> list[Any]:
        return [self._order.result(), self._count, self._hash.hexdigest()]


def expected_order(plan: Plan, turn: int) -> str:
    """What the lines of a turn come to, read by nothing but `json`."""
    order = Order()
    for line in turn_lines(plan, turn):
        message = json.loads(line)
        method = message["method"]
        order.note(method, message["params"]["delta"] if method == DELTA else "")
    return order.result()


# --- what is timed: (events or pieces, characters) of one turn


async def stream_async(turn: Any) -> tuple[int, int]:
    seen = characters = 0
    async for event in turn.stream():
        payload = event.payload
        seen += 1
        if event.method == DELTA:
            characters += len(payload.delta)
    return seen, characters


def stream_sync(turn: Any) -> tuple[int, int]:
    seen = characters = 0
    for event in turn.stream():
        payload = event.payload
        seen += 1
        if event.method == DELTA:
            characters += len(payload.delta)
    return seen, characters


async def text_async(turn: Any) -> tuple[int, int]:
    seen = characters = 0
    async for piece in turn.stream_text():
        seen += 1
        characters += len(piece)
    return seen, characters


def text_sync(turn: Any) -> tuple[int, int]:
    seen = characters = 0
    for piece in turn.stream_text():
        seen += 1
        characters += len(piece)
    return seen, characters


async def filter_async(turn: Any) -> tuple[int, int]:
    """How a program gets the text where handles have no `stream_text`."""
    seen = characters = 0
    async for event in turn.stream():
        if event.method == DELTA:
            seen += 1
            characters += len(event.payload.delta)
    return seen, characters


def filter_sync(turn: Any) -> tuple[int, int]:
    seen = characters = 0
    for event in turn.stream():
        if event.method == DELTA:
            seen += 1
            characters += len(event.payload.delta)
    return seen, characters


async def fold_async(turn: Any) -> tuple[int, int]:
    result = await turn.run()
    return len(result.items), len(result.final_response)


def fold_sync(turn: Any) -> tuple[int, int]:
    result = turn.run()
    return len(result.items), len(result.final_response)


def expected(stage: Stage) -> tuple[int, int]:
    """What all turns come to together."""
    plan, how = stage.plan, stage.options["how"]
    if how == "run":
        return 2 * plan.turns, min(5 * plan.deltas, 2000) * plan.turns
    if plan.kind == "mixed":
        events = [json.loads(line) for turn in range(plan.turns) for line in turn_lines(plan, turn)]
        texts = [event["params"]["delta"] for event in events if event["method"] == DELTA]
        return len(events), sum(map(len, texts))
    each = plan.deltas if how == "text" else plan.events
    return each * plan.turns, 5 * plan.deltas * plan.turns


def tally(stage: Stage, clock: Clock, found: Iterable[tuple[int, int]]) -> Figures:
    """The figures, if all came that had to."""
    plan = stage.plan
    seen, characters = (sum(column) for column in zip(*found, strict=True))
    count = seen if plan.kind == "mixed" else plan.events * plan.turns
    figures = clock.stop(count)
    if (seen, characters) != expected(stage):
        raise AssertionError(f"{seen} and {characters} instead of {expected(stage)}")
    return figures


# --- both shells


def run_async(stage: Stage) -> Figures:
    return asyncio.run(_async(stage))


async def _async(stage: Stage) -> Figures:
    how: str = stage.options["how"]
    ways: dict[str, Callable[[Any], Awaitable[tuple[int, int]]]] = {
        "stream": stream_async,
        "text": text_async if stage.ours else filter_async,
        "run": fold_async,
    }
    async with stage.sdk.AsyncCodex(stage.config()) as codex:
        turns = await start_async(codex, stage.plan.turns)
        if "check" in stage.options:
            stage.go()
            results = await asyncio.gather(*(_checked_async(stage, turn) for turn in turns))
            return judged(stage, turns, results)
        clock = Clock()
        stage.go()
        return tally(stage, clock, await asyncio.gather(*map(ways[how], turns)))


def _official_part(result: Any) -> dict[str, Any]:
    """A result without what only ours has, which is empty here: nothing was asked, and for no type."""
    whole: dict[str, Any] = plain(result)
    for name in ("request_errors", "output"):
        if whole.pop(name, None):
            raise AssertionError(f"{name} is not empty")
    return whole


async def _checked_async(stage: Stage, turn: Any) -> Any:
    how = stage.options["how"]
    if how == "run":
        return _official_part(await turn.run())
    if how == "text" and stage.ours:
        return zlib.crc32("|".join([piece async for piece in turn.stream_text()]).encode())
    if how == "text":
        pieces = [event.payload.delta async for event in turn.stream() if event.method == DELTA]
        return zlib.crc32("|".join(pieces).encode())
    seen = Seen(stage)
    async for event in turn.stream():
        seen.take(event)
    return seen.result()


def run_sync(stage: Stage) -> Figures:
    how: str = stage.options["how"]
    ways: dict[str, Callable[[Any], tuple[int, int]]] = {
        "stream": stream_sync,
        "text": text_sync if stage.ours else filter_sync,
        "run": fold_sync,
    }
    with stage.sdk.Codex(stage.config()) as codex:
        turns = start(codex, stage.plan.turns)
        if "check" in stage.options:
            results, _ = in_threads(stage, lambda turn: _checked_sync(stage, turn), turns)
            return judged(stage, turns, results)
        found, clock = in_threads(stage, ways[how], turns)
        return tally(stage, clock, found)


def in_threads(stage: Stage, work: Callable[[Any], Any], turns: list[Any]) -> tuple[list[Any], Clock]:
    """One thread for each turn; what each came to, and the clock that ran since the signal."""
    found: list[Any] = [None] * len(turns)

    def one(number: int) -> None:
        found[number] = work(turns[number])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(turns))]
    for thread in threads:
        thread.start()
    clock = Clock()
    stage.go()
    for thread in threads:
        thread.join()
    return found, clock


def _checked_sync(stage: Stage, turn: Any) -> Any:
    how = stage.options["how"]
    if how == "run":
        return _official_part(turn.run())
    if how == "text" and stage.ours:
        return zlib.crc32("|".join(turn.stream_text()).encode())
    if how == "text":
        pieces = (event.payload.delta for event in turn.stream() if event.method == DELTA)
        return zlib.crc32("|".join(pieces).encode())
    seen = Seen(stage)
    for event in turn.stream():
        seen.take(event)
    return seen.result()


def judged(stage: Stage, turns: list[Any], results: list[Any]) -> Figures:
    """The checksums by turn; those of the order are compared with the lines here."""
    found = {number_of(turn.id): result for turn, result in zip(turns, results, strict=True)}
    if stage.options["how"] == "stream":
        wrong = [number for number, (crc, *_) in found.items() if crc != expected_order(stage.plan, number)]
        if wrong:
            raise AssertionError(f"turns {wrong} are not what was sent")
    checksums = [found[number] for number in sorted(found)]
    return {"checksums": [digest(one) if isinstance(one, dict) else one for one in checksums]}


def digest(result: Any) -> str:
    """A turn's result, as `plain` has it, in one line."""
    text = json.dumps(result, sort_keys=True)
    return f"{result['final_response'][:20]} {hashlib.sha256(text.encode()).hexdigest()}"
