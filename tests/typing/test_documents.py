"""The code of the documents is what type checkers accept: mypy when it is strict, basedpyright as in lint.

A block is a module of its own, as `tests/examples/test_docs.py` runs it, with `codex` and `thread` given to
those that make no client. Its lines have the numbers that they have in the document.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted({ROOT / "README.md", *ROOT.glob("docs/*.md")})
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
GIVEN = "import codex_app_server as _c; codex = _c.Codex(); thread = codex.thread_start()"
PYRIGHT = shutil.which("basedpyright", path=str(Path(sys.executable).parent))

Report = set[tuple[str, int, str]]


def write_blocks(folder: Path) -> dict[str, str]:
    """One module for each block; returns the documents' names by those of the modules."""
    pages = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start(1))
            name = f"{page.stem.replace('-', '_').lower()}_{line + 1}.py"
            pages[name] = page.relative_to(ROOT).as_posix()
            given = "" if "Codex(" in found[1] else GIVEN
            (folder / name).write_text(given + "\n" * line + found[1], encoding="utf-8")
    return pages


def mypy(folder: Path) -> Report:
    # A task group of a document needs 3.11.
    options = ["--strict", "--output", "json", "--python-version", "3.11", f"--cache-dir={folder}/.cache"]
    options += ["--config-file=", "--explicit-package-bases"]
    done = run([sys.executable, "-m", "mypy", *options, "."], folder)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert found or done.returncode == 0, done.stdout + done.stderr
    return {(each["file"], each["line"], each["message"]) for each in found if each["severity"] == "error"}


def basedpyright(folder: Path) -> Report:
    assert PYRIGHT is not None
    settings = {"typeCheckingMode": "standard", "pythonVersion": "3.11", "include": ["."]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = run([PYRIGHT, "--outputjson", "--pythonpath", sys.executable], folder)
    found = json.loads(done.stdout)["generalDiagnostics"]
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1, each["message"])
        for each in found
        if each["severity"] == "error"
    }


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.timeout(240)  # without a cache the whole package is read
@pytest.mark.parametrize("check", [mypy, basedpyright])
def test_the_code_of_the_documents_has_right_types(check: Callable[[Path], Report], tmp_path: Path) -> None:
    pages = write_blocks(tmp_path)
    assert len(pages) > 50
    wrong = sorted(f"{pages[file]}:{line}: {message}" for file, line, message in check(tmp_path))
    assert wrong == [], "\n".join(wrong)
