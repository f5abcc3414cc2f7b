"""The package where the distribution of the runtime is not installed: everything works but what needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import codex_cli_bin
import pydantic
import pytest

import codex_app_server

BINARY = str(codex_cli_bin.bundled_codex_path())
HIDDEN = ("codex_cli_bin", "openai_codex_cli_bin", "openai_codex")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site-packages with all that is installed here, but for the runtime and the official package."""
    site = tmp_path_factory.mktemp("site-packages")
    for path in Path(pydantic.__file__).parents[1].iterdir():
        if not path.name.startswith(HIDDEN):
            (site / path.name).symlink_to(path)
    ours = Path(codex_app_server.__file__).parent
    if not (site / ours.name).exists():  # where the checkout itself is installed
        (site / ours.name).symlink_to(ours)
    return site


def run(site: Path, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(site), "CODEX_HOME": str(home)}
    # -S: or the environment's own site-packages would be found, too.
    command = [sys.executable, "-S", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=50)


PROGRAM = """
import sys
from importlib import metadata, util
from codex_app_server import Codex
from codex_app_server.errors import BinaryNotFoundError
from codex_app_server.testing import OfflineModel

assert util.find_spec("codex_cli_bin") is None
try:
    metadata.version("openai-codex-cli-bin")
except metadata.PackageNotFoundError:
    pass
try:
    Codex()
except BinaryNotFoundError as error:
    print(error)
with OfflineModel() as model, Codex(model.config(codex_bin=sys.argv[1])) as codex:
    print(codex.thread_start().run("It runs.").final_response)
"""


def test_another_runtime_runs_and_the_missing_one_is_named_with_the_ways_to_get_one(
    site: Path, tmp_path: Path
) -> None:
    done = run(site, "-c", PROGRAM, BINARY, home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    refusal, answer = done.stdout.splitlines()
    assert refusal.startswith("The packaged Codex runtime is not installed")
    assert "pip install openai-codex-cli-bin==" in refusal
    assert 'CodexConfig(codex_bin="/path/to/codex")' in refusal
    assert answer == "It runs."


def test_doctor_misses_it_only_where_no_other_is_chosen(site: Path, tmp_path: Path) -> None:
    doctor = ("-m", "codex_app_server", "doctor", "--json", "--no-turn")
    without, other = (
        {check["name"]: check["status"] for check in json.loads(done.stdout)["checks"]}
        for done in (run(site, *doctor, *more, home=tmp_path) for more in ((), ("--codex-bin", BINARY)))
    )
    assert (without["packaged_runtime"], without["runtime"], without["start"]) == (
        "failed",
        "failed",
        "skipped",
    )
    assert (other["packaged_runtime"], other["runtime"], other["start"]) == ("skipped", "ok", "ok")
