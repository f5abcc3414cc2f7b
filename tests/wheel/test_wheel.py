"""The wheel, installed by itself into an empty environment outside the checkout, runs a turn."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codex_app_server import __version__

ROOT = Path(__file__).parents[2]
OLDEST, NEWEST = 10, 14

PROGRAM = """
import asyncio
import codex_app_server
from codex_app_server import AsyncCodex, Codex
from codex_app_server.testing import OfflineModel

async def main(model):
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        return (await thread.run("async")).final_response

with OfflineModel() as model:
    with Codex(model.config()) as codex:
        print(codex.thread_start().run("sync").final_response, flush=True)
    print(asyncio.run(main(model)), codex_app_server.__version__, codex_app_server.__file__)
"""


def pythons() -> list[str]:
    """Every CPython of this machine that the package supports; this one at least."""
    found: dict[int, str] = {}
    roots = [Path(root) for root in os.environ.get("PATH", "").split(os.pathsep)]
    roots += Path.home().glob(".pyenv/versions/*/bin")
    for minor in range(OLDEST, NEWEST + 1):
        for root in roots:
            path = root / f"python3.{minor}"
            # A version manager's shim may stand for a version that is not active.
            probe = [str(path), "-c", "import sys, venv, ensurepip; print(sys.implementation.name)"]
            if path.is_file() and os.access(path, os.X_OK):
                done = subprocess.run(probe, capture_output=True, text=True, check=False)
                if done.returncode == 0 and done.stdout.strip() == "cpython":
                    found.setdefault(minor, str(path))
    found[sys.version_info.minor] = sys.executable
    return [path for _, path in sorted(found.items())]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that `make wheel` builds."""
    out = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "maturin",
        "build",
        "--release",
        "--locked",
        "--quiet",
        "--out",
        str(out),
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    (built,) = out.glob("*.whl")
    return built


def test_one_wheel_serves_every_supported_python(wheel: Path) -> None:
    assert "-cp310-abi3-" in wheel.name


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("python", pythons(), ids=lambda path: Path(path).name)
def test_the_wheel_runs_turns(wheel: Path, python: str, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", str(environment)], check=True)
    interpreter = str(environment / "bin" / "python")
    # Versions as a user gets them today, not as the checkout pins them.
    free = {
        name: value for name, value in os.environ.items() if not name.startswith(("PIP_CONSTRAINT", "PYTHON"))
    }
    install = [interpreter, "-m", "pip", "install", "--quiet", f"{wheel}[testing]"]
    subprocess.run(install, check=True, env=free, cwd=tmp_path)
    done = subprocess.run(
        [interpreter, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        env=free,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "sync"
    assert second.startswith(f"async {__version__}")
    assert str(environment) in second
    shutil.rmtree(environment)
