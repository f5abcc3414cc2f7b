"""Which platform a program is for, read from its first bytes.

Owns the few fields of ELF, Mach-O and PE that say so, and the form of a platform tag. Runs nothing.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

TAG = re.compile(
    r"(?P<system>manylinux_\d+_\d+|musllinux_\d+_\d+|linux)_(?P<machine>x86_64|aarch64)"
    r"|(?P<macos>macosx_\d+_\d+)_(?P<mac>x86_64|arm64)|(?P<windows>win)_(?P<pc>amd64|arm64)"
)

# Both spellings of a machine, by the number that the format has for it.
_ELF = {62: "x86_64", 183: "aarch64"}
_MACH_O = {0x01000007: "x86_64", 0x0100000C: "aarch64"}
_PE = {0x8664: "x86_64", 0xAA64: "aarch64"}
_SAME = {"arm64": "aarch64", "amd64": "x86_64"}


def tagged(tag: str) -> tuple[str, str]:
    """The system (linux, macosx, win) and machine (x86_64, aarch64) of a platform tag.

    Raises:
        ValueError: It is not the tag of a platform that the runtime has.
    """
    found = TAG.fullmatch(tag)
    if found is None:
        raise ValueError(f"{tag!r} is not a platform tag like manylinux_2_17_x86_64 or macosx_11_0_arm64")
    system = "linux" if found["system"] else "macosx" if found["macos"] else "win"
    machine = found["machine"] or found["mac"] or found["pc"]
    return system, _SAME.get(machine, machine)


def platform_of(program: Path) -> tuple[str, str] | None:
    """The system and machine that `program` is for, None where it is no program of a known kind."""
    with program.open("rb") as file:
        head = file.read(0x1000)
    if head.startswith(b"\x7fELF\x02\x01"):
        return "linux", _ELF.get(struct.unpack_from("<H", head, 18)[0], "another machine")
    if head.startswith(b"\xcf\xfa\xed\xfe"):
        return "macosx", _MACH_O.get(struct.unpack_from("<I", head, 4)[0], "another machine")
    if head.startswith(b"MZ") and len(head) >= 0x40:
        at = struct.unpack_from("<I", head, 0x3C)[0]
        if head[at : at + 4] == b"PE\0\0" and len(head) >= at + 6:
            return "win", _PE.get(struct.unpack_from("<H", head, at + 4)[0], "another machine")
    return None
