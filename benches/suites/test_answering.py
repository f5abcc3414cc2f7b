"""Approvals and calls of tools answered per second, by each way in which a program can answer."""

from __future__ import annotations

from collections.abc import Callable

from ..measure import Row, Spec, both
from ..plan import Plan
from ..stage import OURS


def rows(quick: bool) -> list[Row]:
    plan = Plan(kind="asking", turns=4 if quick else 20, deltas=5 if quick else 500)
    made = [Row("approvals, a handler", both("answering", plan))]
    for name, program in (("a coroutine", "answering_async"), ("pulled", "answering_pulled")):
        made.append(Row(f"approvals, {name}", {"ours": Spec(program, OURS, plan)}))
    made.append(Row("approvals, low-level client", both("answering_low_level", plan)))
    # The runtime has one call of a thread open at a time.
    calls = Plan(kind="calling", turns=plan.turns, deltas=plan.deltas, burst=1)
    made.append(Row("tool calls, a function", {"ours": Spec("tools", OURS, calls)}))
    made.append(Row("tool calls, a coroutine function", {"ours": Spec("tools_async", OURS, calls)}))
    made.append(Row("tool calls, by hand", both("tools_by_hand", calls)))
    return made


def test_answering(row: Row, who: str, race: Callable[[Row, str], None]) -> None:
    race(row, who)
