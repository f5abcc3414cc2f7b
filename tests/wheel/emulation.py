"""Debian's Python for aarch64, unpacked into a folder and run by qemu. What is there is used again."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from scripts import debian

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
            debian.unpack(PACKAGES, self.root, folder / "work", architecture="arm64")

    def starts_children(self) -> bool:
        """Whether the kernel runs the other processor's programs, so that they can start each other, too."""
        try:
            done = subprocess.run([self.python, "-c", ""], env={**os.environ, **self.variables}, check=False)
        except OSError:  # Exec format error: nobody has told the kernel about the emulator
            return False
        return done.returncode == 0
