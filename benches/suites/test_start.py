"""What a program pays before it gets anything, and for one whole item."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from .. import fresh, import_cost, validation
from ..conftest import Ledger
from ..stage import Figures

ROUNDS = 10


def samples(found: dict[str, Iterable[float]], figure: str) -> dict[str, list[Figures]]:
    return {who: [{figure: value} for value in values] for who, values in found.items()}


def rounds(request: pytest.FixtureRequest) -> int:
    return 1 if request.config.getoption("quick") else ROUNDS


def test_imports(request: pytest.FixtureRequest, ledger: Ledger) -> None:
    found = fresh.samples(import_cost.import_programs(), rounds(request))
    ledger.add("import", "ms", samples(dict(found), "ms"))


def test_first_events_of_processes(request: pytest.FixtureRequest, ledger: Ledger) -> None:
    found = fresh.samples(import_cost.first_event_programs(), rounds(request))
    for shell in ("sync", "async"):
        times = {who: found[f"{who}, {shell}"] for who in ("ours", "official")}
        ledger.add(f"{shell}, process start to first event", "ms", samples(dict(times), "ms"))


def test_whole_items(request: pytest.FixtureRequest, ledger: Ledger) -> None:
    quick = request.config.getoption("quick")
    found = validation.measure(validation.ways(), 1 if quick else validation.ROUNDS)
    each: dict[str, Iterable[float]] = {who: [time] for who, time in found.items()}
    ledger.add("one item/completed", "us", samples(each, "us"))
