"""A thousand concurrent turns on the real runtime: wall time and CPU, beside a bare loop over its lines."""

from __future__ import annotations

from collections.abc import Callable

from ..measure import Row, Spec
from ..plan import Plan
from ..stage import OFFICIAL, OURS

DEADLINE_S = 300.0


def rows(quick: bool) -> list[Row]:
    plan = Plan(kind="silent")
    turns = {"turns": 10, "deltas": 5} if quick else {"turns": 1000, "deltas": 30}
    whos = {"ours": OURS, "official": OFFICIAL, "driver": ""}
    specs = {who: Spec("real", package, plan, turns, DEADLINE_S) for who, package in whos.items()}
    return [Row(f"real runtime, {turns['turns']}", specs, "wall_s")]


def test_real_runtime(row: Row, who: str, race: Callable[[Row, str], None]) -> None:
    race(row, who)
