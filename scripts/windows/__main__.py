"""The command line: `python -m scripts.windows [ARGUMENT OF PYTEST ...]`."""

from __future__ import annotations

import subprocess
import sys

from scripts.wheels.build import build
from scripts.wheels.platforms import named
from scripts.wheels.toolchain import ToolchainError
from scripts.windows.prefix import Prefix, UnavailableError, windows_path
from scripts.windows.python import ROOT, Python

FOLDER = ROOT / "target/windows"
# The others look at the checkout's own tools, at wheels of other systems, or at the official package.
SUITES = (
    "tests/python",
    "tests/native",
    "tests/api",
    "tests/testing",
    "tests/threads",
    "tests/cli",
    "tests/generated",
    "tests/examples",
)


def main() -> int:
    """Set up what is missing and run the tests; returns pytest's exit code."""
    try:
        prefix = Prefix(FOLDER / "prefix")
        python = Python(FOLDER / "python")
        # What cargo has compiled before is used again: seconds, when no Rust file has changed.
        python.install(build(named("win_amd64"), FOLDER / "wheel"))
    except (UnavailableError, ToolchainError) as error:
        print(f"python -m scripts.windows: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"python -m scripts.windows: {error}", file=sys.stderr)
        return 1
    command = [str(python.program), "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["-p", "tests.left_out", "--left-out", "tests/windows.toml", "--on", "windows", "--on", "wine"]
    # Where no files are named.
    command += ["-o", f"testpaths={' '.join(SUITES)}", *sys.argv[1:]]
    # What Linux' Python has compiled in the checkout names other paths.
    return prefix.run(command, PYTHONPYCACHEPREFIX=windows_path(FOLDER / "pycache"))


if __name__ == "__main__":
    sys.exit(main())
