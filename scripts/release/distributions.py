"""Checks the files of a release: each by itself, and all of them as one release.

Owns which files belong together and what is asked of a name, a tag and a set. What is asked of the metadata
stands in `metadata`; whether the native module of a wheel keeps to its tag is no business of this.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.tags import Tag
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from scripts.wheels.platforms import INTERPRETERS

from . import metadata
from .errors import ReleaseError
from .project import RUNTIME, Project, check_version


@dataclass(frozen=True)
class Distribution:
    """A file of a release, as its name describes it; an sdist has no tags."""

    path: Path
    name: str
    version: Version
    tags: frozenset[Tag]

    @classmethod
    def named(cls, path: Path) -> Distribution:
        """What the name of `path` says.

        Raises:
            ReleaseError: There is no such file, or its name is neither that of a wheel nor that of an sdist.
        """
        if not path.is_file() or not path.name.endswith((".whl", ".tar.gz")):
            problem = "neither .whl nor .tar.gz" if path.is_file() else "not a file"
            raise ReleaseError(f"{path} is {problem}.", "name wheels and sdists: `check dist/*`")
        try:
            if path.suffix == ".whl":
                name, version, _, tags = parse_wheel_filename(path.name)
                return cls(path, name, version, tags)
            name, version = parse_sdist_filename(path.name)
            return cls(path, name, version, frozenset())
        except (InvalidWheelFilename, InvalidSdistFilename) as error:
            raise ReleaseError(
                f"{path} is no distribution: {error}", "name wheels and sdists only"
            ) from error


def check(
    paths: Sequence[Path],
    project: Project,
    platforms: Sequence[str] = (),
    kinds: Sequence[str] = tuple(INTERPRETERS),
) -> list[str]:
    """What is wrong with the files of a release, a line each.

    Args:
        paths: Wheels and the sdist of the SDK, and wheels of the runtime.
        project: What the metadata must agree with.
        platforms: The platform tags that the SDK is published for. With them the set must be complete: a
            wheel for each, and the sdist.
        kinds: The kinds of wheels that there must be, as their names say them: `cp310-abi3`.

    Raises:
        ReleaseError: A file is no distribution at all.
    """
    found = [Distribution.named(path) for path in paths]
    ours = [each for each in found if each.name == canonicalize_name(project.name)]
    runtimes = [each for each in found if each.name == RUNTIME]
    lines = [f"{each.path.name}: belongs to {each.name}" for each in found if each not in ours + runtimes]
    for each in ours:
        lines += [f"{each.path.name}: {problem}" for problem in _problems_of_ours(each, project)]
    for each in runtimes:
        lines += [f"{each.path.name}: {problem}" for problem in _problems_of_a_runtime(each, project)]
    return lines + _problems_of_the_set(ours, platforms, kinds) + _twine(paths)


def _problems_of_ours(one: Distribution, project: Project) -> list[str]:
    try:
        check_version(str(one.version), project.runtime)
        found = metadata.problems(metadata.read(one.path), project, str(one.version))
        inside = metadata.names(one.path)
    except ReleaseError as error:
        return [error.cause]
    except ValueError as error:
        return [str(error)]
    below = f"{one.path.name.split('-')[0]}-{one.version}.dist-info/licenses/" if one.tags else ""
    found += [f"{name} is not inside" for name in project.license_files if f"{below}{name}" not in inside]
    if one.tags:
        found += [f"{name} is not inside" for name in _of_a_wheel(inside)]
        found += ["it is tagged for any platform" for tag in one.tags if tag.platform == "any"]
    else:
        found += [f"{name} is not inside" for name in ("Cargo.lock", "Cargo.toml") if name not in inside]
        found += [
            f"{name} was built, and is inside" for name in inside if name.endswith((".so", ".pyd", ".pyc"))
        ]
    return found


def _of_a_wheel(inside: set[str]) -> list[str]:
    """What a wheel of ours must hold and does not."""
    missing = [name for name in ("codex_app_server/py.typed",) if name not in inside]
    if not any(name.startswith("codex_app_server/_native.") and not name.endswith(".pyi") for name in inside):
        missing.append("the native module")
    return missing


def _problems_of_a_runtime(one: Distribution, project: Project) -> list[str]:
    if not one.tags:
        return ["the runtime has platform wheels only; an sdist would put one platform's program on all"]
    try:
        said = metadata.read(one.path)
    except ValueError as error:
        return [str(error)]
    found = []
    if (canonicalize_name(said.name), said.version) != (one.name, one.version):
        found.append(f"inside it is {said.name} {said.version}")
    if one.version.public != project.runtime:
        found.append(f"it is of version {one.version}, which the SDK's pin {project.runtime} does not take")
    for tag in one.tags:
        if (tag.interpreter, tag.abi) != ("py3", "none") or tag.platform == "any":
            found.append(f"its tag is {tag}, not py3-none-PLATFORM")
    with zipfile.ZipFile(one.path) as wheel:
        programs = [each for each in wheel.infolist() if each.filename.startswith("codex_cli_bin/bin/codex")]
        if not programs:
            found.append("it holds no program codex_cli_bin/bin/codex")
        # The mode is in the upper half of what Unix stores there.
        unset = [each.filename for each in programs if not each.external_attr >> 16 & 0o100]
        windows = any(tag.platform.startswith("win") for tag in one.tags)
        found += [f"{name} is not executable" for name in unset if not windows]
    return found


def _problems_of_the_set(
    ours: list[Distribution], platforms: Sequence[str], kinds: Sequence[str]
) -> list[str]:
    versions = sorted({str(each.version) for each in ours})
    found = [f"the files are of several versions: {', '.join(versions)}"] if len(versions) > 1 else []
    if not platforms:
        return found
    sdists = [each.path.name for each in ours if not each.tags]
    if len(sdists) != 1:
        found.append(f"there is {'more than one' if sdists else 'no'} sdist")
    of_kind: dict[str, list[Distribution]] = defaultdict(list)
    for each in ours:
        for kind in {f"{tag.interpreter}-{tag.abi}" for tag in each.tags}:
            of_kind[kind].append(each)
    for kind in sorted(of_kind.keys() - set(kinds)):
        found.append(f"{of_kind[kind][0].path.name}: no {kind} wheels are published")
    # Each kind is for every platform.
    for kind in kinds:
        wheels = of_kind[kind]
        for platform in platforms:
            serving = [each for each in wheels if any(tag.platform == platform for tag in each.tags)]
            if len(serving) != 1:
                found.append(f"there is {'more than one' if serving else 'no'} {kind} wheel for {platform}")
        for each in wheels:
            if not any(tag.platform in platforms for tag in each.tags):
                found.append(f"{each.path.name}: is for none of the platforms that are published")
    return found


def _twine(paths: Sequence[Path]) -> list[str]:
    """What the index itself would refuse."""
    command = [sys.executable, "-m", "twine", "--no-color", "check", "--strict", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if "PASSED" not in line]
    return [f"twine check: {line}" for line in said if line]
