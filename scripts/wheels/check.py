"""Checks a wheel: is it what its name says, and fit for other people's machines?

Owns what is checked of a wheel as a whole; what is checked of its native module alone is in `native`, and the
metadata in `scripts.release`, which is asked as well. Changes nothing, so it is run on wheels from anywhere.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from scripts.licenses import linked_crates
from scripts.release import distributions
from scripts.release.project import Project
from scripts.wheels import native
from scripts.wheels.platforms import FREE_THREADED, STABLE_ABI, Platform, of_wheel

ROOT = Path(__file__).resolve().parents[2]

# The file of the native module in each kind of wheel.
_MODULES = {
    STABLE_ABI: r"codex_app_server/_native\.abi3\.so$",
    FREE_THREADED: r"codex_app_server/_native\.cpython-314t-[\w-]+\.so$",
}

# Folders in which people and machines build; a path below one of them is a path of whoever built the wheel.
_BUILDERS_FOLDERS = re.compile(rb"/(?:home|root|Users|builds?|tmp|runner|github)/[\w.+-]+(?:/[\w.+-]+)*")
# A registry's name is that of a folder of cargo's, so its paths are local ones, too.
_REGISTRY_FOLDERS = re.compile(rb"registry/src/[\w.-]+")


def problems(wheel: Path) -> list[str]:
    """What is wrong with `wheel`, a sentence each; nothing when it may be published."""
    try:
        platform = of_wheel(wheel.name)
    except ValueError as error:
        return [str(error)]
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    abi = "-".join(wheel.name.split("-")[2:4])
    modules = [name for name in files if name.endswith((".so", ".pyd", ".dylib"))]
    if len(modules) != 1 or not re.match(_MODULES.get(abi, "$"), modules[0]):
        return [f"it is tagged {abi}, and its native modules are {modules}"]
    return [
        *native.problems(files[modules[0]], platform),
        *_tag_problems(wheel, platform),
        *(_abi_problems(wheel) if abi == STABLE_ABI else ()),
        *_content_problems(files),
        *_path_problems(files),
        *_license_problems(files, platform),
        *(line.removeprefix(f"{wheel.name}: ") for line in distributions.check([wheel], Project.read())),
    ]


def _tag_problems(wheel: Path, platform: Platform) -> Iterator[str]:
    if platform.system == "macosx":
        return  # auditwheel knows Linux only; `native` compares with the oldest macOS
    with tempfile.TemporaryDirectory() as nowhere:
        # Not the libraries of this machine, which may be of another kind than those that the wheel is for.
        done = _run("auditwheel", "show", "--json", "--ldpaths", nowhere, str(wheel))
    if done.returncode:
        yield f"auditwheel: {done.stderr.strip() or done.stdout.strip()}"
        return
    report = json.loads(done.stdout)
    proven = report["sym_tag"]
    # `linux_x86_64` and the like are of no version: good for this machine only.
    found = re.fullmatch(rf"{platform.system}_(\d+)_(\d+)_{platform.machine}", proven)
    if found is None or (int(found[1]), int(found[2])) > platform.version:
        yield f"its symbols make it {proven}, its name says {platform.tag}"
    # musl's library is the one that it has under this name; glibc's are known to auditwheel by theirs.
    surplus = sorted(
        set(report["external_libs"]) - ({"libc.so"} if platform.system == "musllinux" else set())
    )
    if surplus:
        yield f"it needs {', '.join(surplus)}, which not every {platform.system} system has"


def _abi_problems(wheel: Path) -> Iterator[str]:
    done = _run("abi3audit", "--strict", "--report", str(wheel))
    if done.returncode:
        yield f"abi3audit: {done.stdout.strip() or done.stderr.strip()}"


def _content_problems(files: dict[str, bytes]) -> Iterator[str]:
    for name in ("py.typed", "_native.pyi", "__init__.py"):
        if f"codex_app_server/{name}" not in files:
            yield f"codex_app_server/{name} is missing"
    for name in files:
        top = name.split("/")[0]
        if top != "codex_app_server" and not top.endswith(".dist-info"):
            yield f"{name} would be installed beside the package"
        if "__pycache__" in name or name.endswith((".pyc", ".c", ".rs")):
            yield f"{name} does not belong into a wheel"


def _path_problems(files: dict[str, bytes]) -> Iterator[str]:
    here = {str(ROOT), str(Path.home())} - {"/"}
    for name, content in files.items():
        found = (
            {match.group().decode() for match in _BUILDERS_FOLDERS.finditer(content)}
            if _is_built(name)
            else set()
        )
        found |= {match.group().decode() for match in _REGISTRY_FOLDERS.finditer(content)}
        found |= {path for path in here if path.encode() in content}
        if found:
            yield f"{name} has {len(found)} paths of the machine that built it, {min(found)} among them"


def _is_built(name: str) -> bool:
    # Sources may speak of such folders in their examples.
    return name.endswith((".so", ".json"))


def _license_problems(files: dict[str, bytes], platform: Platform) -> Iterator[str]:
    licenses = {name.rsplit("/", 1)[1]: content for name, content in files.items() if "/licenses/" in name}
    for name in ("LICENSE", "THIRD-PARTY-LICENSES.txt"):
        if name not in licenses:
            yield f"{name} is missing"
    told = licenses.get("THIRD-PARTY-LICENSES.txt", b"").decode()
    for crate in linked_crates(platform.target):
        if f"{crate.name} {crate.version}\n" not in told:
            yield f"the license of {crate.name} {crate.version} is missing"


def _run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # The tools of this interpreter's environment, whichever is on PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = Path(sys.executable).with_name(tool)
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
