"""The checks that start nothing: the package, the Python and system that it runs on, and what is installed.

Each returns what it found, or raises what then is the finding. Called by `doctor`.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from importlib import metadata
from pathlib import Path

from .._launch.binary import default_codex_home, packaged_codex_path
from .._launch.runtime_version import MADE_FOR, parse
from .._package import native_import
from .._version import __version__
from ..errors import BinaryNotFoundError
from .report import Finding, Status

_TESTED = ("linux", "darwin", "win32")


def sdk() -> Finding:
    """The package: its version, and the runtime that it is made for."""
    where = str(Path(__file__).parents[1])
    data = {"version": __version__, "made_for": MADE_FOR, "path": where}
    return Finding(Status.ok, f"{__version__}, made for runtime {MADE_FOR}, in {where}", data=data)


def python() -> Finding:
    """The interpreter."""
    data = {
        "implementation": platform.python_implementation(),
        "version": platform.python_version(),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "executable": sys.executable,
    }
    return Finding(Status.ok, f"{native_import.interpreter()}, {sys.executable}", data=data)


def system() -> Finding:
    """The operating system and its C library."""
    libc, version = platform.libc_ver()
    data = {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "libc": f"{libc} {version}".strip() or None,
    }
    detail = f"{native_import.system()}, {platform.system()} {platform.release()}"
    if sys.platform not in _TESTED:
        return Finding(Status.warning, f"{detail}: this system is not supported yet", data=data)
    return Finding(Status.ok, detail, data=data)


def native() -> Finding:
    """The native module: whether it loads, and how it was built."""
    wheel = native_import.installed_wheel()
    try:
        from .. import _native
    except ImportError as error:
        nothing = {"path": None, "wheel": wheel, "release": None}
        return Finding(Status.failed, native_import.problem(error), native_import.REMEDY, nothing)
    path = str(_native.__file__)
    data = {"path": path, "wheel": wheel, "release": _native.RELEASE}
    if not _native.RELEASE:
        return Finding(Status.warning, f"a debug build, which is slow: {path}", "build it with `make`", data)
    return Finding(Status.ok, f"a release build, {Path(path).name}, from {wheel}", data=data)


def packaged(*, needed: bool) -> Finding:
    """The runtime that comes with the package."""
    fix = f"pip install openai-codex-cli-bin=={MADE_FOR}"
    try:
        path = packaged_codex_path(os.environ)
        version = metadata.version("openai-codex-cli-bin")
    except (BinaryNotFoundError, metadata.PackageNotFoundError) as error:
        nothing = {"path": None, "version": None}
        if needed:
            return Finding(Status.failed, str(error), fix, nothing)
        return Finding(Status.skipped, "not installed, and not needed: another is used", data=nothing)
    data = {"path": path, "version": version}
    if parse(version) != parse(MADE_FOR):
        detail = f"openai-codex-cli-bin {version} is installed, and {MADE_FOR} would fit"
        return Finding(Status.warning, detail, fix, data)
    return Finding(Status.ok, f"openai-codex-cli-bin {version}", data=data)


def missing(home: str) -> tuple[str, str]:
    """What is wrong with a CODEX_HOME that does not exist, and what to do: only the default one is made."""
    windows = os.name == "nt"  # whose mkdir takes no option, and makes the parents, too
    make = f"mkdir {subprocess.list2cmdline([home])}" if windows else f"mkdir -p {shlex.quote(home)}"
    return f"CODEX_HOME is {home}, which does not exist", f"{make}, or unset CODEX_HOME"


def home() -> Finding:
    """The directory in which the runtime keeps logins, threads and its configuration."""
    chosen = os.environ.get("CODEX_HOME") or None
    path = chosen or default_codex_home()
    data = {"path": path, "from": "CODEX_HOME" if chosen else "default"}
    if chosen and not os.path.exists(path):
        return Finding(Status.failed, *missing(path), data)
    if not os.path.exists(path):
        return Finding(Status.ok, f"{path} does not exist yet; the runtime makes it", data=data)
    try:
        # Permissions do not tell all: the file system may be read-only, or full.
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        detail = f"nothing can be written in {path}: {error.strerror}"
        return Finding(Status.failed, detail, "set CODEX_HOME to a directory that is yours", data)
    return Finding(Status.ok, f"{path} is writable", data=data)
