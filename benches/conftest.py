"""The suites' way from rows to figures: measures each row once, everything of it in turn, and keeps what
came.

pytest-benchmark gets the figures by a clock that is set to them, so its tables and its JSON show what was
measured in the programs' own processes and not how long these took to start. `--quick` makes everything small
and asserts what has to be the same on every machine; `--results` is the file that `report` reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from . import build, machine
from .measure import Row, median
from .plan import ROOT
from .stage import Figures

ROUNDS = 5
RESULTS = Path(ROOT, "target", "benches")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="small sizes, one round, no figures worth a look")
    parser.addoption("--rounds", type=int, default=ROUNDS, help=f"how often all is measured ({ROUNDS})")
    parser.addoption("--results", type=Path, default=None, help="where the figures go, as JSON")


def pytest_report_header() -> str:
    return "native module: release build" if build.RELEASE else build.WARNING


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of a row exists once for everything that the row compares."""
    if "row" in metafunc.fixturenames:
        rows: list[Row] = metafunc.module.rows(metafunc.config.getoption("quick"))
        cases = [(row, who) for row in rows for who in row.specs]
        metafunc.parametrize(("row", "who"), cases, ids=[f"{row.key}-{who}" for row, who in cases])


class Clock:
    """A clock that stands still until a measured time is added."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def add(self, seconds: float) -> None:
        self._now += seconds


class Ledger:
    """All figures of a session."""

    def __init__(self, rounds: int, quick: bool, path: Path) -> None:
        self.rounds = rounds
        self.rows: dict[str, dict[str, list[Figures]]] = {}
        self.figures: dict[str, str] = {}
        self._about = {**machine.describe(), "rounds": rounds, "quick": quick}
        self._path = path

    def of(self, row: Row) -> dict[str, list[Figures]]:
        if row.key not in self.rows:
            self.add(row.key, row.figure, row.samples(self.rounds))
        return self.rows[row.key]

    def add(self, key: str, figure: str, samples: dict[str, list[Figures]]) -> None:
        self.rows[key] = samples
        self.figures[key] = figure
        # After every row: a run of half an hour may be ended in the middle.
        self._path.parent.mkdir(parents=True, exist_ok=True)
        kept = {"about": self._about, "figures": self.figures, "rows": self.rows}
        self._path.write_text(json.dumps(kept, indent=1), encoding="utf-8")


_ledger = pytest.StashKey[Ledger]()


def pytest_configure(config: pytest.Config) -> None:
    quick = config.getoption("quick")
    name = "quick.json" if quick else "results.json"
    path = config.getoption("results") or RESULTS / name
    config.stash[_ledger] = Ledger(1 if quick else config.getoption("rounds"), quick, path)


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Ledger:
    return request.config.stash[_ledger]


@pytest.fixture
def race(request: pytest.FixtureRequest, ledger: Ledger) -> Callable[[Row, str], None]:
    """Measures a row, if that was not done yet, and hands one side's figures to pytest-benchmark."""

    def run(row: Row, who: str) -> None:
        samples = ledger.of(row)[who]
        if any("hangs" in sample for sample in samples):
            if who != "official":
                pytest.fail(f"{row.key}: {who} hangs")
            return
        times = [seconds(row.figure, sample) for sample in samples]
        if row.figure.endswith("bytes") or row.figure.startswith("bytes"):
            return
        clock = Clock()
        request.node.add_marker(pytest.mark.benchmark(group=row.key, timer=clock))
        benchmark = request.getfixturevalue("benchmark")
        benchmark.extra_info["figures"] = samples
        left: Iterator[float] = iter(times)
        benchmark.pedantic(lambda: clock.add(next(left)), rounds=len(times), iterations=1)

    return run


def seconds(figure: str, sample: Figures) -> float:
    """A figure as a time: of one event, of one call, or of all."""
    value: float = sample[figure]
    if figure == "rate":
        return 1 / value
    return value / 1e6 if figure.endswith("_us") else value


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What this is about: ours beside the official package."""
    found = config.stash[_ledger]
    if not found.rows:
        return
    terminalreporter.section("ours beside the official package, medians")
    for key, samples in found.rows.items():
        figure = found.figures[key]
        values = {who: median(each, figure) for who, each in samples.items()}
        cells = [f"{who} {'hangs' if value is None else f'{value:,.6g}'}" for who, value in values.items()]
        ours, official = values.get("ours"), values.get("official")
        ratio = f"  {ours / official:.3g} x" if ours is not None and official else ""
        terminalreporter.line(f"{key:44} {figure:14} {'  '.join(cells)}{ratio}")
