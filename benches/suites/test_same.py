"""That both packages do the same work: what is timed elsewhere is compared here, untimed, event by event.

Of each turn a checksum of all methods and texts in their order is compared with that of the lines that were
written, and the method, class and dump of every event with what the other package made of it; for `run()`,
everything that a result has.
"""

from __future__ import annotations

import pytest

from .. import build
from ..measure import both
from ..plan import Plan

# 16 MB in one line, and every kind of event that the other suites use.
PLANS = {
    "deltas": Plan(turns=20, deltas=100, items=True),
    "mixed": Plan(kind="mixed", turns=7, deltas=2, huge=16 << 20),
}

CASES = [("deltas", "stream"), ("deltas", "run"), ("deltas", "text"), ("mixed", "stream"), ("mixed", "run")]


def test_the_build_is_a_release() -> None:
    assert build.RELEASE, build.WARNING


@pytest.mark.parametrize("shell", ["async", "sync"])
@pytest.mark.parametrize(("kind", "how"), CASES)
def test_both_packages_see_the_same(kind: str, how: str, shell: str) -> None:
    plan = PLANS[kind]
    specs = both(shell, plan, options={"how": how, "check": True})
    ours, official = (spec.run()["checksums"] for spec in specs.values())
    assert len(ours) == plan.turns
    assert ours == official
