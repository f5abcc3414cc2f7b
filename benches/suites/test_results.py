"""Events per second through `run()`, as text, and of turns with all kinds of events."""

from __future__ import annotations

from collections.abc import Callable

from ..measure import Row, Spec, both
from ..plan import Plan


def rows(quick: bool) -> list[Row]:
    turns = 10 if quick else 200
    results = Plan(turns=turns, deltas=20 if quick else 2000, items=True)
    texts = Plan(turns=10 if quick else 100, deltas=20 if quick else 6000)
    mixed = Plan(kind="mixed", turns=5 if quick else 50, deltas=1 if quick else 20, huge=16 << 20)
    smaller = {
        "run()": Plan(turns=turns, deltas=20 if quick else 100, items=True),
        "text": Plan(turns=10 if quick else 100, deltas=20 if quick else 200),
        "mixed": Plan(kind="mixed", turns=5 if quick else 50, deltas=1 if quick else 4, huge=16 << 20),
    }
    made = []
    for name, ours, how in (("run()", results, "run"), ("text", texts, "text"), ("mixed", mixed, "stream")):
        for shell in ("async", "sync"):
            specs = both(shell, ours, smaller[name], options={"how": how})
            specs["drain"] = Spec("drain", "", ours)
            if name == "run()" and not quick:
                specs["envelope"] = Spec("drain", "", ours, {"mode": "envelope"})
            made.append(Row(f"{shell} {name}, {ours.turns}", specs))
    pipe = Plan(turns=1, deltas=600 if quick else 600_000)
    made.append(Row("pipe", {"drain": Spec("drain", "", pipe), "cat": Spec("cat", "", pipe)}, "mb_per_s"))
    return made


def test_results(row: Row, who: str, race: Callable[[Row, str], None]) -> None:
    race(row, who)
