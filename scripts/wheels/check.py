"""Checks a wheel: is it what its name says, and fit for other people's machines?

Owns what is checked of a wheel as a whole; what is checked of its native module alone is in `native`, and the
metadata in `scripts.release`, which is asked as well. A wheel is compared with the checkout that this runs
in, so it must be of the same commit. Changes nothing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import parse_wheel_filename
from wheel.wheelfile import WheelError, WheelFile

from scripts.release import distributions
from scripts.release.project import Project
from scripts.wheels import native
from scripts.wheels.platforms import FREE_THREADED, STABLE_ABI, Platform, of_wheel

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "codex_app_server"

# The file of the native module in each kind of wheel, on Windows and elsewhere.
_MODULES = {
    STABLE_ABI: rf"{PACKAGE}/_native\.(?:pyd|abi3\.so)",
    FREE_THREADED: rf"{PACKAGE}/_native\.(?:cp314t-win_\w+\.pyd|cpython-314t-[\w-]+\.so)",
}
_SBOM = "sboms/codex-native.cyclonedx.json"


def problems(wheel: Path) -> list[str]:
    """What is wrong with `wheel`, a sentence each; nothing when it may be published."""
    try:
        platform = of_wheel(wheel.name)
        with WheelFile(wheel) as archive:
            # Compares each file with RECORD, and refuses one that is not in it.
            files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    except (ValueError, OSError, WheelError, zipfile.BadZipFile) as error:
        return [str(error)]
    abi = "-".join(wheel.name.split("-")[2:4])
    modules = [name for name in files if name.endswith((".so", ".pyd", ".dylib"))]
    if len(modules) != 1 or not re.fullmatch(_MODULES.get(abi, "nothing"), modules[0]):
        return [f"it is tagged {abi}, and its native modules are {modules}"]
    return [
        *native.problems(files[modules[0]], platform, abi),
        *_name_problems(wheel, files, platform),
        *_tag_problems(wheel, platform),
        *(_abi_problems(wheel) if abi == STABLE_ABI else ()),
        *_content_problems(files, modules[0]),
        *(line.removeprefix(f"{wheel.name}: ") for line in distributions.check([wheel], Project.read())),
    ]


def _name_problems(wheel: Path, files: dict[str, bytes], platform: Platform) -> Iterator[str]:
    named = {str(tag) for tag in parse_wheel_filename(wheel.name)[3]}
    surplus = {tag.rsplit("-", 1)[1] for tag in named} - {platform.tag, platform.older_name}
    if surplus:
        yield f"its name promises {', '.join(sorted(surplus))}, too"
    inside = files[f"{_dist_info(files)}/WHEEL"].decode()
    if set(re.findall(r"^Tag: (.+)$", inside, re.M)) != named:
        yield "its WHEEL file has other tags than its name"
    if "Root-Is-Purelib: false" not in inside:
        yield "its WHEEL file says that there is no native module inside"


def _tag_problems(wheel: Path, platform: Platform) -> Iterator[str]:
    if platform.system in ("macosx", "win"):
        return  # auditwheel knows Linux only; `native` looks at what those need
    if sys.platform != "linux":
        yield "auditwheel runs on Linux only, so its symbols were not compared with its name"
        return
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


def _content_problems(files: dict[str, bytes], module: str) -> Iterator[str]:
    """The package and the licenses are those of the checkout, file for file; all else is metadata."""
    info = _dist_info(files)
    wanted = {f"{info}/licenses/{name}": ROOT / name for name in Project.read().license_files}
    listed = _run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", f"python/{PACKAGE}")
    sources = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    wanted |= {name.removeprefix("python/"): ROOT / name for name in sources}
    for name, source in wanted.items():
        if name not in files:
            yield f"{name} is missing"
        elif files[name] != source.read_bytes():
            yield f"{name} is not that of the checkout"
    if f"{info}/{_SBOM}" not in files:
        yield f"{info}/{_SBOM} is missing"
    made = {module, *(f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", _SBOM))}
    for name in sorted(files.keys() - wanted.keys() - made):
        yield f"{name} does not belong into the wheel"
    found = native.local_paths(files[module])
    if found:
        yield f"{module} has {len(found)} paths of the machine that built it, {min(found)} among them"
    named = re.findall(
        r"file://(?!\.|/codex-app-server-sdk/)[^\s\"]+", files.get(f"{info}/{_SBOM}", b"").decode()
    )
    if named:
        yield f"{_SBOM} has {len(named)} paths of the machine that built it, {min(named)} among them"


def _dist_info(files: dict[str, bytes]) -> str:
    return next(name.split("/")[0] for name in files if name.endswith(".dist-info/WHEEL"))


def _run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # The tools of this interpreter's environment come first, whichever is on PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    # Windows looks for a program where this one's own environment says, not the child's.
    return subprocess.run(
        [shutil.which(tool, path=path) or tool, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path},
    )
