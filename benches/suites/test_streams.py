"""Events per second through `stream()`, from one turn to thousands, beside what the pipe and one thread can
do.
"""

from __future__ import annotations

from collections.abc import Callable

from ..measure import Row, Spec, both
from ..plan import Plan

TURNS = {"async": (1, 10, 100, 1000, 5000), "sync": (1, 10, 100, 500)}
EVENTS, OFFICIAL_EVENTS = 600_000, 24_000
# 500 threads of the official package take a minute for 24,000.
MANY_THREADS, THEIR_EVENTS = 500, 10_000
QUICK_EVENTS = 600


def plan(turns: int, events: int, least: int) -> Plan:
    return Plan(turns=turns, deltas=max(least, events // turns))


def rows(quick: bool) -> list[Row]:
    made = []
    for shell, counts in TURNS.items():
        for turns in (20,) if quick else counts:
            ours = plan(turns, QUICK_EVENTS if quick else EVENTS, 20)
            # A turn's start and end are no deltas: at least 20 of these keep the mixture alike.
            bearable = THEIR_EVENTS if shell == "sync" and turns >= MANY_THREADS else OFFICIAL_EVENTS
            official = plan(turns, QUICK_EVENTS if quick else bearable, 20)
            specs = both(shell, ours, official, options={"how": "stream"}, deadline_s=300.0)
            specs["drain"] = Spec("drain", "", ours)
            specs["decode"] = Spec("decode", "", ours)
            made.append(Row(f"{shell} streams, {turns}", specs))
    return made


def test_streams(row: Row, who: str, race: Callable[[Row, str], None]) -> None:
    race(row, who)
