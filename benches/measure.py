"""Measurements in processes of their own, ours and the official package's in turn.

Owns the deadline that ends one that hangs, and the order of the rounds: every round runs everything of a row
once, so that a busy machine slows all of it. `rows` says what is measured, the suites call `Row.samples`.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .plan import ROOT, Plan
from .stage import OFFICIAL, OURS, Figures

HANGS: Figures = {"hangs": True}


@dataclass(frozen=True)
class Spec:
    """One program of one package, or a limit (no package)."""

    program: str
    package: str
    plan: Plan
    options: dict[str, Any] = field(default_factory=dict)
    deadline_s: float = 120.0

    def run(self, environment: Mapping[str, str] | None = None) -> Figures:
        """The figures of one run in a new process; HANGS when it was ended by its deadline.

        `environment` is what the process has besides this one's.
        """
        command = (sys.executable, "-m", "benches.child", json.dumps(asdict(self)))
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
        try:
            out, error = child.communicate(timeout=self.deadline_s)
        except BaseException as why:
            # The group is the child's own; its server ends with it.
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            if isinstance(why, subprocess.TimeoutExpired):
                return HANGS
            raise
        if child.returncode:
            raise AssertionError(f"{self.package or 'limit'}: {self.program} of {self.plan}\n{error}")
        figures: Figures = json.loads(out.splitlines()[-1])
        return figures


def both(program: str, ours: Plan, official: Plan | None = None, **rest: Any) -> dict[str, Spec]:
    """The same program on both packages; the slower one may get a smaller plan."""
    return {
        "ours": Spec(program, OURS, ours, **rest),
        "official": Spec(program, OFFICIAL, official or ours, **rest),
    }


@dataclass(frozen=True)
class Row:
    """What is measured together.

    Attributes:
        key: Its name.
        specs: What takes turns, by who it is.
        figure: The figure that is compared.
    """

    key: str
    specs: dict[str, Spec]
    figure: str = "rate"

    def samples(self, rounds: int) -> dict[str, list[Figures]]:
        """All figures of all rounds; who hangs once is not asked again."""
        found: dict[str, list[Figures]] = {who: [] for who in self.specs}
        for _ in range(rounds):
            for who, spec in self.specs.items():
                if HANGS not in found[who]:
                    found[who].append(spec.run())
        return found


def median(samples: list[Figures], figure: str) -> float | None:
    """None when it hangs."""
    if any("hangs" in sample for sample in samples):
        return None
    return float(statistics.median(sample[figure] for sample in samples))
