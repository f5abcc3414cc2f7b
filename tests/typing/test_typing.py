"""What type checkers make of the calls."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYRIGHT = shutil.which("basedpyright", path=str(Path(sys.executable).parent))


def mypy(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--strict", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def pyright(path: Path) -> dict[int, str]:
    """What basedpyright finds wrong in a file: by line, the last of its messages."""
    assert PYRIGHT is not None
    command = [PYRIGHT, "--outputjson", "--pythonpath", sys.executable, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]
    return {
        each["range"]["start"]["line"] + 1: each["message"] for each in found if each["severity"] == "error"
    }


def without_marks(name: str, directory: Path) -> tuple[Path, set[int]]:
    """A copy of a file whose marks are taken out, and the lines that had one."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    bare = directory / f"bare_{name}"
    bare.write_text("\n".join(line.split("  # type:")[0] for line in lines), encoding="utf-8")
    return bare, {number for number, line in enumerate(lines, 1) if "# type: ignore" in line}


@pytest.mark.timeout(120)  # without a cache the whole package is read
@pytest.mark.parametrize("about", ["calls", "tools", "outputs", "notifications"])
@pytest.mark.parametrize("kind", ["right", "wrong"])
def test_mypy_takes_the_right_calls_and_refuses_each_wrong_one(kind: str, about: str) -> None:
    # A mark that nothing needs is an error too, so each marked line is refused for its reason.
    done = mypy(str(HERE / f"{kind}_{about}.py"))
    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "name", ["wrong_calls.py", "wrong_tools.py", "wrong_outputs.py", "wrong_notifications.py"]
)
def test_the_wrong_calls_are_wrong_without_their_marks(name: str, tmp_path: Path) -> None:
    bare, marked = without_marks(name, tmp_path)
    done = mypy(str(bare))
    wrong = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    assert wrong == marked, done.stdout


@pytest.mark.timeout(120)
@pytest.mark.parametrize("about", ["calls", "outputs", "notifications"])
def test_basedpyright_knows_them_too(about: str, tmp_path: Path) -> None:
    assert pyright(HERE / f"right_{about}.py") == {}
    bare, marked = without_marks(f"wrong_{about}.py", tmp_path)
    wrong = pyright(bare)
    assert set(wrong) == marked, wrong
