"""The command line: `python -m scripts.windows [ARGUMENT OF PYTEST ...]`.

Without arguments it runs the core's tests, too. On Windows itself nothing is set up: the tests run in the
Python that runs this.
"""

from __future__ import annotations

import subprocess
import sys

from scripts.wheels.build import build
from scripts.wheels.platforms import named
from scripts.wheels.toolchain import ToolchainError
from scripts.windows import core
from scripts.windows.prefix import Prefix, UnavailableError, windows_path
from scripts.windows.python import ROOT, Python
from tests.left_out import read

FOLDER = ROOT / "target/windows"
LIST = "tests/windows.toml"
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
    "tests/windows",
)


def main() -> int:
    """Run the tests; returns the exit code of those that failed."""
    if sys.platform == "win32":
        if not sys.argv[1:] and (code := subprocess.call([*core.HERE])):
            return code
        return subprocess.call(_pytest(sys.executable, "windows"), cwd=ROOT)
    try:
        prefix = Prefix(FOLDER / "prefix")
        python = Python(FOLDER / "python")
        # What cargo has compiled before is used again: seconds, when no Rust file has changed.
        python.install(build(named("win_amd64"), FOLDER / "wheel"))
        if not sys.argv[1:] and (code := core.run(prefix, read(ROOT / LIST))):
            return code
    except (UnavailableError, ToolchainError) as error:
        print(f"python -m scripts.windows: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"python -m scripts.windows: {error}", file=sys.stderr)
        return 1
    command = _pytest(str(python.program), "windows", "wine")
    # What Linux' Python has compiled in the checkout names other paths.
    return prefix.run(command, PYTHONPYCACHEPREFIX=windows_path(FOLDER / "pycache"))


def _pytest(python: str, *systems: str) -> list[str]:
    """The command of the tests, without what these systems cannot run."""
    command = [python, "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["-p", "tests.left_out", "--left-out", LIST, *(f"--on={system}" for system in systems)]
    # Where no files are named.
    return [*command, "-o", f"testpaths={' '.join(SUITES)}", *sys.argv[1:]]


if __name__ == "__main__":
    sys.exit(main())
