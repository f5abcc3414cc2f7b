"""Staging the runtime: which files come along, what its package offers, and what is refused."""

from __future__ import annotations

import importlib.util
import json
import platform
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import codex_cli_bin
import pytest

from scripts.release import runtime
from scripts.release.errors import ReleaseError
from scripts.release.executables import platform_of
from scripts.release.project import ROOT, Project

VERSION = Project.read().runtime
ELF = b"\x7fELF\x02\x01" + bytes(12)
X86_64 = ELF + struct.pack("<H", 62)
AARCH64 = ELF + struct.pack("<H", 183)
TAG = "manylinux_2_17_aarch64"


def program(folder: Path, head: bytes = AARCH64, *, name: str = "codex") -> Path:
    """A file that begins like a program, by default for a machine whose programs are not run here."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(head + b"the rest")
    path.chmod(0o755)
    return path


def package(folder: Path, version: str = VERSION) -> Path:
    """A Codex package as its builders lay it out; returns its program."""
    path = program(folder / "bin")
    program(folder / "bin", name="codex-helper")
    program(folder / "codex-path", name="rg")
    program(folder / "codex-resources", name="sandbox")
    (folder / "codex-package.json").write_text(json.dumps({"version": version}))
    return path


def staged(folder: Path) -> set[str]:
    inside = folder / "codex_cli_bin"
    return {path.relative_to(inside).as_posix() for path in inside.rglob("*") if path.is_file()}


def hatchling(tree: Path, target: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", "out"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


def test_a_program_of_a_codex_package_brings_the_package_along(tmp_path: Path) -> None:
    tree = runtime.stage(tmp_path / "out", binary=package(tmp_path / "codex"), tag=TAG, version=VERSION)
    assert staged(tree) == {
        "__init__.py",
        "bin/codex",
        "bin/codex-helper",
        "codex-package.json",
        "codex-path/rg",
        "codex-resources/sandbox",
    }


def test_a_program_by_itself_comes_alone_with_the_tools_it_is_given(tmp_path: Path) -> None:
    program(tmp_path / "tools", name="rg")
    tree = runtime.stage(
        tmp_path / "out",
        binary=program(tmp_path, name="codex-built-here"),
        tag=TAG,
        version=VERSION,
        path_dir=tmp_path / "tools",
    )
    assert staged(tree) == {"__init__.py", "bin/codex", "codex-path/rg"}


def test_given_tools_replace_those_of_the_package(tmp_path: Path) -> None:
    program(tmp_path / "tools", name="ripgrep")
    tree = runtime.stage(
        tmp_path / "out",
        binary=package(tmp_path / "codex"),
        tag=TAG,
        version=VERSION,
        path_dir=tmp_path / "tools",
    )
    assert {name for name in staged(tree) if name.startswith("codex-path/")} == {"codex-path/ripgrep"}


def test_the_wheel_is_for_one_platform_and_its_programs_stay_executable(tmp_path: Path) -> None:
    version = f"{VERSION}+mine"
    tree = runtime.stage(tmp_path / "out", binary=package(tmp_path / "codex"), tag=TAG, version=version)
    done = hatchling(tree, "wheel")
    assert done.returncode == 0, done.stderr
    (wheel,) = (tree / "out").iterdir()
    assert wheel.name == f"openai_codex_cli_bin-{version}-py3-none-{TAG}.whl"
    with zipfile.ZipFile(wheel) as archive:
        modes = {
            each.filename: each.external_attr >> 16 & 0o777
            for each in archive.infolist()
            if each.filename.startswith("codex_cli_bin/")
        }
        (name,) = [each for each in archive.namelist() if each.endswith("/WHEEL")]
        assert b"Root-Is-Purelib: false" in archive.read(name)
    programs = {"bin/codex", "bin/codex-helper", "codex-path/rg", "codex-resources/sandbox"}
    assert {name for name, mode in modes.items() if mode == 0o755} == {
        f"codex_cli_bin/{each}" for each in programs
    }
    assert set(modes) == {f"codex_cli_bin/{each}" for each in staged(tree)}


def test_an_sdist_of_the_runtime_is_not_built(tmp_path: Path) -> None:
    tree = runtime.stage(tmp_path / "out", binary=program(tmp_path), tag=TAG, version=VERSION)
    done = hatchling(tree, "sdist")
    assert done.returncode != 0
    assert "platform wheels only" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tree / "out").glob("*.tar.gz"))


def test_the_template_itself_is_not_built(tmp_path: Path) -> None:
    tree = tmp_path / "template"
    subprocess.run(["cp", "-r", runtime.TEMPLATE, tree], check=True)
    done = hatchling(tree, "wheel")
    assert done.returncode != 0
    assert "Stage it first" in done.stderr
    assert not list((tree / "out").glob("*.whl"))


def test_the_package_offers_what_the_official_one_offers_and_the_sdk_uses(tmp_path: Path) -> None:
    tree = runtime.stage(tmp_path / "out", binary=package(tmp_path / "codex"), tag=TAG, version=VERSION)
    path = tree / "codex_cli_bin/__init__.py"
    spec = importlib.util.spec_from_file_location("staged", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert set(module.__all__) <= set(codex_cli_bin.__all__)
    assert module.bundled_codex_path() == path.parent / "bin/codex"
    assert module.bundled_path_dir() == path.parent / "codex-path"
    (path.parent / "codex-path/rg").unlink()
    (path.parent / "codex-path").rmdir()
    assert module.bundled_path_dir() is None
    (path.parent / "bin/codex").unlink()
    with pytest.raises(FileNotFoundError, match="install openai-codex-cli-bin again"):
        module.bundled_codex_path()


def test_the_installed_program_is_known_to_be_for_the_platform_of_its_wheel() -> None:
    found = platform_of(codex_cli_bin.bundled_codex_path())
    assert found == ({"darwin": "macosx"}.get(sys.platform, sys.platform), found[1] if found else "")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (X86_64, ("linux", "x86_64")),
        (AARCH64, ("linux", "aarch64")),
        (ELF + struct.pack("<H", 243), ("linux", "another machine")),
        (b"\xcf\xfa\xed\xfe" + struct.pack("<I", 0x01000007), ("macosx", "x86_64")),
        (b"\xcf\xfa\xed\xfe" + struct.pack("<I", 0x0100000C), ("macosx", "aarch64")),
        (b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0\x64\x86", ("win", "x86_64")),
        (b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0\x64\xaa", ("win", "aarch64")),
        (b"#!/bin/sh\nexec codex\n", None),
        (b"MZ", None),
        (b"", None),
    ],
)
def test_a_program_says_which_platform_it_is_for(
    head: bytes, expected: tuple[str, str] | None, tmp_path: Path
) -> None:
    (tmp_path / "it").write_bytes(head)
    assert platform_of(tmp_path / "it") == expected


@pytest.mark.parametrize(
    ("head", "tag", "cause"),
    [
        (AARCH64, "manylinux_2_17_x86_64", "is for linux on aarch64, and the tag"),
        (AARCH64, "macosx_11_0_arm64", "is for linux on aarch64, and the tag"),
        (AARCH64, "linux", "'linux' is not a platform tag"),
        (AARCH64, "any", "'any' is not a platform tag"),
        (b"#!/bin/sh\n", TAG, "is no program"),
    ],
)
def test_a_program_of_another_platform_than_the_tags_is_refused(
    head: bytes, tag: str, cause: str, tmp_path: Path
) -> None:
    with pytest.raises(ReleaseError, match=cause):
        runtime.stage(tmp_path / "out", binary=program(tmp_path, head), tag=tag, version=VERSION)
    assert not (tmp_path / "out").exists()


def test_what_is_not_there_is_a_folder_or_is_not_executable_is_refused(tmp_path: Path) -> None:
    silent = program(tmp_path)
    silent.chmod(0o644)
    for binary, cause in (
        (tmp_path / "gone", "does not exist"),
        (tmp_path, "is a folder"),
        (silent, "is not executable"),
    ):
        with pytest.raises(ReleaseError, match=cause):
            runtime.stage(tmp_path / "out", binary=binary, tag=TAG, version=VERSION)


def test_a_package_that_says_another_version_is_refused(tmp_path: Path) -> None:
    binary = package(tmp_path / "codex", "9.8.7")
    with pytest.raises(ReleaseError, match=r"codex-package\.json says that it is 9\.8\.7") as caught:
        runtime.stage(tmp_path / "out", binary=binary, tag=TAG, version=VERSION)
    assert "--version 9.8.7" in caught.value.fix


def here(tmp_path: Path, answer: str) -> Path:
    """A program for this machine that says `answer`, whatever it is asked."""
    source = tmp_path / "it.c"
    source.write_text(f'#include <stdio.h>\nint main(void) {{ puts("{answer}"); return 0; }}\n')
    subprocess.run(["cc", "-o", tmp_path / "codex", source], check=True)
    return tmp_path / "codex"


@pytest.mark.skipif(sys.platform != "linux", reason="the tag below is Linux's")
@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("codex-cli 9.8.7", r"says that it is 9\.8\.7"),
        ("hello", "does not say its version, but: 'hello'"),
    ],
)
def test_a_program_that_says_another_version_is_refused(answer: str, cause: str, tmp_path: Path) -> None:
    tag = f"linux_{platform.machine()}"
    with pytest.raises(ReleaseError, match=cause):
        runtime.stage(tmp_path / "out", binary=here(tmp_path, answer), tag=tag, version=VERSION)
    (tmp_path / "codex").unlink()
    runtime.stage(tmp_path / "out", binary=here(tmp_path, "codex-cli 0.0.0"), tag=tag, version=VERSION)


def test_a_version_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="'mine' is not a version"):
        runtime.stage(tmp_path / "out", binary=program(tmp_path), tag=TAG, version="mine")


def test_the_checkout_is_not_staged_into(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="inside the checkout"):
        runtime.stage(ROOT / "target/staged", binary=program(tmp_path), tag=TAG, version=VERSION)
