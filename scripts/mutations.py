"""Takes out, one by one, lines that the models guard; each must be missed: `python -m scripts.mutations`.

Owns the copy of the core in which that is done (below ``target/``); never touches the sources. The list is
``rust/core/tests/models/mutations.toml``; each entry names a seed with which the fault is found at once. With
``--find`` the seeds are looked for anew and printed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import tomli

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "rust/core"
COPY = ROOT / "target/mutations"

# More orders than any fault of the list needs to be found.
_ORDERS = 20_000
_FOUND = re.compile(r"fails with MODEL_SEED=(\d+)")


@dataclass(frozen=True)
class Mutation:
    """One change that a model must notice."""

    what: str
    file: str
    find: str
    replace: str
    test: str
    seed: int


def mutations() -> list[Mutation]:
    """The committed list."""
    text = (CORE / "tests/models/mutations.toml").read_text(encoding="utf-8")
    return [Mutation(**entry) for entry in tomli.loads(text)["mutation"]]


def mutated(mutation: Mutation) -> str:
    """The text of the mutation's file with the change in it.

    Raises:
        ValueError: What is to be changed does not stand there exactly once.
    """
    text = (CORE / mutation.file).read_text(encoding="utf-8")
    count = text.count(mutation.find)
    if count != 1:
        raise ValueError(f"{mutation.what}: {mutation.file} has its lines {count} times, not once")
    return text.replace(mutation.find, mutation.replace)


def failing_seed(mutation: Mutation, first: int, orders: int) -> int | None:
    """The first seed from `first` on with which the mutation is noticed; None if it is not."""
    target = COPY / "core" / mutation.file
    target.write_text(mutated(mutation), encoding="utf-8")
    try:
        env = os.environ | {"MODEL_SEED": str(first), "MODEL_ORDERS": str(orders)}
        command = ["cargo", "test", "--release", "--features", "shuttle", "--test", "models", "--", "--exact"]
        done = subprocess.run(
            [*command, mutation.test], cwd=COPY / "core", env=env, check=False, capture_output=True, text=True
        )
    finally:
        shutil.copyfile(CORE / mutation.file, target)
    if "error: could not compile" in done.stderr:
        raise ValueError(f"{mutation.what}: does not compile\n{done.stderr}")
    found = _FOUND.search(done.stdout + done.stderr)
    return int(found[1]) if found else None


def copy() -> None:
    """Bring the copy up to date; what was built there stays."""
    shutil.rmtree(COPY / "core", ignore_errors=True)
    shutil.copytree(CORE, COPY / "core")
    manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    manifest = manifest.replace('"rust/core", "rust/bindings"', '"core"').replace('"rust/core"', '"core"')
    (COPY / "Cargo.toml").write_text(manifest.replace('lto = "fat"', "lto = false"), encoding="utf-8")
    shutil.copyfile(ROOT / "Cargo.lock", COPY / "Cargo.lock")


def main() -> int:
    """Try every mutation; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.mutations", description=__doc__)
    parser.add_argument("--find", action="store_true", help="look for the seeds anew")
    find = parser.parse_args().find
    copy()
    missed = 0
    for mutation in mutations():
        first, orders = (0, _ORDERS) if find else (mutation.seed, 1)
        seed = failing_seed(mutation, first, orders)
        missed += seed is None
        print(
            f"{'missed' if seed is None else f'seed {seed}':>10}  {mutation.test}: {mutation.what}",
            flush=True,
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
