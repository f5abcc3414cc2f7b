"""Debian's Python for aarch64, unpacked into a folder and run by qemu.

Nothing is installed: apt resolves and downloads for the other processor with a state of its own, from the
sources that this machine has. What is there from the last time is used again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

QEMU = "qemu-aarch64-static"
PACKAGES = ("python3.11", "python3.11-venv", "ca-certificates")


class Aarch64:
    """A folder with an aarch64 system in it, as far as Python needs one."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.python = self.root / "usr/bin/python3.11"
        # Where the emulator looks first for what a program opens: the loader, the C library, Python's own
        # files.
        self.variables = {"QEMU_LD_PREFIX": str(self.root)}
        if not self.python.exists():
            shutil.rmtree(self.root, ignore_errors=True)
            unpack(folder, self.root, "arm64", PACKAGES)

    def starts_children(self) -> bool:
        """Whether the kernel runs the other processor's programs, so that they can start each other, too."""
        try:
            done = subprocess.run([self.python, "-c", ""], env={**os.environ, **self.variables}, check=False)
        except OSError:  # Exec format error: nobody has told the kernel about the emulator
            return False
        return done.returncode == 0


def unpack(folder: Path, root: Path, architecture: str, packages: tuple[str, ...]) -> None:
    """Unpack Debian packages of `architecture`, with all that they need, into `root`."""
    archives = folder / "archives"
    (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    status = folder / "status"  # of a machine on which nothing is installed
    status.touch()
    settings = {
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Sandbox::User": "",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::status": status,
        "Dir::Cache": folder,
        "Dir::Cache::archives": archives,
        # Sources of others may have nothing for that architecture.
        "Dir::Etc::sourcelist": _debians_sources(),
        "Dir::Etc::sourceparts": "-",
        "Debug::NoLocking": "1",
    }
    apt = [
        "apt-get",
        "-qq",
        *(part for name, value in settings.items() for part in ("-o", f"{name}={value}")),
    ]
    subprocess.run([*apt, "update"], check=True)
    download = [*apt, "install", "--download-only", "--yes", "--no-install-recommends", *packages]
    subprocess.run(download, check=True, stdout=subprocess.DEVNULL)
    for package in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg", "--extract", package, root], check=True)


def _debians_sources() -> Path:
    for name in ("sources.list.d/debian.sources", "sources.list"):
        path = Path("/etc/apt") / name
        if path.is_file():
            return path
    raise FileNotFoundError("this machine names no package sources of Debian in /etc/apt")
