"""The same programs on both packages, sync and async: what they see and what they send agrees.

The known differences are the business of `test_differences`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.differential.plain import Renamer, common, disagreements
from tests.differential.scenarios import SCENARIOS, SYNC_ONLY

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 150
PACKAGES = ("openai_codex", "codex_app_server")
KINDS = ("sync", "async")

Outcomes = dict[tuple[str, str], dict[str, Any]]


def outcomes_of(package: str, kind: str, folder: Path) -> dict[str, Any]:
    """What came of each scenario, as far as the time allowed."""
    command = [sys.executable, "-m", "tests.differential.child", package, kind, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8") as child:
        try:
            out, _ = child.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            out, _ = child.communicate()
    return dict(json.loads(line) for line in out.splitlines())


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    runs = [(package, kind) for kind in KINDS for package in PACKAGES]
    folders = [tmp_path_factory.mktemp(f"{package}-{kind}") for package, kind in runs]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda run, folder: outcomes_of(run[0], run[1], folder), runs, folders)
        return dict(zip(runs, found, strict=True))


def of(outcomes: Outcomes, package: str, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = outcomes[package, kind].get(name, {"broke": "it was not reached"})
    assert "broke" not in found, found["broke"]
    assert "hangs" not in found, f"{name} hangs on {package}"
    return found


# What is sent here besides, to see that what was asked of a thread holds.
CHECKS = ("thread/read", "thread/resume", "thread/settings/update", "thread/loaded/list", "model/list")


def without_checks(official: list[Any], ours: list[Any]) -> list[Any]:
    """What was sent, without what only asks whether a thread is as it was asked to be."""

    def form(line: Any) -> Any:
        return line.get("method"), sorted(line.get("params") or ())

    left, found = list(official), []
    for line in ours:
        if left and form(line) == form(left[0]):
            left.pop(0)
        elif line.get("method") in CHECKS:
            continue
        found.append(line)
    return found


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in SCENARIOS for kind in KINDS if (name in SYNC_ONLY) <= (kind == "sync")],
)
def test_both_packages_do_the_same(name: str, kind: str, outcomes: Outcomes) -> None:
    official, ours = (of(outcomes, package, kind, name) for package in PACKAGES)
    # Answers have fields here that the official models do not know; what is sent and streamed has not.
    ours["notes"] = common(official["notes"], ours["notes"])
    ours["sent"] = without_checks(official["sent"], ours["sent"])
    assert disagreements(Renamer()(official), Renamer()(ours)) == []


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in SYNC_ONLY])
def test_both_clients_of_a_package_do_the_same(name: str, package: str, outcomes: Outcomes) -> None:
    sync, asynchronous = (Renamer()(of(outcomes, package, kind, name)) for kind in KINDS)
    assert disagreements(sync["sent"], asynchronous["sent"]) == []
    assert disagreements(sync["events"], asynchronous["events"]) == []
