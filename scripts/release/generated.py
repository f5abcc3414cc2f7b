"""What is generated, most of it from the runtime: run the generators, or ask whether their files are current.

Owns which generators there are and in which order they run. What they write is their own matter.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .errors import ReleaseError

# The sync shell is made from files that the first one writes.
GENERATORS = (("-m", "scripts.generate"), ("scripts/make_sync.py",), ("-m", "scripts.licenses"))


def generate(root: Path, *, check: bool = False) -> None:
    """Run the generators in the checkout `root`; with `check` they compare and write nothing.

    Raises:
        ReleaseError: A generator failed, or a file is not what it makes.
    """
    for generator in GENERATORS:
        command = [sys.executable, *generator, *(["--check"] if check else [])]
        if subprocess.run(command, cwd=root, check=False).returncode == 0:
            continue
        if check:
            raise ReleaseError(
                "Files differ from what the installed runtime and the sources give; their names stand above.",
                "run `make generate`, look at the difference and commit it",
            )
        raise ReleaseError(
            f"The generator `{' '.join(generator)}` failed; it says above why.",
            "say in scripts/generate/policy.py what shall become of what a new runtime brings",
        )
