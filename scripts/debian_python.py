"""Brings CPython 3.14 into a folder, for tests on a Debian without one: `python -m scripts.debian_python`.

Owns how a newer Debian's packages become an interpreter beside the system's own: apt fetches and verifies
them with lists of its own, they are unpacked and not installed, and the interpreter is told where its loader
and its libraries are. Installs nothing, and changes nothing outside of its folder. Run by CI; elsewhere any
other CPython 3.14 will do.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "python3.14"
# The first Debian that has it.
SUITE = "forky"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# What it is made with, and the Debian package of each.
TOOLS = {"apt-get": "apt", "dpkg-deb": "dpkg", "patchelf": "patchelf"}


class UnavailableError(Exception):
    """It cannot be made on this machine; the message says why, and what to do."""


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
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if not KEYRING.exists():
        missing.append("debian-archive-keyring")
    if folder.exists():
        raise UnavailableError(f"{folder} is there, but has no {PYTHON} in it; remove it, and run it again")
    if missing:
        raise UnavailableError(
            f"this needs Debian's packages {', '.join(missing)}; install them, and run it again"
        )
    work, made = folder.with_name(f"{folder.name}.work"), folder.with_name(f"{folder.name}.made")
    for stale in (work, made):
        shutil.rmtree(stale, ignore_errors=True)
    for package in _fetched(work):
        subprocess.run(["dpkg-deb", "--extract", package, made], check=True)
    _settle(made, folder)
    shutil.rmtree(work)
    # The last step, so that a folder that is there is whole.
    made.rename(folder)
    return python


def _fetched(work: Path) -> list[Path]:
    """The packages of the interpreter and of everything that it needs, down to the C library."""
    for name in ("lists/partial", "archives/partial"):
        (work / name).mkdir(parents=True)
    (work / "status").touch()  # of a machine on which nothing is installed
    (work / "debian.sources").write_text(
        f"Types: deb\nURIs: {_mirror()}\nSuites: {SUITE}\nComponents: main\nSigned-By: {KEYRING}\n"
    )
    settings = {
        "Dir::Etc::SourceList": work / "debian.sources",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::State::Status": work / "status",
        "Dir::Cache::Archives": work / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Acquire::Languages": "none",
        # The folder may be one that apt's own user cannot enter.
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    subprocess.run([*apt, "update"], check=True)
    download = ["--yes", "--no-install-recommends", "--download-only", "install", f"{PYTHON}-venv"]
    subprocess.run([*apt, *download], check=True, stdout=subprocess.DEVNULL)
    return sorted((work / "archives").glob("*.deb"))


def _mirror() -> str:
    """Where this machine gets its own Debian packages."""
    wanted = ["Identifier: Packages", "Origin: Debian", "Label: Debian"]
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted],
        check=True,
        capture_output=True,
        text=True,
    )
    if not done.stdout.split():
        raise UnavailableError(
            "apt knows no mirror of Debian; run `apt-get update` on a Debian, and run it again"
        )
    return done.stdout.split()[0]


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
