"""This checkout beside an earlier one, over the flood benchmarks: `python -m benches.builds REVISION`.

Owns the earlier checkout below ``target/builds`` and its native module, built as this one is. The two take
turns in every round, and in being the first, so that a busy machine slows both. Prints the medians of each
row, their ratio, and between which values the middle half of the rounds' own ratios lies; ends with 1 if a
row of this checkout is below 95 % of the earlier one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from . import build
from .measure import Row, Spec, median
from .plan import ROOT
from .suites import test_results, test_streams

HOME = Path(ROOT, "target/builds")
LEAST = 0.95


def prepared(revision: str) -> Path:
    """The folder of the earlier package, with its native module."""
    found = subprocess.run(
        ["git", "rev-parse", "--verify", f"{revision}^{{commit}}"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    checkout = HOME / found.stdout.decode().strip()
    package = checkout / "python/codex_app_server"
    if not checkout.exists():
        subprocess.run(["git", "worktree", "prune"], cwd=ROOT, check=True)
        subprocess.run(["git", "worktree", "add", "--detach", checkout, checkout.name], cwd=ROOT, check=True)
    command = ["cargo", "build", "--release", "--locked", "--quiet", "-p", "codex-native"]
    subprocess.run(
        command, cwd=checkout, env={**os.environ, "CARGO_TARGET_DIR": str(HOME / "cargo")}, check=True
    )
    (module,) = (
        path for path in (HOME / "cargo/release").glob("lib_native.*") if path.suffix in (".so", ".dylib")
    )
    shutil.copyfile(module, package / "_native.abi3.so")
    return package.parent


def rows() -> list[Row]:
    """The flood benchmarks, this package only."""
    all_rows = [*test_streams.rows(quick=False), *test_results.rows(quick=False)]
    return [row for row in all_rows if "ours" in row.specs]


def compare(spec: Spec, figure: str, earlier: Path, rounds: int) -> tuple[list[float], list[float]]:
    """The figures of the earlier and of this build, round by round."""
    environments = {"earlier": {"PYTHONPATH": str(earlier)}, "now": {}}
    found: dict[str, list[float]] = {"earlier": [], "now": []}
    for number in range(rounds):
        for name in sorted(environments, reverse=number % 2 == 1):
            value = median([spec.run(environments[name])], figure)
            if value is None:
                raise SystemExit(f"{spec.program} of {spec.plan} hangs")
            found[name].append(value)
    return found["earlier"], found["now"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benches.builds", description=__doc__)
    parser.add_argument("revision", help="the earlier commit")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="rows whose name has this")
    options = parser.parse_args()
    build.announce()
    earlier = prepared(options.revision)
    slower = 0
    print(f"{'row':36} {'earlier':>12} {'now':>12}  ratio")
    for row in rows():
        if options.only in row.key:
            before, now = compare(row.specs["ours"], row.figure, earlier, options.rounds)
            ratio = statistics.median(now) / statistics.median(before)
            slower += ratio < LEAST
            low, _, high = statistics.quantiles([one / other for one, other in zip(now, before, strict=True)])
            print(
                f"{row.key:36} {statistics.median(before):12,.0f} {statistics.median(now):12,.0f}"
                f"  {ratio:.2f} ({low:.2f} to {high:.2f})",
                flush=True,
            )
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
