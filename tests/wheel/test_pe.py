"""The checks of a module for Windows, each shown one that has just that fault."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import lief
import pytest

from scripts.wheels import native, zig_linker
from scripts.wheels.check import problems as wheel_problems
from scripts.wheels.platforms import FREE_THREADED, named
from scripts.wheels.toolchain import toolchain_for
from tests.wheel.test_checks import rewritten

TAG = "win_amd64"
MODULE = "codex_app_server/_native.pyd"
# Building one takes minutes where none is given.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Where the fields stand, counted from the file's signature: it and the header are 24 bytes together.
MACHINE = 4
FLAGS = 24 + 70
DEBUG_DIRECTORY = 24 + 112 + 6 * 8


@pytest.fixture(scope="module")
def module(wheel_of: Callable[[str], Path]) -> bytes:
    with zipfile.ZipFile(wheel_of(TAG)) as archive:
        return archive.read(MODULE)


def changed(module: bytes, at: int, field: str, *values: int) -> bytes:
    """The module with other values at a place that is counted from its signature."""
    (start,) = struct.unpack_from("<I", module, 0x3C)
    other = bytearray(module)
    struct.pack_into(field, other, start + at, *values)
    return bytes(other)


def renamed(module: bytes, name: bytes, other: bytes) -> bytes:
    """The module with a name of the same length in place of another."""
    assert len(name) == len(other)
    assert module.count(b"\0" + name + b"\0") == 1
    return module.replace(b"\0" + name + b"\0", b"\0" + other + b"\0")


def problems(module: bytes) -> list[str]:
    return list(native.problems(module, named(TAG)))


def test_the_wheels_that_are_built_have_no_problems(wheel_of: Callable[[str], Path]) -> None:
    assert wheel_problems(wheel_of(TAG)) == []
    assert wheel_problems(wheel_of("win_arm64")) == []


def test_a_module_of_another_processor_is_found(module: bytes) -> None:
    assert problems(changed(module, MACHINE, "<H", 0xAA64)) == ["the module is for ARM64, not amd64"]


def test_a_module_for_one_version_of_python_is_found(module: bytes) -> None:
    other = renamed(module, b"python3.dll", b"python9.dll")
    assert problems(other) == ["the module needs python9.dll, not python3.dll"]


def test_a_module_for_the_other_kind_of_python_is_found(module: bytes) -> None:
    found = list(native.problems(module, named(TAG), FREE_THREADED))
    assert found == ["the module needs python3.dll, not python314t.dll"]


def test_a_library_that_not_every_windows_has_is_found(module: bytes) -> None:
    other = renamed(module, b"WS2_32.dll", b"libgcc.dll")
    assert problems(other) == ["the module needs libgcc.dll, which not every Windows has"]


def test_a_module_without_the_function_that_python_calls_is_found(module: bytes) -> None:
    other = renamed(module, b"PyInit__native", b"PyInit__others")
    assert problems(other) == ["the module exports PyInit__others, not PyInit__native"]


def test_a_module_that_must_stand_at_one_address_is_found(module: bytes) -> None:
    assert problems(changed(module, FLAGS, "<H", 0)) == [
        "the module cannot be loaded at any address",
        "the module cannot be loaded with data that is no code",
    ]


def test_a_module_that_names_a_file_of_its_builder_is_found(module: bytes) -> None:
    binary = lief.parse(io.BytesIO(module))
    assert isinstance(binary, lief.PE.Binary)
    # Over some code, which nothing here runs.
    code = binary.sections[0]
    name = b"D:\\build\\_native.pdb\0"
    entry = b"RSDS" + bytes(20) + name
    place = struct.pack("<IIHHIIII", 0, 0, 0, 0, 2, len(entry), code.virtual_address + 28, code.offset + 28)
    other = module[: code.offset] + place + entry + module[code.offset + len(place + entry) :]
    other = changed(other, DEBUG_DIRECTORY, "<II", code.virtual_address, len(place))
    assert problems(other) == ["the module is not stripped: it has D:\\build\\_native.pdb"]


def test_a_function_outside_the_stable_abi_is_found(
    wheel_of: Callable[[str], Path], module: bytes, tmp_path: Path
) -> None:
    other = renamed(module, b"PyList_Append", b"PyList_Extend")
    bad = rewritten(wheel_of(TAG), tmp_path, lambda files: files.update({MODULE: other}))
    (problem,) = wheel_problems(bad)
    assert "abi3audit" in problem
    assert "PyList_Extend" in problem


def test_a_module_that_is_linked_twice_is_the_same(tmp_path: Path) -> None:
    source = tmp_path / "library.c"
    source.write_text("int shared(void) { return 1; }\nint own(void) { return 2; }\n", "utf-8")
    # As Rust gives it: a list of exports, as an option of the linker.
    exports = tmp_path / "list.def"
    exports.write_text("EXPORTS\n    shared\n", "utf-8")
    linker = tmp_path / "linker"
    zig_linker.write(linker, "x86_64-pc-windows-gnullvm")
    environment = {**os.environ, **toolchain_for(named(TAG).target).environment()}
    linked = []
    for name in ("first", "second"):
        # Nothing is taken from a cache.
        out = tmp_path / name / "library.dll"
        out.parent.mkdir()
        command = [str(linker), f"-Wl,{exports}", "-Wl,--strip-all", "-shared", str(source), "-o", str(out)]
        subprocess.run(command, check=True, cwd=tmp_path, env=environment)
        linked.append(out.read_bytes())
    assert linked[0] == linked[1]
    binary = lief.parse(io.BytesIO(linked[0]))
    assert isinstance(binary, lief.PE.Binary)
    table = binary.get_export()
    assert table is not None
    assert [str(entry.name) for entry in table.entries] == ["shared"]
