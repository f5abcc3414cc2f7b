"""Python programs that are measured in processes of their own, with byte code alike for all packages.

An installed package has its byte code, a checkout often none, and a machine may forbid to write any. Here all
of it, that of every package, goes into a folder of its own, and each program runs once before it is measured.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping


def samples(programs: Mapping[str, str], rounds: int) -> dict[str, list[float]]:
    """What each program prints, in rounds in which all take turns.

    A program finds in `spawned` when it was started, by `time.monotonic()`.
    """
    found: dict[str, list[float]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for measured in [False] + [True] * rounds:
            for name, program in programs.items():
                setting = f"import time; spawned = {time.monotonic()}\n"
                command = [sys.executable, "-c", setting + program]
                done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
                if measured:
                    found[name].append(float(done.stdout))
    return found


def measure(programs: Mapping[str, str], rounds: int) -> dict[str, float]:
    """The medians of `samples`."""
    return {name: statistics.median(times) for name, times in samples(programs, rounds).items()}
