"""Brings CPython 3.14 into a folder, for tests on a Debian without one: `python -m scripts.debian_python`.

Owns how a newer Debian's packages become an interpreter beside the system's own: they are unpacked and not
installed, and the interpreter is told where its loader and its libraries are. Installs nothing, and changes
nothing outside of its folder. Run by CI; elsewhere any other CPython 3.14 will do.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from scripts import debian
from scripts.debian import UnavailableError, missing

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "python3.14"
# The first Debian that has it.
SUITE = "forky"
# What it is made with, and the Debian package of each.
TOOLS = {"apt-get": "apt", "dpkg-deb": "dpkg", "patchelf": "patchelf"}


def unpack(folder: Path) -> Path:
    """Make the interpreter in `folder`, unless it is there.

    Returns:
        Its path. It makes virtual environments with pip, and starts child processes, like any other.

    Raises:
        UnavailableError: The machine is no Debian, or lacks a tool.
        subprocess.CalledProcessError: apt could not fetch or verify a package; it has said why.
    """
    folder = folder.resolve()
    python = folder / "usr/bin" / PYTHON
    if python.exists():
        return python
    lacking = missing(TOOLS)
    if folder.exists():
        raise UnavailableError(f"{folder} is there, but has no {PYTHON} in it; remove it, and run it again")
    if lacking:
        raise UnavailableError(
            f"this needs Debian's packages {', '.join(lacking)}; install them, and run it again"
        )
    made = folder.with_name(f"{folder.name}.made")
    shutil.rmtree(made, ignore_errors=True)
    debian.unpack((f"{PYTHON}-venv",), made, folder.with_name(f"{folder.name}.work"), suite=SUITE)
    _settle(made, folder)
    # The last step, so that a folder that is there is whole.
    made.rename(folder)
    return python


def _settle(made: Path, folder: Path) -> None:
    """Have what is in `made` find its own files once it stands in `folder`."""
    libraries = sorted(made.glob("usr/lib/*-linux-gnu*"))[0].relative_to(made)
    loader = sorted(made.glob("usr/lib*/ld-linux*"))[0].relative_to(made)
    # Inherited by what the interpreter loads: its modules need its libraries, not the system's older ones.
    patch = ["patchelf", "--force-rpath", "--set-rpath", str(folder / libraries)]
    subprocess.run(
        [*patch, "--set-interpreter", str(folder / loader), str(made / "usr/bin" / PYTHON)], check=True
    )
    # Where venv finds the pip that it puts into an environment.
    for path in made.glob(f"usr/lib/{PYTHON}/_sysconfigdata*.py"):
        if path.is_symlink():
            continue  # to another of them
        text = path.read_text("utf-8")
        found, count = re.subn(r"('WHEEL_PKG_DIR': ')(/usr/)", rf"\g<1>{folder}\g<2>", text)
        if count != 1:
            raise UnavailableError(f"{path.name} does not say where pip's wheel is; Debian has changed that")
        path.write_text(found, "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.debian_python", description=__doc__.split("\n")[0]
    )
    default = ROOT / "target" / PYTHON
    parser.add_argument(
        "folder", nargs="?", type=Path, default=default, help="where it goes (target/python3.14)"
    )
    try:
        print(unpack(parser.parse_args().folder))
    except UnavailableError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except subprocess.CalledProcessError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
