"""Empty environments outside the checkout, into which a test installs as a user does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OLDEST, NEWEST = 10, 14


class Environment:
    """A virtual environment of one interpreter, in an otherwise empty folder in which everything is run."""

    def __init__(self, python: str, folder: Path, **variables: str) -> None:
        self.folder = folder
        # Versions as a user gets them today, not as the checkout pins them.
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PIP_CONSTRAINT", "PYTHON", "VIRTUAL_ENV"))
        }
        self._variables = {**kept, **variables}
        self.must([python, "-m", "venv", "venv"])
        self.python = str(folder / ("venv/Scripts/python" if os.name == "nt" else "venv/bin/python"))

    def install(self, *requirements: str) -> None:
        """`pip install`, which must work."""
        self.must([self.python, "-m", "pip", "install", "--quiet", *requirements])

    def must(self, command: list[str], **variables: str) -> str:
        """What a command prints that must work."""
        done = self.run(command, **variables)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run(self, command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self._variables, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )


# A free-threaded CPython has the other's name, too; the wheel for the stable ABI is not for it.
_PROBE = """
import sys, sysconfig, venv, ensurepip
print("free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else sys.implementation.name)
"""


def pythons() -> list[str]:
    """Every CPython of this machine that the package supports; this one at least."""
    found: dict[int, str] = {}
    roots = [Path(root) for root in os.environ.get("PATH", "").split(os.pathsep)]
    roots += Path.home().glob(".pyenv/versions/*/bin")
    roots.append(ROOT / "target/python3.14/usr/bin")  # where `scripts.debian_python` puts one
    for minor in range(OLDEST, NEWEST + 1):
        for root in roots:
            path = root / f"python3.{minor}"
            # A version manager's shim may stand for a version that is not active.
            probe = [str(path), "-c", _PROBE]
            if path.is_file() and os.access(path, os.X_OK):
                done = subprocess.run(probe, capture_output=True, text=True, check=False)
                if done.returncode == 0 and done.stdout.strip() == "cpython":
                    found.setdefault(minor, str(path))
    found[sys.version_info.minor] = sys.executable
    return [path for _, path in sorted(found.items())]


def program_of_the_readme() -> str:
    """The first program that the README shows, word for word."""
    found = re.search(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
    assert found is not None
    return found[1]
