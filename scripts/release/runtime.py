"""Stages the runtime: a project from which the wheel of one platform is built, out of a binary that is there.

Owns which files of a Codex build go into it and what must be true of them. The package itself is the template
in `runtime_template/`. For those who run a runtime of their own: a fork, a local build, a platform without a
wheel.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from packaging.version import InvalidVersion, Version

from scripts import pins

from .errors import ReleaseError
from .executables import platform_of, tagged
from .project import ROOT
from .staging import new_folder

TEMPLATE = Path(__file__).with_name("runtime_template")
PLACES: pins.Places = {"pyproject.toml": (r'^(version = ").+(")$',)}
PLATFORM: pins.Places = {"pyproject.toml": (r'^(platform = ").*(")$',)}
# A build of Codex that is no release says that this is its version.
DEVELOPMENT = "0.0.0"
_PACKAGE = "codex-package.json"


def stage(
    folder: Path, *, binary: Path, tag: str, version: str, path_dir: Path | None = None, root: Path = ROOT
) -> Path:
    """Stage the runtime's package in `folder`, a new one outside the checkout.

    A binary that stands in the `bin` of a Codex package (a folder with `codex-package.json`) brings the whole
    of it along: its helpers, its resources and its tools. Another one comes alone.

    Args:
        folder: Where the project shall be.
        binary: The program `codex`.
        tag: The platform tag of the wheel, `manylinux_2_17_x86_64` for example.
        version: The version of the package. A local part (`0.163.0+mine`) satisfies the SDK's pin and can
            never be taken for an official release.
        path_dir: A folder of tools for the runtime's PATH, instead of the Codex package's own.
        root: The checkout, which the folder must be outside of.

    Raises:
        ReleaseError: The binary is no program, is for another platform or of another version, or the folder
            cannot be used.
    """
    try:
        chosen = Version(version)
    except InvalidVersion as error:
        raise ReleaseError(
            f"{version!r} is not a version.", "give one like 0.163.0 or 0.163.0+mine"
        ) from error
    _check_program(binary, tag)
    package = _package(binary, chosen)
    _check_reported(binary, tag, chosen)
    if path_dir is not None and not path_dir.is_dir():
        raise ReleaseError(f"{path_dir} is not a folder.", "name the folder that holds the tools")
    tree = new_folder(folder, root)
    shutil.copytree(TEMPLATE, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    inside = tree / "codex_cli_bin"
    name = "codex.exe" if tagged(tag)[0] == "win" else "codex"
    if package is not None:
        shutil.copytree(
            package, inside, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__")
        )
    else:
        (inside / "bin").mkdir()
        shutil.copy2(binary, inside / "bin" / name)
    if path_dir is not None:
        shutil.rmtree(inside / "codex-path", ignore_errors=True)
        shutil.copytree(path_dir, inside / "codex-path")
    pins.write(tree, (PLACES, str(chosen)), (PLATFORM, tag))
    return tree


def _check_program(binary: Path, tag: str) -> None:
    try:
        wanted = tagged(tag)
    except ValueError as error:
        raise ReleaseError(f"{error}.", "give the tag that the wheel's name shall end with") from error
    if not binary.is_file():
        problem = "is a folder" if binary.is_dir() else "does not exist"
        raise ReleaseError(f"{binary} {problem}.", "name the program `codex` itself")
    found = platform_of(binary)
    if found is None:
        raise ReleaseError(
            f"{binary} is no program: neither ELF, nor Mach-O, nor PE, of 64 bits.",
            "name the program itself, not a script that starts it",
        )
    if found != wanted:
        raise ReleaseError(
            f"{binary} is for {' on '.join(found)}, and the tag {tag} for {' on '.join(wanted)}.",
            "give the tag of the binary's platform, or the binary of the tag's",
        )
    if wanted[0] != "win" and not os.access(binary, os.X_OK):
        raise ReleaseError(f"{binary} is not executable.", f"chmod +x {binary}")


def _package(binary: Path, version: Version) -> Path | None:
    """The Codex package that `binary` belongs to, None where it stands alone."""
    folder = binary.resolve().parent.parent
    description = folder / _PACKAGE
    if binary.resolve().parent.name != "bin" or not description.is_file():
        return None
    described = str(json.loads(description.read_text("utf-8")).get("version"))
    _check_same(described, version, f"{description} says")
    return folder


def _check_reported(binary: Path, tag: str, version: Version) -> None:
    """Ask a binary for this machine for its version; another one cannot be asked."""
    machine = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    here = {"linux": "linux", "darwin": "macosx", "win32": "win"}.get(sys.platform), machine
    if tagged(tag) != here:
        return
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseError(
            f"{binary} does not start: {error}.", "try it by hand: `codex --version`"
        ) from error
    found = re.search(r"\d+(\.\d+)+\S*", done.stdout)
    if done.returncode or found is None:
        raise ReleaseError(
            f"{binary} does not say its version, but: {(done.stdout + done.stderr).strip()[:200]!r}.",
            "name the program `codex` itself; `codex --version` must work",
        )
    _check_same(found[0], version, f"{binary} says")


def _public(found: str) -> str | None:
    """A version in the spelling of Python's packages; Codex writes `0.164.0-alpha.2` for its `0.164.0a2`."""
    try:
        return Version(found).public
    except InvalidVersion:
        return None


def _check_same(found: str, version: Version, who: str) -> None:
    if found != DEVELOPMENT and _public(found) != version.public:
        raise ReleaseError(
            f"{who} that it is {found}, not {version.public}.",
            f"stage it with --version {found}, or another one",
        )
