"""The wheel, installed by itself into an empty environment outside the checkout, runs turns."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from codex_app_server import __version__
from codex_app_server.testing import OfflineModel
from examples.offline import respond
from tests.wheel.environments import ROOT, Environment, program_of_the_readme, pythons

PROGRAM = """
import asyncio
import codex_app_server
from codex_app_server import AsyncCodex, Codex
from codex_app_server.testing import OfflineModel

async def main(model):
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        return (await thread.run("async")).final_response

if __name__ == "__main__":
    with OfflineModel() as model:
        with Codex(model.config()) as codex:
            print(codex.thread_start().run("sync").final_response, flush=True)
        print(asyncio.run(main(model)), codex_app_server.__version__, codex_app_server.__file__)
"""


def runs_turns(environment: Environment, installed: str) -> None:
    """What a new user does: the README's program, both kinds of turns, all annotations, the doctor."""
    environment.install(installed)
    with OfflineModel(respond) as model:
        said = environment.must([environment.python, "-c", program_of_the_readme()], **model.env)
    assert said == "A coroutine is a function that can pause, let others run, and go on where it stopped.\n"
    environment.install(f"{installed}[testing]")
    first, second = environment.must([environment.python, "-c", PROGRAM]).splitlines()
    assert first == "sync"
    assert second.startswith(f"async {__version__}")
    assert str(environment.folder) in second
    assert environment.must([environment.python, str(ROOT / "tests/python/annotations.py")]) == ""
    home = environment.folder / "home"
    home.mkdir()
    doctor = [environment.python, "-m", "codex_app_server", "doctor", "--json", "--timeout", "120"]
    report = json.loads(environment.must(doctor, CODEX_HOME=str(home)))
    assert {check["name"]: check["status"] for check in report["checks"]}["turn"] == "ok"


# The first test that needs the wheel builds it, unless there is one.
@pytest.mark.timeout(600)
def test_one_wheel_serves_every_supported_python(wheel: Path) -> None:
    assert "-cp310-abi3-" in wheel.name


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("python", pythons(), ids=lambda path: Path(path).name)
def test_the_wheel_runs_turns(wheel: Path, python: str, tmp_path: Path) -> None:
    runs_turns(Environment(python, tmp_path), str(wheel))
    shutil.rmtree(tmp_path)
