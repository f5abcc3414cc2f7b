"""What every measured program is given: one package, one plan, and the signal of its flood server.

A program runs in a process of its own and is the same text for both packages. It ends with what it measured,
as a dict of figures. `child` runs programs, `programs/` has them.
"""

from __future__ import annotations

import importlib
import os
import tempfile
import time
from typing import Any

from .plan import Plan

Figures = dict[str, Any]
OURS = "codex_app_server"
OFFICIAL = "openai_codex"


class Stage:
    """A package in front of a flood server.

    Attributes:
        sdk: The package.
        plan: What the server plays.
        options: Whatever else the program is told.
    """

    def __init__(self, package: str, plan: Plan, options: dict[str, Any]) -> None:
        self.sdk: Any = importlib.import_module(package)
        self.ours = package == OURS
        self.plan = plan
        self.options = options
        self._signal = make_signal()

    @property
    def models(self) -> Any:
        """The package's generated models."""
        return importlib.import_module(f"{self.sdk.__name__}.generated.v2_all")

    def config(self, **fields: Any) -> Any:
        return self.sdk.CodexConfig(launch_args_override=self.plan.command(self._signal), **fields)

    def go(self) -> None:
        """Give the signal."""
        give(self._signal)


def make_signal() -> str:
    """A named pipe; its folder goes with the process' temporary files."""
    path = os.path.join(tempfile.mkdtemp(prefix="bench-"), "signal")
    os.mkfifo(path)
    return path


def give(signal: str) -> None:
    with open(signal, "wb") as pipe:
        pipe.write(b"g")


class Clock:
    """Wall time and CPU time of the whole process, and of the thread that made it."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._thread = time.thread_time()
        self._wall = time.perf_counter()

    def stop(self, events: int) -> Figures:
        wall = time.perf_counter() - self._wall
        return {
            "events": events,
            "wall_s": wall,
            "cpu_s": time.process_time() - self._cpu,
            "thread_s": time.thread_time() - self._thread,
            "rate": events / wall,
        }


def rss() -> int:
    """Bytes of this process that are in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def quantiles(latencies_us: list[float]) -> Figures:
    return {
        "p50_us": percentile(latencies_us, 0.5),
        "p99_us": percentile(latencies_us, 0.99),
        "count": len(latencies_us),
    }
