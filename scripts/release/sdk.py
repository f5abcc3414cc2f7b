"""Stages the SDK: a source tree with nothing but what its sdist needs, and exact versions.

Owns which files those are and what must be true before a release is staged. Never edits the checkout: the
versions are written into the copy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from scripts import pins

from . import changelog, generated
from .errors import ReleaseError
from .project import ROOT, RUNTIME, Project, check_version
from .staging import new_folder

# Besides the readme and the licences, which pyproject.toml names.
FILES = ("pyproject.toml", "Cargo.toml", "Cargo.lock")
# Not rust/fuzz and rust/benches, which are no part of the workspace that is built.
FOLDERS = ("python", "rust/core", "rust/bindings")


def stage(
    folder: Path, *, runtime_version: str | None = None, sdk_version: str | None = None, root: Path = ROOT
) -> Path:
    """Stage the SDK in `folder`, a new one outside the checkout.

    Args:
        folder: Where the tree shall be.
        runtime_version: The version of the runtime that is pinned; the checkout's pin by default.
        sdk_version: The version of the SDK; the checkout's by default.
        root: The checkout.

    Raises:
        ReleaseError: The versions do not go together, the changelog has no entry for this one, the generated
            files are not those of this runtime, or the folder cannot be used.
    """
    project = Project.read(root)
    runtime = runtime_version or project.runtime
    chosen = sdk_version or project.version
    check_version(chosen, runtime)
    changelog.entry(root, chosen)
    tree = new_folder(folder, root)
    _check_runtime(runtime)
    generated.generate(root, check=True)
    for name in _files(project):
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)
    staged = {name: pins.RUNTIME[name] for name in FILES if name in pins.RUNTIME}
    pins.write(tree, (staged, runtime), (pins.SDK, chosen))
    return tree


def build_sdist(tree: Path, out: Path) -> Path:
    """Build the sdist of a staged tree into the folder `out`; returns its path.

    Raises:
        ReleaseError: The build failed.
    """
    out = out.resolve()
    command = [sys.executable, "-m", "maturin", "sdist", "--out", str(out)]
    with tempfile.TemporaryDirectory(prefix="codex-sdist-") as elsewhere:
        # cargo makes a folder for what it builds, also where it builds nothing; not in the tree.
        environment = {**os.environ, "CARGO_TARGET_DIR": elsewhere}
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"maturin makes no sdist of {tree}: {done.stderr.strip()}", "see what it says")
    project = Project.read(tree)
    return out / f"{project.name.replace('-', '_')}-{project.version}.tar.gz"


def _check_runtime(runtime: str) -> None:
    """The generators ask the installed runtime, so it must be the one that is pinned."""
    try:
        installed = version(RUNTIME)
    except PackageNotFoundError:
        installed = "none"
    if installed != runtime:
        raise ReleaseError(
            f"The types cannot be those of the runtime {runtime}: {installed} is installed here.",
            f"run `make runtime VERSION={runtime}`, or stage for the installed one",
        )


def _files(project: Project) -> list[str]:
    """The files to stage, as paths relative to the root: what git knows or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *FOLDERS]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(
            f"git cannot list the files of {project.root}: {done.stderr.strip()}",
            "stage from a git checkout; git tells sources from what was built",
        )
    # git also lists what is deleted but not committed yet.
    sources = [name for name in done.stdout.split("\0") if name and (project.root / name).is_file()]
    return [*FILES, str(project.table["readme"]), *project.license_files, *sources]
