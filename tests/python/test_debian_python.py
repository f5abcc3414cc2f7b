"""CPython 3.14 from Debian's packages, for the tests of the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.debian import KEYRING, UnavailableError
from scripts.debian_python import TOOLS, unpack

CHILD = """
import ssl, subprocess, sys
print(subprocess.check_output([sys.executable, "-c", "print(1 + 1)"], text=True))
"""


def test_a_machine_without_the_tools_is_told_which_packages_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="apt, dpkg, patchelf"):
        unpack(tmp_path / "python")
    assert not list(tmp_path.iterdir())


def test_a_machine_that_is_no_debian_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in TOOLS:
        (tmp_path / tool).write_text("#!/bin/sh\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("scripts.debian.KEYRING", tmp_path)
    with pytest.raises(UnavailableError, match="no mirror of Debian"):
        unpack(tmp_path / "python")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(UnavailableError, match="remove it"):
        unpack(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(
    not KEYRING.exists() or None in map(shutil.which, TOOLS), reason="needs a Debian with patchelf"
)
def test_it_makes_environments_and_starts_children_like_any_other(tmp_path: Path) -> None:
    try:
        python = unpack(tmp_path / "python")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"not run: the mirror does not give what its own list names ({error.returncode})")
    assert unpack(tmp_path / "python") == python
    environment = tmp_path / "environment"
    free = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    subprocess.run([python, "-m", "venv", environment], check=True, env=free)
    subprocess.run([environment / "bin/pip", "--version"], check=True, env=free)
    done = subprocess.run(
        [environment / "bin/python", "-c", CHILD], check=True, env=free, capture_output=True, text=True
    )
    assert done.stdout.strip() == "2"
