"""The checks of what would be published: a real sdist passes, and a fault in a copy is named.

The wheels are made of the real sdist's metadata, since a compiler's work adds nothing to what is checked
here; a real wheel passes the same checks in the dry run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts.release.distributions import check
from scripts.release.errors import ReleaseError
from scripts.release.project import ROOT, Project

PROJECT = Project.read()
VERSION = PROJECT.version
PLATFORMS = ["manylinux_2_17_x86_64", "macosx_11_0_arm64"]
KINDS = ["cp310-abi3", "cp314-cp314t"]
# The first test has the SDK staged, which runs the generators.
pytestmark = pytest.mark.timeout(300)
NATIVE = "codex_app_server/_native.abi3.so"


@pytest.fixture(scope="module")
def metadata(sdist: Path) -> str:
    with tarfile.open(sdist) as archive:
        file = archive.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert file is not None
        return file.read().decode()


class Wheels:
    """Makes wheels in a folder."""

    def __init__(self, folder: Path, metadata: str) -> None:
        self.folder = folder
        self.metadata = metadata

    def make(
        self,
        platform: str = PLATFORMS[0],
        *,
        kind: str = "cp310-abi3",
        old: str = "",
        new: str = "",
        without: str = "",
    ) -> Path:
        """A wheel of ours, with one text of its metadata replaced or one of its files left out."""
        assert old in self.metadata
        about = f"codex_app_server_sdk-{VERSION}.dist-info"
        licenses = {f"{about}/licenses/{name}": "" for name in PROJECT.license_files}
        files = {
            NATIVE: "",
            "codex_app_server/py.typed": "",
            f"{about}/METADATA": self.metadata.replace(old, new),
            f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {kind}-{platform}\n",
            f"{about}/RECORD": "",
            **licenses,
        }
        path = self.folder / f"codex_app_server_sdk-{VERSION}-{kind}-{platform}.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for name, text in files.items():
                if not without or without not in name:
                    wheel.writestr(name, text)
        return path

    def runtime(
        self,
        version: str = PROJECT.runtime,
        tag: str = f"py3-none-{PLATFORMS[0]}",
        *,
        mode: int = 0o755,
        name: str = "bin/codex",
    ) -> Path:
        """A wheel of the runtime with an empty program."""
        path = self.folder / f"openai_codex_cli_bin-{version}-{tag}.whl"
        about = f"openai_codex_cli_bin-{version}.dist-info"
        with zipfile.ZipFile(path, "w") as wheel:
            program = zipfile.ZipInfo(f"codex_cli_bin/{name}")
            program.external_attr = mode << 16
            wheel.writestr(program, "")
            text = f"Metadata-Version: 2.4\nName: openai-codex-cli-bin\nVersion: {version}\nSummary: It\n"
            wheel.writestr(f"{about}/METADATA", f"{text}Description-Content-Type: text/markdown\n\nIt.\n")
            wheel.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
            wheel.writestr(f"{about}/RECORD", "")
        return path


@pytest.fixture
def wheels(tmp_path: Path, metadata: str) -> Wheels:
    return Wheels(tmp_path, metadata)


def test_a_whole_release_passes(sdist: Path, wheels: Wheels) -> None:
    ours = [wheels.make(platform, kind=kind) for platform in PLATFORMS for kind in KINDS]
    files = [sdist, *ours, wheels.runtime()]
    assert check(files, PROJECT, PLATFORMS) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (f"Version: {VERSION}\n", "Version: 9.8.7\n", f"Version is 9.8.7, not {VERSION}"),
        ("Name: codex-app-server-sdk", "Name: codex-sdk", "Name is codex-sdk, not codex-app-server-sdk"),
        (f"cli-bin=={PROJECT.runtime}", "cli-bin>=0.1", "openai-codex-cli-bin>=0.1"),
        ("Requires-Python: >=3.10", "Requires-Python: >=3.9", "Requires-Python is >=3.9, not >=3.10"),
        ("Requires-Dist: aiohttp>=3.10 ; extra == 'testing'\n", "", "Requires-Dist is"),
        ("Provides-Extra: testing\n", "", "Provides-Extra is , not testing"),
        ("License-File: LICENSE\n", "", "License-File is"),
        ("License-Expression: Apache-2.0", "License-Expression: MIT", "License-Expression is MIT"),
        ("Classifier: Typing :: Typed\n", "", "Classifier is"),
        ("Project-URL: Repository,", "Project-URL: Source,", "Project-URL is"),
        ("Summary: Python", "Summary: A Python", "Summary is A Python SDK"),
        (
            f"{PROJECT.repository}/blob/main/docs/calls.md",
            "docs/calls.md",
            "link to docs/calls.md leads nowhere",
        ),
        ("main/docs/calls.md", "main/docs/gone.md", "docs/gone.md leads to a file that is not there"),
    ],
)
def test_metadata_that_differs_is_named(wheels: Wheels, old: str, new: str, problem: str) -> None:
    wheel = wheels.make(old=old, new=new)
    found = "\n".join(check([wheel], PROJECT))
    assert problem in found
    assert found.count(f"{wheel.name}: ") == found.count("\n") + 1 - found.count("twine check")


@pytest.mark.parametrize(
    ("without", "problem"),
    [
        (NATIVE, "the native module is not inside"),
        ("py.typed", "codex_app_server/py.typed is not inside"),
        ("licenses/LICENSE", "LICENSE is not inside"),
        ("METADATA", "it cannot be read"),
    ],
)
def test_what_is_missing_in_a_wheel_is_named(wheels: Wheels, without: str, problem: str) -> None:
    assert problem in "\n".join(check([wheels.make(without=without)], PROJECT))


def test_a_file_that_is_damaged_is_named(sdist: Path, wheels: Wheels, tmp_path: Path) -> None:
    wheel, broken = wheels.make(), tmp_path / sdist.name
    for path, whole in ((wheel, wheel), (broken, sdist)):
        path.write_bytes(whole.read_bytes()[:200])
        assert f"{path.name}: it cannot be read" in "\n".join(check([path], PROJECT))


def test_what_was_built_does_not_belong_into_an_sdist(sdist: Path, tmp_path: Path) -> None:
    top = sdist.name.removesuffix(".tar.gz")
    shutil.unpack_archive(sdist, tmp_path)
    (tmp_path / top / "python/codex_app_server/_native.abi3.so").touch()
    (tmp_path / top / "Cargo.lock").unlink()
    with tarfile.open(tmp_path / sdist.name, "w:gz") as archive:
        archive.add(tmp_path / top, top)
    found = "\n".join(check([tmp_path / sdist.name], PROJECT))
    assert "python/codex_app_server/_native.abi3.so was built, and is inside" in found
    assert "Cargo.lock is not inside" in found


def test_what_only_the_index_would_refuse_is_refused_here(wheels: Wheels) -> None:
    found = check(
        [wheels.make(old="Description-Content-Type: text/markdown", new="X-Nothing: at all")], PROJECT
    )
    assert any(line.startswith("twine check: ") for line in found)


def test_a_platform_without_a_wheel_is_named(sdist: Path, wheels: Wheels) -> None:
    found = check([sdist, wheels.make()], PROJECT, PLATFORMS, KINDS[:1])
    assert found == [f"there is no cp310-abi3 wheel for {PLATFORMS[1]}"]


def test_each_kind_of_wheel_is_there_for_each_platform(sdist: Path, wheels: Wheels) -> None:
    files = [sdist, *map(wheels.make, PLATFORMS), wheels.make(kind="cp314-cp314t")]
    assert check(files, PROJECT, PLATFORMS) == [f"there is no cp314-cp314t wheel for {PLATFORMS[1]}"]
    only = [sdist, wheels.make(kind="cp314-cp314t")]
    assert check(only, PROJECT, PLATFORMS[:1]) == [f"there is no cp310-abi3 wheel for {PLATFORMS[0]}"]


def test_a_kind_of_wheel_that_is_not_published_is_named(sdist: Path, wheels: Wheels) -> None:
    files = [sdist, *(wheels.make(kind=kind) for kind in [*KINDS, "cp27-none"])]
    (problem,) = check(files, PROJECT, PLATFORMS[:1])
    assert problem.endswith("no cp27-none wheels are published")


def test_a_wheel_may_carry_older_spellings_of_its_platform(sdist: Path, wheels: Wheels) -> None:
    both = wheels.make("manylinux_2_17_x86_64.manylinux2014_x86_64")
    assert check([sdist, both], PROJECT, PLATFORMS[:1], KINDS[:1]) == []


@pytest.mark.parametrize("platform", ["linux_x86_64", "manylinux_2_34_x86_64", "any"])
def test_a_wheel_for_a_platform_that_is_not_published_is_named(
    sdist: Path, wheels: Wheels, platform: str
) -> None:
    files = [sdist, wheels.make(), wheels.make(platform)]
    assert "is for none of the platforms" in "\n".join(check(files, PROJECT, PLATFORMS[:1]))


def test_a_release_without_an_sdist_or_without_a_wheel_is_not_complete(sdist: Path, wheels: Wheels) -> None:
    assert "there is no sdist" in check([wheels.make()], PROJECT, PLATFORMS[:1])
    assert f"there is no cp310-abi3 wheel for {PLATFORMS[0]}" in check([sdist], PROJECT, PLATFORMS[:1])


def test_files_of_two_versions_are_no_release(sdist: Path, wheels: Wheels) -> None:
    other = wheels.folder / wheels.make().name.replace(VERSION, f"{VERSION}.post1")
    wheels.make().rename(other)
    assert f"the files are of several versions: {VERSION}, {VERSION}.post1" in check([sdist, other], PROJECT)


def test_a_version_that_the_runtime_has_not_is_named(wheels: Wheels) -> None:
    other = wheels.folder / wheels.make().name.replace(VERSION, "9.8.7")
    wheels.make().rename(other)
    assert f"9.8.7 is not that of its runtime, {PROJECT.runtime}" in "\n".join(check([other], PROJECT))


def test_an_sdist_of_the_runtime_is_never_published(tmp_path: Path) -> None:
    path = tmp_path / f"openai_codex_cli_bin-{VERSION}.tar.gz"
    with tarfile.open(path, "w:gz"):
        pass
    assert "the runtime has platform wheels only" in check([path], PROJECT)[0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": "9.8.7"}, f"which the SDK's pin {PROJECT.runtime} does not take"),
        ({"tag": "py3-none-any"}, "its tag is py3-none-any, not py3-none-PLATFORM"),
        ({"tag": f"cp310-abi3-{PLATFORMS[0]}"}, "not py3-none-PLATFORM"),
        ({"mode": 0o644}, "codex_cli_bin/bin/codex is not executable"),
        ({"name": "codex"}, "it holds no program codex_cli_bin/bin/codex"),
    ],
)
def test_a_fault_of_a_runtime_wheel_is_named(wheels: Wheels, change: dict[str, str], problem: str) -> None:
    assert problem in "\n".join(check([wheels.runtime(**change)], PROJECT))  # type: ignore[arg-type]


def test_a_runtime_of_ones_own_with_a_local_version_passes(wheels: Wheels) -> None:
    assert check([wheels.runtime(f"{PROJECT.runtime}+mine")], PROJECT) == []


@pytest.mark.parametrize("name", ["gone.whl", "notes.txt", "codex.whl", "codex-1.zip"])
def test_what_is_no_distribution_is_refused(name: str, tmp_path: Path) -> None:
    if not name.startswith("gone"):
        (tmp_path / name).touch()
    with pytest.raises(ReleaseError, match=re.escape(name)):
        check([tmp_path / name], PROJECT)


def test_the_command_prints_every_problem_and_fails(sdist: Path, wheels: Wheels) -> None:
    files = [str(sdist), str(wheels.make(without=NATIVE))]
    command = [sys.executable, "-m", "scripts.release", "check", *files, "--platforms", *PLATFORMS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the native module is not inside" in done.stderr
    assert f"there is no cp310-abi3 wheel for {PLATFORMS[1]}" in done.stderr
    assert "Traceback" not in done.stderr
