"""Which Rust toolchain can build for a platform, on this machine as it is.

A target is buildable where its standard library is installed, or where the library's source is and can be
compiled along. Installs nothing: what is missing is named, with the commands that bring it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import ziglang

# Where Debian's toolchain stands, next to one of rustup that comes first on PATH.
_DEBIAN = Path("/usr/bin")


class ToolchainError(Exception):
    """This machine cannot build for a platform as it is."""


@dataclass(frozen=True)
class Toolchain:
    """A compiler and its build tool.

    Args:
        rustc: The compiler.
        cargo: Its build tool.
        builds_std: Whether the standard library is compiled along, from its source.
        sysroot: Where the toolchain's own files are.
    """

    rustc: Path
    cargo: Path
    builds_std: bool
    sysroot: Path

    def environment(self) -> dict[str, str]:
        """What cargo and maturin have to find in their environment to use it, and zig to link with."""
        chosen = {
            "RUSTC": str(self.rustc),
            "CARGO": str(self.cargo),
            "CARGO_ZIGBUILD_ZIG_PATH": str(Path(ziglang.__file__).with_name("zig")),
        }
        if self.builds_std:
            # A stable compiler takes the unstable option only so. It is how Rust's own build does it, and the
            # library is the one that came with this very compiler.
            chosen |= {"RUSTC_BOOTSTRAP": "1", "CARGO_UNSTABLE_BUILD_STD": "std,panic_abort"}
        return chosen


def toolchain_for(target: str) -> Toolchain:
    """The first toolchain of this machine that can build for `target`, by Rust's name.

    One with a compiled standard library comes before one that has to compile it, which takes a minute more.

    Raises:
        ToolchainError: There is none; the message says which packages bring one.
    """
    found = list(_toolchains())
    for rustc, cargo, sysroot in found:
        if (sysroot / "lib/rustlib" / target / "lib").is_dir():
            return Toolchain(rustc, cargo, False, sysroot)
    for rustc, cargo, sysroot in found:
        if (sysroot / "lib/rustlib/src/rust/library/std/Cargo.toml").is_file():
            return Toolchain(rustc, cargo, True, sysroot)
    raise ToolchainError(
        f"No Rust toolchain here can build for {target}. Either "
        f"`rustup target add {target}`, or on Debian `apt-get install rustc-web cargo-web "
        "rust-web-src rust-web-llvm`, whose compiler builds the standard library for any target."
    )


def _toolchains() -> list[tuple[Path, Path, Path]]:
    on_path = shutil.which(os.environ.get("RUSTC", "rustc"))
    candidates = [Path(on_path)] if on_path else []
    candidates.append(_DEBIAN / "rustc")
    found: dict[Path, tuple[Path, Path, Path]] = {}
    for rustc in candidates:
        cargo = rustc.with_name(f"cargo{rustc.suffix}")
        if rustc.is_file() and cargo.is_file():
            asked = subprocess.run([rustc, "--print", "sysroot"], capture_output=True, text=True, check=True)
            sysroot = Path(asked.stdout.strip())
            found.setdefault(sysroot, (rustc, cargo, sysroot))
    return list(found.values())
