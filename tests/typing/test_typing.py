"""What type checkers make of the calls."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def mypy(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--strict", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.timeout(120)  # without a cache the whole package is read
@pytest.mark.parametrize("name", ["right_calls.py", "wrong_calls.py"])
def test_mypy_takes_the_right_calls_and_refuses_each_wrong_one(name: str) -> None:
    # A mark that nothing needs is an error too, so each marked line is refused for its reason.
    done = mypy(str(HERE / name))
    assert done.returncode == 0, done.stdout


def test_the_wrong_calls_are_wrong_without_their_marks(tmp_path: Path) -> None:
    text = (HERE / "wrong_calls.py").read_text(encoding="utf-8")
    bare = tmp_path / "bare_calls.py"
    bare.write_text("\n".join(line.split("  # type:")[0] for line in text.splitlines()), encoding="utf-8")
    done = mypy(str(bare))
    wrong = {line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line}
    marked = {str(number) for number, line in enumerate(text.splitlines(), 1) if "# type: ignore" in line}
    assert wrong == marked, done.stdout
