"""Checks that the modules of ``rust/core`` use only what stands above them: `python -m scripts.floors`.

Owns the order of the floors, which is the order of the modules in ``rust/core/src/lib.rs``. A module may use
its own floor and those before it. Called by ``make lint``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

CORE = Path(__file__).resolve().parents[1] / "rust/core/src"

_FLOOR = re.compile(r"^pub mod (\w+);", re.MULTILINE)
_USE = re.compile(r"\bcrate::(\w+)")


def floors(core: Path) -> list[str]:
    """The floors from the first to the last; each may use those before it."""
    return _FLOOR.findall((core / "lib.rs").read_text(encoding="utf-8"))


def breaches(core: Path) -> list[str]:
    """One line for each use of something that stands below, as ``path:line: what``."""
    order = floors(core)
    found: list[str] = []
    for path in sorted(core.rglob("*.rs")):
        place = path.relative_to(core)
        floor = place.parts[0].removesuffix(".rs")
        if floor == "lib":
            continue
        if floor not in order:
            found.append(f"{place}: {floor} is no floor of lib.rs")
            continue
        # The tests of a floor may look down.
        text = path.read_text(encoding="utf-8").split("#[cfg(test)]")[0]
        for number, line in enumerate(text.splitlines(), 1):
            code = line.split("//")[0]
            for used in _USE.findall(code):
                if used not in order:
                    found.append(f"{place}:{number}: {used} is no floor of lib.rs")
                elif order.index(used) > order.index(floor):
                    found.append(f"{place}:{number}: {floor} uses {used}, which stands below it")
    return found


def main() -> int:
    """Print what uses something below; returns the exit code."""
    found = breaches(CORE)
    for line in found:
        print(f"rust/core/src/{line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
