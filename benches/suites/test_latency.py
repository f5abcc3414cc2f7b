"""How long one event takes to its consumer, and one control call to its caller."""

from __future__ import annotations

from collections.abc import Callable

from ..measure import Row, Spec, both
from ..plan import WARM_UP, Plan

# Other turns and their deltas per second; -1 is as many as are read. 4,000 is what both packages can bear.
LOADS = {"idle": (0, 0), "others at 4,000/s": (99, 4000), "others at full speed": (99, -1)}
IDLE = {"async": (0, 100, 1000, 5000), "sync": (0, 100, 1000)}


def rows(quick: bool) -> list[Row]:
    made = []
    for name, (others, load) in LOADS.items():
        for shell in ("async", "sync"):
            if quick and load > 0:
                continue
            count = WARM_UP + (20 if quick else 80 if load else 300)
            plan = Plan(
                kind="stamps", turns=1 + (min(others, 9) if quick else others), deltas=count, load=load
            )
            specs = both(f"first_event_{shell}", plan, deadline_s=60.0)
            if not others:
                specs["bare"] = Spec("first_event", "", plan, {"shell": shell})
            made.append(Row(f"{shell} first event, {name}", specs, "p50_us"))
    for shell, counts in IDLE.items():
        for idle in (3,) if quick else counts:
            silent = Plan(kind="silent", turns=idle)
            calls = {"calls": 20 if quick else 500}
            specs = both(f"control_{shell}", silent, options=calls)
            specs["server"] = Spec("control", "", Plan(kind="silent"), calls)
            made.append(Row(f"{shell} control call, {idle} idle", specs, "p50_us"))
    return made


def test_latency(row: Row, who: str, race: Callable[[Row, str], None]) -> None:
    race(row, who)
