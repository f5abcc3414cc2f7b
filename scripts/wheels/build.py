"""Builds the wheel of one platform.

Owns the command line of maturin and the environment of its compiler: which linker, which oldest C library,
which paths of this machine must not be seen in what is built. Zig links, because it carries each C library in
each version; but for macOS on a Mac, and for Windows on Windows, the system's own linker does. Everything is
compiled below `target/wheels`, apart from the development build, so that the two do not undo each other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.wheels import zig_linker
from scripts.wheels.platforms import INTERPRETERS, STABLE_ABI, Platform
from scripts.wheels.sbom import without_local_paths
from scripts.wheels.toolchain import Toolchain, toolchain_for

ROOT = Path(__file__).resolve().parents[2]


def build(platform: Platform, out: Path, abi: str = STABLE_ABI) -> Path:
    """Build the wheel of `platform` into the folder `out`, which is made if it is missing.

    Args:
        platform: What it is for.
        out: Where it goes.
        abi: The kind of wheel, one of `INTERPRETERS`.

    Returns:
        The path of the wheel. One of the same name is replaced.

    Raises:
        ToolchainError: No toolchain of this machine can build for the platform.
        subprocess.CalledProcessError: The build failed; it has said why.
    """
    toolchain = toolchain_for(platform.target)
    fetch = [str(toolchain.cargo), "fetch", "--locked", "--quiet"]
    subprocess.run(fetch, cwd=ROOT, check=True)
    command = [sys.executable, "-m", "maturin", "build", "--release", "--locked", "--quiet"]
    command += ["--target", platform.target, "--compatibility", platform.compatibility]
    # It need not be there: maturin knows what an interpreter of that name is like.
    command += ["--interpreter", INTERPRETERS[abi]]
    if not _has_own_linker(platform) and platform.system != "win":
        command.append("--zig")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="codex-wheel-") as folder:
        environment = {**os.environ, **toolchain.environment(), **_surroundings(platform, toolchain)}
        subprocess.run([*command, "--out", folder], cwd=ROOT, env=environment, check=True)
        (built,) = Path(folder).glob("*.whl")
        return without_local_paths(built, ROOT, out)


def _has_own_linker(platform: Platform) -> bool:
    """Whether this machine is of the platform's system, and that one's own linker is used."""
    return {"macosx": "darwin", "win": "win32"}.get(platform.system) == sys.platform


def _surroundings(platform: Platform, toolchain: Toolchain) -> dict[str, str]:
    found = {
        # A folder for each platform: cargo lets one build at a time into a folder.
        "CARGO_TARGET_DIR": str(ROOT / "target/wheels" / platform.tag),
        # It would be stripped, and takes a tenth of the time (72 and 65 s of the processor for Linux x86-64).
        "CARGO_PROFILE_RELEASE_DEBUG": "false",
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join([*platform.rustflags, *_remapped(toolchain)]),
    }
    if platform.system == "win" and not _has_own_linker(platform):
        linker = ROOT / "target/wheels" / platform.tag / "linker"
        zig_linker.write(linker, platform.target)
        found[f"CARGO_TARGET_{platform.target.upper().replace('-', '_')}_LINKER"] = str(linker)
    if platform.deployment_target is not None:
        found["MACOSX_DEPLOYMENT_TARGET"] = platform.deployment_target
    return found


def _remapped(toolchain: Toolchain) -> list[str]:
    """Flags that keep this machine's paths out of panic messages.

    Each crate, the standard library and the project get a short name in their place, which is the same on
    every machine.
    """
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    names = {str(folder): "/crates" for folder in (home / "registry/src").glob("*")}
    names[str(toolchain.sysroot / "lib/rustlib/src/rust")] = "/rustc"
    names[str(ROOT)] = "/codex-app-server-sdk"
    return [f"--remap-path-prefix={path}={name}" for path, name in names.items()]
