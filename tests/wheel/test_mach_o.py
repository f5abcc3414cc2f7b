"""The checks of a module for macOS, each shown one that has just that fault."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import lief
import pytest

from scripts.wheels import native
from scripts.wheels.platforms import named

TAG = "macosx_11_0_arm64"
# Building one takes minutes where none is given.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def module(wheel_of: Callable[[str], Path]) -> bytes:
    with zipfile.ZipFile(wheel_of(TAG)) as archive:
        return archive.read("codex_app_server/_native.abi3.so")


def command(module: bytes, kind: lief.MachO.LoadCommand.TYPE) -> int:
    """Where the load command of a kind stands in the module."""
    binary = lief.parse(io.BytesIO(module))
    assert isinstance(binary, lief.MachO.Binary)
    return next(int(each.command_offset) for each in binary.commands if each.command == kind)


def problems(module: bytes) -> list[str]:
    return list(native.problems(module, named(TAG)))


def test_the_module_that_is_built_has_no_problems(module: bytes) -> None:
    assert problems(module) == []


def test_a_module_that_was_changed_after_it_was_signed_is_found(module: bytes) -> None:
    # In the midst of the code.
    at = len(module) // 2
    changed = module[:at] + bytes([module[at] ^ 1]) + module[at + 1 :]
    assert problems(changed) == ["the module was changed after it was signed: 1 of its pages differ"]


def test_a_signature_that_does_not_cover_the_module_is_found(module: bytes) -> None:
    start = struct.unpack_from("<I", module, command(module, lief.MachO.LoadCommand.TYPE.CODE_SIGNATURE) + 8)[
        0
    ]
    directory = module.index(struct.pack(">I", 0xFADE0C02), start)
    # The count of pages, and the bytes that they are of.
    emptied = module[: directory + 28] + bytes(8) + module[directory + 36 :]
    assert problems(emptied) == ["the module's signature does not cover the whole module"]


def test_a_newer_macos_than_the_tag_says_is_found(module: bytes) -> None:
    at = command(module, lief.MachO.LoadCommand.TYPE.BUILD_VERSION) + 12
    newer = module[:at] + struct.pack("<I", 15 << 16) + module[at + 4 :]
    assert f"the module needs macOS 15.0, the tag says {TAG}" in problems(newer)


def test_a_library_that_not_every_macos_has_is_found(module: bytes) -> None:
    other = module.replace(b"/usr/lib/libiconv.2.dylib\0", b"@rpath/libpython3.dylib\0\0\0")
    assert other != module
    assert any("@rpath/libpython3.dylib" in problem for problem in problems(other))


def test_a_module_of_another_processor_is_found(module: bytes) -> None:
    found = list(native.problems(module, named("macosx_10_15_x86_64")))
    assert "the module is for ARM64, not x86_64" in found
