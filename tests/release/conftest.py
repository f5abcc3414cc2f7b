"""A staged tree and its sdist, made once; and copies of the checkout that a test may spoil."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.release import sdk
from scripts.release.project import ROOT


def git(root: Path, *arguments: str) -> str:
    """Run git in `root` with an author, and return what it prints."""
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *author, *arguments], cwd=root, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout, as it is on disk, with everything committed."""
    copy = tmp_path / "checkout"
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    git(copy, "init", "--quiet")
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "As it was")
    return copy


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDK, staged."""
    return sdk.stage(tmp_path_factory.mktemp("staged") / "sdk")


@pytest.fixture(scope="session")
def sdist(tree: Path) -> Path:
    """The sdist of the staged tree."""
    return sdk.build_sdist(tree, tree.parent / "dist")
