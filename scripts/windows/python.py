"""Windows' own CPython, with the packages that the tests import, in a folder on this machine.

Owns which interpreter it is and how packages get into it: pip runs here and installs what is made for there.
The project itself is none of them; it is put in by whoever has built it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import tomli

ROOT = Path(__file__).resolve().parents[2]
_PIN = Path(__file__).with_name("python.txt")
VERSION = "3.11"
# What pytest and click want on Windows alone: pip reads their conditions for the system that it runs on. And
# pip, whose launcher makes programs of scripts there.
_FOR_WINDOWS = ("colorama", "pip")


class Python:
    """The interpreter in `folder`, made if it is not there, or if other packages are wanted than it has.

    Raises:
        subprocess.CalledProcessError: pip could not fetch or install something; it has said why.
    """

    def __init__(self, folder: Path) -> None:
        self.program = folder / "python.exe"
        self._packages = folder / "Lib/site-packages"
        wanted = _wanted()
        stamp = folder / "made-of.txt"
        if stamp.exists() and stamp.read_text("utf-8") == wanted:
            return
        made = folder.with_name(f"{folder.name}.made")
        for old in (made, folder):
            shutil.rmtree(old, ignore_errors=True)
        _unpack(made)
        (made / stamp.name).write_text(wanted, "utf-8")
        _install(made / "Lib/site-packages", *_requirements(), "--group", f"{ROOT / 'pyproject.toml'}:test")
        # The last step, so that a folder that is there is whole.
        made.rename(folder)

    def install(self, wheel: Path) -> None:
        """Put a wheel in, in place of an earlier one of the same project; not what it depends on."""
        _install(self._packages, "--no-deps", "--upgrade", str(wheel))


def _wanted() -> str:
    """What changes when another interpreter or other packages are wanted."""
    digest = hashlib.sha256()
    for path in (Path(__file__), _PIN, ROOT / "pyproject.toml", ROOT / "constraints.txt"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _requirements() -> list[str]:
    """What the package depends on, the runtime included, and what its offline model does."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["testing"], *_FOR_WINDOWS]


def _unpack(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="codex-windows-") as work:
        download = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", work]
        subprocess.run([sys.executable, "-m", "pip", *download, "--requirement", _PIN], check=True)
        (archive,) = Path(work).glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            (name,) = (name for name in packed.getnames() if name.endswith("/data.zip"))
            packed.extract(name, work, filter="data")
        with zipfile.ZipFile(Path(work, name)) as files:
            for member in files.infolist():
                # The file that would have it take no notice of its environment and of packages, unlike any
                # Python that a user has.
                if not member.is_dir() and not member.filename.endswith("._pth"):
                    member.filename = Path(member.filename).name
                    files.extract(member, folder)


def _install(target: Path, *what: str) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target)]
    system = ["--platform", "win_amd64", "--python-version", VERSION, "--implementation", "cp"]
    pinned = ["--constraint", str(ROOT / "constraints.txt"), "--only-binary", ":all:"]
    subprocess.run([*pip, *system, *pinned, *what], check=True)
