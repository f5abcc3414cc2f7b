"""`make runtime`, there and back: no difference is left, in files or in what is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from scripts.release.project import ROOT, Project
from tests.release.conftest import git

OTHER = "0.162.1"
PINNED = ("codex-app-server-sdk", "openai-codex", "openai-codex-cli-bin")


class Copy:
    """A copy of the checkout with an environment of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # That it is built is what counts here, not how fast it is: the compiler does nothing for that, and
        # keeps out of the way of the dry run's.
        compiled = {
            "CARGO_TARGET_DIR": str(ROOT / "target/round-trip"),
            "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
            "CARGO_PROFILE_RELEASE_LTO": "off",
            "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
            "CARGO_PROFILE_RELEASE_DEBUG": "false",
        }
        dropped = ("PIP_CONSTRAINT", "VIRTUAL_ENV", "MAKE")
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(dropped)
        } | compiled

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def installed(self) -> dict[str, str]:
        """The versions of what is pinned together; all of the environment must agree with each other."""
        self.run(".venv/bin/python", "-m", "pip", "check")
        listed = json.loads(self.run(".venv/bin/python", "-m", "pip", "list", "--format", "json"))
        return {each["name"]: each["version"] for each in listed if each["name"] in PINNED}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_another_runtime_and_back_leaves_no_difference(checkout: Path) -> None:
    copy = Copy(checkout)
    own = Project.read(checkout).version

    told = copy.run("make", "runtime", f"VERSION={OTHER}")
    assert "thread/readState/changed" in told
    assert copy.installed() == dict.fromkeys(PINNED, OTHER)
    assert Project.read(checkout).runtime == Project.read(checkout).version == OTHER
    assert "python/codex_app_server/generated/requests.py" in git(checkout, "status", "--short")
    # What asks whether the pins, the changelog and the generated files agree is content there, too.
    copy.run(".venv/bin/python", "-m", "scripts.release", "stage-sdk", str(checkout.parent / "staged"))
    copy.run(".venv/bin/python", "-m", "pytest", "-q", "tests/python/test_move_runtime.py")

    copy.run("make", "runtime", f"VERSION={own}")
    assert git(checkout, "diff") == ""
    assert git(checkout, "status", "--short") == ""
    assert copy.installed() == dict.fromkeys(PINNED, own)


def test_a_version_that_does_not_exist_changes_nothing(checkout: Path) -> None:
    command = [sys.executable, "-m", "scripts.move_runtime", "0.0.1"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        "The runtime and the official SDK 0.0.1 could not be installed; nothing has changed." in done.stderr
    )
    assert "Traceback" not in done.stderr
    assert git(checkout, "status", "--short") == ""
    assert version("openai-codex-cli-bin") == Project.read().runtime
