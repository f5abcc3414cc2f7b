"""Compiles both crates for systems that this machine is not: `python -m scripts.check_targets`.

The wheels' builds see to the module. This sees also to the core's tests, which a wheel does not hold: what
does not compile for a system is noticed with the change that broke it. Runs nothing of what it compiles.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from pathlib import Path

from scripts.wheels.toolchain import ToolchainError, toolchain_for

ROOT = Path(__file__).resolve().parents[1]

# One of each kind of system: what differs between their 64-bit processors is in no line of ours.
TARGETS = ("x86_64-pc-windows-gnullvm", "aarch64-apple-darwin", "x86_64-unknown-linux-musl")


def is_compiled(target: str) -> bool:
    """Compile for `target`; cargo says what is wrong.

    Raises:
        ToolchainError: No toolchain of this machine can.
    """
    toolchain = toolchain_for(target)
    environment = {
        **os.environ,
        **toolchain.environment(),
        "CARGO_TARGET_DIR": str(ROOT / "target/targets"),
        # For which Python: there is none here of that system to be asked.
        "PYO3_CROSS_PYTHON_VERSION": "3.10",
        "RUSTFLAGS": "-Dwarnings",
    }
    if toolchain.builds_std:
        environment["CARGO_UNSTABLE_BUILD_STD"] = "std,panic_unwind,test"
    command = [str(toolchain.cargo), "check", "--quiet", "--locked", "--workspace", "--lib", "--tests"]
    done = subprocess.run([*command, "--target", target], cwd=ROOT, env=environment, check=False)
    return done.returncode == 0


def main() -> int:
    """Compile for every target and print how it went; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.check_targets", description="Compiles for other systems."
    )
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", default=TARGETS, help="Rust's names of systems"
    )
    targets = parser.parse_args().targets
    failed = 0
    for target in targets:
        begun = time.monotonic()
        try:
            fine = is_compiled(target)
        except ToolchainError as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
        failed += not fine
        print(
            f"{'compiles' if fine else 'FAILED  '}  {target} ({time.monotonic() - begun:.0f} s)", flush=True
        )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
