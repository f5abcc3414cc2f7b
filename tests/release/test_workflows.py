"""The workflows: what they may do, and that `make lint` would refuse a bad one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.release.project import ROOT

FOLDER = ROOT / ".github/workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
BIN = Path(sys.executable).parent


def load(name: str) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text("utf-8"))
    return loaded


def lint(workflow: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """What the two linters say, called as `make lint` calls them."""
    recipe = (ROOT / "Makefile").read_text("utf-8")
    found = {}
    for tool in ("zizmor", "actionlint"):
        (line,) = re.findall(rf"^\t\$\(BIN\)/({tool} .*)$", recipe, re.MULTILINE)
        arguments = line.replace("$(BIN)", str(BIN)).split()[1:-1]
        found[tool] = subprocess.run(
            [str(BIN / tool), *arguments, str(workflow)], capture_output=True, text=True, check=False
        )
    return found


def spoiled(tmp_path: Path, name: str, old: str, new: str) -> Path:
    text = (FOLDER / name).read_text("utf-8")
    assert old in text
    path = tmp_path / ".github/workflows" / name
    path.parent.mkdir(parents=True)
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_the_linters_find_nothing(workflow: Path) -> None:
    for done in lint(workflow).values():
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("tool", "old", "new", "finding"),
    [
        ("zizmor", "permissions: {}\n", "permissions: write-all\n", "excessive-permissions"),
        ("zizmor", "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        ("zizmor", "persist-credentials: false", "persist-credentials: true", "artipacked"),
        ("zizmor", "run: make sdist", "run: make sdist ${{ github.head_ref }}", "template-injection"),
        (
            "zizmor",
            "attestations: write # to store where the files come from",
            "attestations: write",
            "undocumented-permissions",
        ),
        ("actionlint", "needs: check", "needs: checks", "checks"),
        ("actionlint", "runs-on: ubuntu-24.04", "runs-on: ubuntu-2404", "ubuntu-2404"),
        ("actionlint", "github.ref_type == 'tag'", "github.reftype == 'tag'", "reftype"),
        ("actionlint", '"$MACHINE-unknown-linux-musl"', "$MACHINE-unknown-linux-musl", "SC2086"),
    ],
)
def test_the_linters_refuse_a_bad_workflow(
    tool: str, old: str, new: str, finding: str, tmp_path: Path
) -> None:
    done = lint(spoiled(tmp_path, "release.yml", old, new))[tool]
    assert done.returncode != 0
    assert finding in done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_and_names_its_version(workflow: Path) -> None:
    uses = re.findall(r"uses: (.*)", workflow.read_text("utf-8"))
    assert uses
    for each in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


def test_one_action_is_pinned_to_one_commit() -> None:
    text = "".join(path.read_text("utf-8") for path in WORKFLOWS)
    pins = set(re.findall(r"uses: (\S+)@(\S+)", text))
    assert len({name for name, _ in pins}) == len(pins)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_has_no_permission_that_it_does_not_name(workflow: Path) -> None:
    loaded = load(workflow.name)
    assert loaded["permissions"] == {}
    for job in loaded["jobs"].values():
        assert isinstance(job["permissions"], dict)
        assert job["timeout-minutes"]


def test_only_the_publishing_job_can_prove_who_it_is_and_it_runs_nothing_of_the_repository() -> None:
    jobs = load("release.yml")["jobs"]
    assert [name for name, job in jobs.items() if "id-token" in job["permissions"]] == ["publish"]
    publish = jobs["publish"]
    assert publish["environment"] == "pypi"
    assert all("run" not in step for step in publish["steps"])
    assert not any("checkout" in step["uses"] for step in publish["steps"])
    assert "secrets." not in (FOLDER / "release.yml").read_text("utf-8")


def test_only_a_tag_of_a_version_publishes() -> None:
    workflow = load("release.yml")
    # YAML's older rules take the word `on` for a truth value.
    triggers = workflow[True]
    assert set(triggers) == {"push", "workflow_dispatch"}
    assert all(re.fullmatch(r"v(\[0-9\]\+\.?)+(post\[0-9\]\+)?", tag) for tag in triggers["push"]["tags"])
    jobs = workflow["jobs"]
    assert jobs["publish"]["if"] == "github.event_name == 'push' && github.ref_type == 'tag'"
    assert jobs["publish"]["needs"] == "check"
    assert set(jobs["check"]["needs"]) == {"sdist", "wheels", "windows"}
    assert jobs["notes"]["needs"] == "publish"


def test_what_is_run_is_the_makefile_or_what_ci_runs() -> None:
    run = "\n".join(
        step.get("run", "")
        for path in WORKFLOWS
        for job in load(path.name)["jobs"].values()
        for step in job["steps"]
    )
    commands = [line.split() for line in run.splitlines() if line]
    assert {command[0] for command in commands} == {"make", ".ci/run", "rustup", "gh"}
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert {command[1] for command in commands if command[0] == "make"} <= targets
