"""What has to be reached, and whether it is. Each requirement compares figures of one run.

Owns the limits. `report` prints the table and fails when a row is missed; `bounds` says why it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .results import Results

TURNS = (1, 10, 100, 1000, 5000)
# Two medians of the same thing differ by this much on a busy machine.
NOISE = 1.25


@dataclass(frozen=True)
class Requirement:
    """One row of the table.

    Attributes:
        work: What is measured.
        limit: What is required.
        measured: The figure; None when it was not measured.
        shown: The figure as text.
        at_least: Whether more is better.
    """

    work: str
    limit: float
    required: str
    measured: Callable[[Results], float | None]
    shown: str = "{:.1f} x"
    at_least: bool = True

    def kept(self, results: Results) -> bool | None:
        value = self.measured(results)
        if value is None:
            return None
        return value >= self.limit if self.at_least else value <= self.limit

    def text(self, results: Results) -> str:
        value = self.measured(results)
        return "not measured" if value is None else self.shown.format(value)


def over(key: str, base: str = "official", figure: str | None = None) -> Callable[[Results], float | None]:
    return lambda results: results.ratio(key, "ours", base, figure)


def control_over_server(results: Results) -> float | None:
    key = "async control call, 1000 idle"
    ours, server = results.value(key, "ours"), results.value(key, "server")
    return None if ours is None or server is None else (ours - server) / 1000


def control_growth(results: Results) -> float | None:
    few, many = (results.value(f"async control call, {count} idle", "ours") for count in (100, 5000))
    return None if few is None or many is None else many / few


def flatness(results: Results) -> float | None:
    rates = [results.value(f"async streams, {count}", "ours") for count in TURNS]
    known = [rate for rate in rates if rate is not None]
    return max(known) / min(known) if len(known) == len(TURNS) else None


REQUIREMENTS = (
    Requirement("async streams, 1,000 turns", 60, "60 x official", over("async streams, 1000")),
    Requirement("async stream, 1 turn", 50, "50 x official", over("async streams, 1")),
    Requirement("sync stream, 1 turn", 8, "8 x official", over("sync streams, 1")),
    Requirement("sync streams, 500 threads", 80, "80 x official", over("sync streams, 500")),
    Requirement("async `run()`, 200 turns x 2,000 deltas", 100, "100 x official", over("async run(), 200")),
    Requirement(
        "`run()` through the native filter",
        40,
        "≥ 40 % of the bare pipe drain",
        lambda results: percent(results.ratio("async run(), 200", "ours", "drain")),
        "{:.0f} %",
    ),
    Requirement(
        "unread backlog",
        350,
        "≤ 350 bytes per event of 204",
        lambda results: results.value("unread backlog", "ours"),
        "{:.0f} bytes",
        at_least=False,
    ),
    Requirement(
        "control call with 1,000 idle turns",
        1,
        "p50 ≤ 1 ms over the server's answer",
        control_over_server,
        "{:.2f} ms",
        at_least=False,
    ),
    Requirement(
        "the same, from 100 to 5,000 idle turns",
        NOISE,
        f"no growth (within {NOISE} x)",
        control_growth,
        "{:.2f} x",
        at_least=False,
    ),
    Requirement(
        "first event, idle, sync",
        0.5,
        "p50 ≤ half of official",
        over("sync first event, idle"),
        "{:.2f} x",
        at_least=False,
    ),
    Requirement(
        "first event, idle, async",
        0.5,
        "p50 ≤ half of official",
        over("async first event, idle"),
        "{:.2f} x",
        at_least=False,
    ),
    Requirement(
        "5,000 idle turns, each waited for",
        8192,
        "≤ 8 KB each",
        lambda results: results.value("idle turns", "ours"),
        "{:,.0f} bytes",
        at_least=False,
    ),
    Requirement(
        "cost per event from 1 to 5,000 turns",
        2,
        "flat (within 2 x)",
        flatness,
        "{:.2f} x",
        at_least=False,
    ),
    Requirement(
        "1,000 turns on the real runtime, wall",
        1.1,
        "≤ 1.1 x the bare driver",
        over("real runtime, 1000", "driver"),
        "{:.2f} x",
        at_least=False,
    ),
    Requirement(
        "1,000 turns on the real runtime, CPU",
        0.2,
        "≤ 1/5 of official",
        over("real runtime, 1000", "official", "cpu_s"),
        "{:.2f} x",
        at_least=False,
    ),
    Requirement(
        "import of what a program needs",
        1.5,
        "≤ 1.5 x Pydantic and asyncio",
        over("import", "Pydantic, one model, asyncio"),
        "{:.2f} x",
        at_least=False,
    ),
    Requirement(
        "process start to first event, sync",
        0.5,
        "≤ half of official",
        over("sync, process start to first event"),
        "{:.2f} x",
        at_least=False,
    ),
    Requirement(
        "process start to first event, async",
        0.5,
        "≤ half of official",
        over("async, process start to first event"),
        "{:.2f} x",
        at_least=False,
    ),
    Requirement(
        "one `item/completed`, bytes to model",
        7,
        "7 x official",
        lambda results: results.ratio("one item/completed", "official", "ours"),
    ),
)


def percent(share: float | None) -> float | None:
    return None if share is None else share * 100
