"""A whole release on this machine, but for publishing it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from scripts.release.project import ROOT, Project


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_release_can_be_made_from_end_to_end(tmp_path: Path) -> None:
    before = subprocess.check_output(["git", "status", "--short"], cwd=ROOT, text=True)
    # Neither the checkout's constraints, nor what a make around this was given: its ARGS are for pytest.
    dropped = ("PIP_CONSTRAINT", "MAKEFLAGS", "MAKEOVERRIDES", "ARGS")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    done = subprocess.run(
        ["make", "release-dry-run"],
        cwd=ROOT,
        env={**environment, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    version, runtime = Project.read().version, Project.read().runtime
    summary = done.stdout[done.stdout.index("Would be published") :]
    assert re.findall(r"codex_app_server_sdk\S+", summary)[0] == f"codex_app_server_sdk-{version}.tar.gz"
    assert f"codex_app_server_sdk-{version}-cp310-abi3-" in summary
    assert re.search(rf"openai_codex_cli_bin-{re.escape(runtime)}\+dry\.run-py3-none-\w+\.whl", summary)
    # The turn ran on the runtime that was staged, not on the one that the index has.
    assert (
        f"A turn ran with codex-app-server-sdk {version} on openai-codex-cli-bin {runtime}+dry.run" in summary
    )
    assert list(tmp_path.iterdir()) == []
    assert subprocess.check_output(["git", "status", "--short"], cwd=ROOT, text=True) == before
