"""The command line of the wheels: `python -m scripts.wheels build|check|list`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.wheels.build import build
from scripts.wheels.check import problems
from scripts.wheels.platforms import FREE_THREADED, PLATFORMS, STABLE_ABI, Platform, named, of_this_machine
from scripts.wheels.toolchain import ToolchainError, toolchain_for


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.wheels", description="Builds and checks wheels.")
    commands = parser.add_subparsers(dest="command", required=True)
    builder = commands.add_parser("build", help="build wheels, this machine's by default, and check them")
    builder.add_argument("platforms", nargs="*", metavar="PLATFORM", help="tags, as `list` prints them")
    builder.add_argument("--all", action="store_true", help="every platform")
    builder.add_argument(
        "--free-threaded", action="store_true", help="for CPython 3.14 without the interpreter's lock"
    )
    builder.add_argument("--out", type=Path, default=Path("dist"), help="where the wheels go (dist)")
    checker = commands.add_parser("check", help="check wheels that are there already")
    checker.add_argument("wheels", nargs="+", type=Path, metavar="WHEEL")
    commands.add_parser("list", help="print the tags of all platforms")
    given = parser.parse_args()
    if given.command == "list":
        print(*(platform.tag for platform in PLATFORMS), sep="\n")
        return 0
    if given.command == "check":
        # Each is looked at, also after one that failed.
        return max([0 if _is_fine(wheel) else 1 for wheel in given.wheels])
    try:
        chosen = PLATFORMS if given.all else [named(tag) for tag in given.platforms] or [of_this_machine()]
        for platform in chosen:
            # Before an hour's work is begun, not in the middle of it.
            toolchain_for(platform.target)
    except (ValueError, ToolchainError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    abi = FREE_THREADED if given.free_threaded else STABLE_ABI
    # As many at once as there are processors: for most of the time the compiler works on one.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        fine = list(pool.map(lambda platform: _is_built(platform, given.out, abi), chosen))
    return 0 if all(fine) else 1


def _is_built(platform: Platform, out: Path, abi: str) -> bool:
    """Build a wheel and look at it; print what came of it, and return whether nothing is wrong."""
    begun = time.monotonic()
    try:
        wheel = build(platform, out, abi)
    except subprocess.CalledProcessError as error:
        print(f"FAILED  {platform.tag}: {error}", flush=True)
        return False
    return _is_fine(wheel, f", built in {time.monotonic() - begun:.0f} s")


def _is_fine(wheel: Path, more: str = "") -> bool:
    """Print what there is to say of a wheel, and return whether nothing is wrong with it."""
    found = problems(wheel)
    verdict = "FAILED" if found else "ok"
    lines = [f"{verdict}  {wheel.name}  {wheel.stat().st_size / 1024:.0f} KiB{more}"]
    print("\n      ".join([*lines, *found]), flush=True)
    return not found


if __name__ == "__main__":
    sys.exit(main())
