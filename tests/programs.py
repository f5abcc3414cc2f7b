"""Programs in Python: commands that do what a shell's do, and files that stand in place of the runtime."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path


def python(body: str) -> tuple[str, ...]:
    """The command that runs this in Python; it starts as fast as a `program` does.

    Bytes pass `os.read()` and `os.write()` as they are; what is printed has the system's ends of lines.
    """
    return (sys.executable, "-SE", "-c", body)


# Reads its input to the end, and gives it back piece by piece.
CAT = python("import os\nwhile data := os.read(0, 65536): os.write(1, data)")
SLEEP = python("import time; time.sleep(100)")
# Says so when it has started.
READY_AND_SLEEP = python("import os, time; os.write(1, b'ready\\n'); time.sleep(100)")


def program(path: Path, body: str) -> Path:
    """Write a program to `path`, which gets the ending that the system's programs have.

    It starts in 20 ms: neither its environment nor installed packages are looked at.
    """
    if sys.platform == "win32":
        path = path.with_name(f"{path.name}.exe")
        path.write_bytes(_launcher() + f'#!"{sys.executable}" -SE\r\n'.encode() + _archive(body))
    else:
        path.write_text(f"#!{sys.executable} -SE\n{body}\n", "utf-8")
        path.chmod(0o755)
    return path


def _launcher() -> bytes:
    """What pip puts before a script: a program that has Python run what stands behind it."""
    from pip._vendor import distlib

    return Path(distlib.__file__).with_name("t64.exe").read_bytes()


def _archive(body: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("__main__.py", body)
    return archive.getvalue()
