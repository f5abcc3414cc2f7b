"""A thousand concurrent turns on the real runtime: wall time and CPU, beside a bare loop over its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import codex_cli_bin
import pytest

from codex_app_server.testing import Answer, Message, OfflineModel

from ..conftest import Ledger
from ..measure import Row, Spec
from ..plan import Plan
from ..stage import OFFICIAL, OURS

TURNS, DELTAS = 1000, 30
DEADLINE_S = 300.0


@pytest.fixture
def around(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """What the programs are told: the model answers in a process of its own, so their CPU time is theirs."""
    quick = request.config.getoption("quick")
    turns, deltas = (10, 5) if quick else (TURNS, DELTAS)
    script = Answer(Message([f"word {number} " for number in range(deltas)]))
    with OfflineModel(script) as model:
        yield {
            "turns": turns,
            "deltas": deltas,
            "env": model.env,
            "cwd": str(model.workspace),
            "program": str(codex_cli_bin.bundled_codex_path()),
        }


@pytest.mark.parametrize("who", ["ours", "official", "driver"])
def test_real_runtime(
    who: str, around: dict[str, Any], ledger: Ledger, race: Callable[[Row, str], None]
) -> None:
    plan = Plan(kind="silent")
    specs = {
        "ours": Spec("real", OURS, plan, around, DEADLINE_S),
        "official": Spec("real", OFFICIAL, plan, around, DEADLINE_S),
        "driver": Spec("real", "", plan, around, DEADLINE_S),
    }
    race(Row(f"real runtime, {around['turns']}", specs, "wall_s"), who)
