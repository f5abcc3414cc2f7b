"""What settings bring and cost with many turns on the real runtime. `python -m benches.tuning`

Each setting is a client of its own, in rounds in which all take turns: threads that are started at once, a
turn in each at once, then turns one after the other that run a command. Prints the table of docs/tuning.md.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codex_app_server import ApprovalMode, AsyncCodex, Sandbox
from codex_app_server.testing import Answer, FunctionCall, Message, OfflineModel

from . import build

THREADS, DELTAS, COMMANDS, ROUNDS = 100, 30, 10, 5
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Setting:
    """Fields of the configuration, and options of every thread."""

    config: dict[str, Any]
    thread: dict[str, Any] = field(default_factory=dict)


_LEAN: dict[str, Any] = {"features": {"shell_snapshot": False}}
SETTINGS = {
    "as it comes": Setting({"features": {"shell_snapshot": True}}),
    "without `shell_snapshot`": Setting(_LEAN),
    "that, and ephemeral threads": Setting(_LEAN, {"ephemeral": True}),
    "all that, and no deltas": Setting(
        {**_LEAN, "opt_out_notifications": ("item/agentMessage/delta",)}, {"ephemeral": True}
    ),
}
HEAD = (
    "setting",
    f"{THREADS} thread starts",
    f"{THREADS} turns",
    "runtime's CPU for both",
    "runtime's memory",
    "our CPU for both",
    "turn with a command",
)
UNITS = ("{:.2f} s", "{:.2f} s", "{:.2f} s", "{:.0f} MB", "{:.2f} s", "{:.0f} ms")


_TEXT = Answer(Message([f"word {number} " for number in range(DELTAS)]))
_CALL = Answer(FunctionCall("exec_command", {"cmd": "true"}))


def runtime_cpu(pid: int) -> float:
    """Seconds of the process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def runtime_memory(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def measure(model: OfflineModel, setting: Setting) -> tuple[float, ...]:
    model.reset({"text": _TEXT, "command": [_CALL, _TEXT] * COMMANDS})
    async with AsyncCodex(model.config(**setting.config)) as codex:
        options = {"sandbox": Sandbox.full_access, "approval_mode": ApprovalMode.deny_all, **setting.thread}
        pid = codex._runtime.connection.native.pid
        cpu, ours, began = runtime_cpu(pid), time.process_time(), time.perf_counter()
        threads = await asyncio.gather(*(codex.thread_start(**options) for _ in range(THREADS)))
        started = time.perf_counter()
        await asyncio.gather(*(thread.run("text") for thread in threads))
        ended = time.perf_counter()
        cpu, ours, memory = runtime_cpu(pid) - cpu, time.process_time() - ours, runtime_memory(pid)
        took = []
        for _ in range(COMMANDS):
            before = time.perf_counter()
            result = await threads[0].run("command")
            took.append((time.perf_counter() - before) * 1000)
            if not any(item.root.type == "commandExecution" for item in result.items):
                raise SystemExit("no command was run")
    return started - began, ended - started, cpu, memory, ours, statistics.median(took)


def main() -> None:
    build.announce()
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in SETTINGS}
    with OfflineModel() as model:
        for _ in range(ROUNDS):
            for name, setting in SETTINGS.items():
                found[name].append(asyncio.run(measure(model, setting)))
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for name, rounds in found.items():
        medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
        cells = (unit.format(value) for unit, value in zip(UNITS, medians, strict=True))
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
