"""The platforms that have a wheel, and what the build of each needs to know.

One table, in the order in which the wheels are built. A platform is named by the tag of its wheel. Read by
the build, by the checks, and by whoever asks whether a release is complete.
"""

from __future__ import annotations

import platform
import sys
import sysconfig
from dataclasses import dataclass

from packaging.utils import parse_wheel_filename


@dataclass(frozen=True)
class Platform:
    """One system and processor that has a wheel.

    Args:
        tag: The platform tag of our wheel, for example `manylinux_2_17_x86_64`.
        target: Rust's name of the platform.
        runtime_tag: The platform tag of the runtime's wheel for the same machines.
        rustflags: What the compiler is told besides.
        deployment_target: The oldest macOS that the wheel is for.
    """

    tag: str
    target: str
    runtime_tag: str
    rustflags: tuple[str, ...] = ()
    deployment_target: str | None = None

    @property
    def system(self) -> str:
        """`manylinux`, `musllinux`, `macosx` or `win`."""
        return self.tag.partition("_")[0]

    @property
    def version(self) -> tuple[int, int]:
        """The oldest glibc, musl or macOS that the wheel is for; the tags of Windows have none."""
        _, major, minor, *_ = self.tag.split("_")
        return int(major), int(minor)

    @property
    def machine(self) -> str:
        """The processor, as the tag spells it: `x86_64`, `aarch64`, `arm64` or `amd64`."""
        return self.tag.split("_", 1 if self.system == "win" else 3)[-1]

    @property
    def older_name(self) -> str | None:
        """What the platform was called before its tag said the C library's version; installers take both."""
        return f"manylinux2014_{self.machine}" if self.tag.startswith("manylinux_2_17_") else None

    @property
    def compatibility(self) -> str:
        """What maturin calls the platform; it knows macOS by the deployment target, and Windows by itself."""
        return "off" if self.system in ("macosx", "win") else self.tag.rsplit(f"_{self.machine}", 1)[0]


# An extension module shares the C library with its interpreter; by default Rust links musl into it.
_SHARED_MUSL = ("-Ctarget-feature=-crt-static",)

# Windows' CPython is made with Microsoft's compiler, and so are modules there. Elsewhere zig links, which has
# the libraries of MinGW.
_WINDOWS = "pc-windows-msvc" if sys.platform == "win32" else "pc-windows-gnullvm"

# glibc 2.17 is also the oldest that Rust's standard library supports, and musl 1.2 that of every musllinux
# wheel of CPython 3.10 and newer. macOS 10.15 is the first whose kernel begins a child in a session and a
# directory of its own.
PLATFORMS = (
    Platform("manylinux_2_17_x86_64", "x86_64-unknown-linux-gnu", "manylinux_2_17_x86_64"),
    Platform("manylinux_2_17_aarch64", "aarch64-unknown-linux-gnu", "manylinux_2_17_aarch64"),
    Platform("musllinux_1_2_x86_64", "x86_64-unknown-linux-musl", "musllinux_1_1_x86_64", _SHARED_MUSL),
    Platform("musllinux_1_2_aarch64", "aarch64-unknown-linux-musl", "musllinux_1_1_aarch64", _SHARED_MUSL),
    Platform("macosx_10_15_x86_64", "x86_64-apple-darwin", "macosx_10_9_x86_64", deployment_target="10.15"),
    Platform("macosx_11_0_arm64", "aarch64-apple-darwin", "macosx_11_0_arm64", deployment_target="11.0"),
    Platform("win_amd64", f"x86_64-{_WINDOWS}", "win_amd64"),
    Platform("win_arm64", f"aarch64-{_WINDOWS}", "win_arm64"),
)

# The kinds of wheel that each platform has, and the interpreter that maturin knows each by: one for the
# stable ABI, which serves every CPython with the interpreter's lock, and one for CPython without it, which
# has no stable ABI before 3.15.
STABLE_ABI = "cp310-abi3"
FREE_THREADED = "cp314-cp314t"
INTERPRETERS = {STABLE_ABI: "python3.10", FREE_THREADED: "python3.14t"}

_BY_TAG = {each.tag: each for each in PLATFORMS}


def named(tag: str) -> Platform:
    """The platform of a tag.

    Raises:
        ValueError: No wheel is made for it.
    """
    try:
        return _BY_TAG[tag]
    except KeyError:
        raise ValueError(f"no wheel is made for {tag!r}; there are {', '.join(_BY_TAG)}") from None


def of_wheel(filename: str) -> Platform:
    """The platform of a wheel's file name, which may carry older spellings of the same tag besides.

    Raises:
        ValueError: No wheel is made for it, or it is not the name of a wheel.
    """
    tags = sorted(tag.platform for tag in parse_wheel_filename(filename)[3])
    return named(next((tag for tag in tags if tag in _BY_TAG), tags[0]))


def of_this_machine() -> Platform:
    """The platform of the interpreter that runs this.

    Raises:
        ValueError: No wheel is made for it.
    """
    if sys.platform == "win32":
        # Not the machine's processor: on Arm, CPython for x86-64 runs, too.
        return named(sysconfig.get_platform().replace("-", "_"))
    machine = platform.machine()
    if sys.platform == "darwin":
        system = "macosx"
    elif sys.platform == "linux":
        # Every CPython that is not made for glibc is, as far as wheels go, made for musl.
        system = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    else:
        system = sys.platform
    for each in PLATFORMS:
        if (each.system, each.machine) == (system, machine):
            return each
    raise ValueError(f"no wheel is made for {system} on {machine}; there are {', '.join(_BY_TAG)}")
