"""The Wine prefix, in which Windows' programs find a Windows: registry, system libraries, drives.

Owns how it is made and how a program runs in it. Installs nothing: what is missing is named. The checkout is
on drive Z:, where Wine shows the whole machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path, PureWindowsPath

_SOURCE = Path(__file__).with_name("bcryptprimitives.c")


class UnavailableError(Exception):
    """Windows' programs cannot run on this machine as it is; the message says what to install."""


class Prefix:
    """A prefix in `folder`, made if it is not there.

    Raises:
        UnavailableError: Wine is not installed.
        subprocess.CalledProcessError: Wine could not make it; it has said why.
    """

    def __init__(self, folder: Path) -> None:
        if shutil.which("wine") is None:
            raise UnavailableError(
                "this needs Wine; on Debian, `apt-get install wine wine64`, and run it again"
            )
        self.folder = folder.resolve()
        if self.folder.exists():
            return
        made = self.folder.with_name(f"{folder.name}.made")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        # It says what it did, also when all is well.
        subprocess.run(
            ["wine", "wineboot", "--init"],
            env=_environment(made),
            input=b"",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )
        # The prefix must not be moved before the last of Wine's own programs has written what it knows.
        subprocess.run(["wineserver", "--wait"], env=_environment(made), check=True)
        _build_library(made / "drive_c/windows/system32")
        # The last step, so that a folder that is there is whole.
        made.rename(self.folder)

    def run(self, command: list[str], **variables: str) -> int:
        """Run a program and pass on what it writes.

        Args:
            command: The program's path on this machine, and its arguments.
            **variables: For its environment, besides this process's own.

        Returns:
            Its exit code.
        """
        # Its streams have to be pipes: Windows' Python cannot use what Wine makes of a terminal or a file.
        inward, outward = os.pipe()
        with subprocess.Popen(
            ["wine", *command],
            env={**_environment(self.folder), **variables},
            stdin=subprocess.PIPE,
            stdout=outward,
            stderr=outward,
        ) as running:
            os.close(outward)
            while data := os.read(inward, 65536):
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
        os.close(inward)
        return running.returncode


def windows_path(path: Path) -> str:
    """What a program under Wine calls a path of this machine."""
    return str(PureWindowsPath("Z:" + path.resolve().as_posix()))


def _environment(folder: Path) -> dict[str, str]:
    # What Wine itself has to say of what it lacks would stand between the lines of the program.
    return {**os.environ, "WINEPREFIX": str(folder), "WINEDEBUG": "-all"}


def _build_library(system: Path) -> None:
    """Build the library that Wine lacks, into the folder of Windows' own."""
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-windows-gnu", "-shared", "-nostdlib"]
    library = system / "bcryptprimitives.dll"
    subprocess.run([*command, "-O2", "-s", str(_SOURCE), "-lbcrypt", "-o", str(library)], check=True)
    library.with_suffix(".lib").unlink()
