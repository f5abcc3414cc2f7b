"""`python -m codex_app_server` as a person runs it: a process of its own, its output, its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.processes import is_running, kill
from tests.programs import program

COMMAND = (sys.executable, "-m", "codex_app_server")
# Plays a runtime that hangs, and has a child that does.
HANG = """
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])
open({log!r}, 'a').write(f'{{os.getpid()}}\\n{{child.pid}}\\n')
time.sleep(1000)
"""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


class Terminal:
    """Runs commands with a home of the runtime of their own.

    `shadow` comes first on the path of modules: what is put there is imported in place of what is installed.
    """

    def __init__(self, root: Path) -> None:
        self.home = root / "codex-home"
        self.shadow = root / "shadow"
        self.bin = root / "bin"
        for directory in (self.home, self.shadow, self.bin):
            directory.mkdir()
        (self.home / "config.toml").write_text("[features]\nplugins = false\napps = false\n")
        # Nobody is there to reach.
        nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
        self.env: dict[str, str] = {
            **os.environ,
            **nowhere,
            "CODEX_HOME": str(self.home),
            "CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG": "1",
            "PYTHONPATH": str(self.shadow),
            # In which `start` reads what they print.
            "PYTHONIOENCODING": "utf-8",
        }

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Begin a command that the test goes on with."""
        return subprocess.Popen(
            [*COMMAND, *args],
            env={**self.env, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *args: str, text: str = "", env: Mapping[str, str] | None = None) -> Done:
        """Run a command to its end."""
        with self.start(*args, env=env) as child:
            out, err = child.communicate(text, timeout=50)
        return Done(child.returncode, out, err)

    def program(self, name: str, body: str) -> str:
        """A program in place of the runtime, in Python; `bin` may be put on PATH."""
        return str(program(self.bin / name, f"import json, os, signal, subprocess, sys, time\n{body}"))


def until_gone(pid: int) -> None:
    """Fails if the process is there for longer than a moment."""
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} was left behind"
        time.sleep(0.01)


def until_written(path: Path, lines: int = 1) -> list[int]:
    """Waits until a program has written so many numbers, and returns them."""
    deadline = time.monotonic() + 20
    while not path.exists() or path.read_text().count("\n") < lines:
        assert time.monotonic() < deadline, f"{path} is not written"
        time.sleep(0.01)
    return [int(line) for line in path.read_text().split()]


def until_all_gone(pids: list[int]) -> None:
    """As `until_gone`; and where it fails, they are gone nevertheless."""
    try:
        for pid in pids:
            until_gone(pid)
    finally:
        for pid in filter(is_running, pids):
            kill(pid)
