"""What a new user of Windows does: install the wheel, and run the program that the README shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import codex_app_server
from codex_app_server.testing import OfflineModel
from examples.offline import respond
from tests.wheel.environments import program_of_the_readme


def needed(name: str) -> set[str]:
    """A project and all that it depends on, without its extras."""
    requirements = metadata.requires(name) or []
    names = (re.match(r"[\w.-]+", each) for each in requirements if "extra ==" not in each)
    return {name}.union(*(needed(found[0]) for found in names if found))


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with nothing but the package and what it depends on, as they were installed."""
    folder = tmp_path / "installed"
    package = Path(codex_app_server.__file__).parent
    shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in needed("codex-app-server-sdk") - {"codex-app-server-sdk"}:
        for file in metadata.files(name) or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), folder / file)
    return folder


def test_the_readmes_program_runs_where_there_is_nothing_but_the_wheel(
    installed: Path, tmp_path: Path
) -> None:
    assert (installed / "codex_app_server" / "_native.pyd").exists()
    assert not (installed / "aiohttp").exists()
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "quickstart.py").write_text(program_of_the_readme(), encoding="utf-8")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with OfflineModel(respond) as model:
        done = subprocess.run(
            # Without `site`, the packages of this interpreter are not those of that program.
            [sys.executable, "-S", "-W", "error", "quickstart.py"],
            cwd=folder,
            env={**ours, **model.env, "PYTHONPATH": str(installed)},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    assert (done.stderr, done.returncode) == ("", 0)
    answer = "A coroutine is a function that can pause, let others run, and go on where it stopped."
    assert done.stdout == f"{answer}\n"
