"""A program that is killed takes its runtime along, and what the runtime has started: they are in its job."""

from __future__ import annotations

import subprocess
import sys

from tests.leaks import Footprint
from tests.processes import descendants, is_running

PROGRAM = """
import sys
from codex_app_server import Codex
from codex_app_server.testing import OfflineModel

with OfflineModel() as model, Codex(model.config()) as codex:
    process = codex.process_spawn([sys.executable, "-c", "print('begun', flush=True); input()"])
    next(process)
    print(codex._runtime.connection.native.pid, flush=True)
    sys.stdin.read()
"""


def test_a_killed_program_takes_its_runtime_and_its_processes_along() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        runtime = int(running.stdout.readline())
        below = descendants(runtime)
        assert below
        everybody = descendants(running.pid)
        assert {runtime, *below} < everybody, "and the model's server"
        running.kill()
    Footprint.wait_until(lambda: not any(map(is_running, everybody)))
