"""The lines of a plan's turns, byte by byte as the runtime writes them, and their order on the wire.

A delta is a line of 204 bytes with a text of its own, so that a lost, doubled or swapped one is noticed.
Called by the flood server before anything is timed, and by whoever wants to know what was to be expected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from . import mixed, replay
from .plan import DELTA, Plan, thread_id, turn_id

BLOCK_BYTES = 1 << 20
# A message's text is that of its deltas, as far as this.
_TEXT = 2000
# Five digits, and no two turns begin alike.
_TEXTS, _APART = 1 << 20, 7919


def line(method: str, thread: str, turn: str | None, params: dict[str, Any]) -> bytes:
    ids = {"threadId": thread} if turn is None else {"threadId": thread, "turnId": turn}
    message = {"method": method, "params": {**ids, **params}, "emittedAtMs": replay.NOW * 1000}
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def delta_maker(number: int) -> Callable[[int], bytes]:
    """A function of the delta's number that makes a delta of one turn; 204 bytes."""
    whole = line(DELTA, thread_id(number), turn_id(number), {"itemId": "m1", "delta": "?"})
    head, tail = whole.split(b"?")
    first = number * _APART
    return lambda delta: b"%b%05x%b" % (head, (first + delta) % _TEXTS, tail)


def text_of(number: int, delta: int) -> str:
    return f"{(number * _APART + delta) % _TEXTS:05x}"


def turn_lines(plan: Plan, number: int) -> Iterator[bytes]:
    """All lines of one turn, in order."""
    thread, turn = thread_id(number), turn_id(number)
    yield line("turn/started", thread, None, {"turn": replay.turn(turn, completed=False)})
    events = mixed.events(plan, number) if plan.kind == "mixed" else _events(plan, number)
    for each in events:
        yield each if isinstance(each, bytes) else line(each[0], thread, turn, each[1])
    yield line("turn/completed", thread, None, {"turn": replay.turn(turn, completed=True)})


def _events(plan: Plan, number: int) -> Iterator[bytes | tuple[str, dict[str, Any]]]:
    delta = delta_maker(number)
    if not plan.items:
        yield from map(delta, range(plan.deltas))
        return
    # What the small replaying runtime says in one turn, with many deltas in place of its three.
    text = "".join(text_of(number, delta) for delta in range(min(plan.deltas, _TEXT // 5)))
    said = False
    for method, params in replay.events(turn_id(number)):
        if method == DELTA:
            if not said:
                yield from map(delta, range(plan.deltas))
            said = True
        elif method == "item/completed" and said:
            yield method, {**params, "item": {**replay.message(text), "id": "m1"}}
        elif "turn" not in params:
            yield method, params


def wire(plan: Plan) -> Iterator[bytes]:
    """All lines of all turns, a few of each turn in turn."""
    turns = [turn_lines(plan, number) for number in range(plan.turns)]
    while turns:
        going_on = []
        for lines in turns:
            burst = list(islice(lines, plan.burst))
            yield from burst
            if len(burst) == plan.burst:
                going_on.append(lines)
        turns = going_on


def blocks(lines: Iterator[bytes]) -> list[bytes]:
    """The lines in blocks that are written at once."""
    made: list[bytes] = []
    held: list[bytes] = []
    size = 0
    for each in lines:
        held.append(each)
        size += len(each)
        if size >= BLOCK_BYTES:
            made.append(b"".join(held))
            held, size = [], 0
    return [*made, b"".join(held)]
