"""Bytes of memory of an event that nobody has read, and of a turn in which nothing happens."""

from __future__ import annotations

from collections.abc import Callable

from ..measure import Row, Spec, both
from ..plan import Plan


def rows(quick: bool) -> list[Row]:
    unread = Plan(turns=10, deltas=200 if quick else 100_000)
    fewer = Plan(turns=10, deltas=200 if quick else 20_000)
    silent = Plan(kind="silent", turns=51 if quick else 5001)
    idle = both("idle", silent)
    idle["tasks"] = Spec("idle", "", silent)
    return [
        Row("unread backlog", both("unread", unread, fewer), "bytes_per_event"),
        Row("idle turns", idle, "waiting_bytes"),
    ]


def test_memory(row: Row, who: str, race: Callable[[Row, str], None]) -> None:
    race(row, who)
