"""The core reads arbitrary bytes as serde_json does: the corpus of `rust/fuzz`, and what is made of it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUZZ = ROOT / "rust/fuzz"
TARGETS = ("framing", "envelope", "session")

# The first run builds the crate.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CARGO_TARGET_DIR": str(ROOT / "target/fuzz")}
    command = ["cargo", "run", "--quiet", "--release", "--locked", "--bin", "corpus", "--", *words]
    return subprocess.run(command, cwd=FUZZ, env=environment, capture_output=True, text=True, check=False)


def test_the_core_and_serde_json_read_the_same() -> None:
    done = run("--seconds", "3")
    assert done.returncode == 0, done.stderr
    lines = re.findall(r"^(\w+): (\d+) corpus files and (\d+) executions", done.stdout, re.M)
    assert tuple(name for name, _, _ in lines) == TARGETS
    for name, files, executions in lines:
        assert int(files) == len(list((FUZZ / "corpus" / name).iterdir()))
        assert int(executions) > 1000, done.stdout


def test_the_same_seed_gives_the_same_inputs() -> None:
    words = ("--executions", "2000", "--seed", "7", "--seconds", "60")
    first, second = (run(*words) for _ in range(2))
    assert first.returncode == 0, first.stderr
    digests = [re.findall(r"digest (\w+)", done.stdout) for done in (first, second)]
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == len(TARGETS)
