"""What is said when the native module cannot be imported: what is installed, what this is, what to do.

Called by the package itself, whose import fails then. `python -m codex_app_server` imports the package, too,
before it can say anything; so that it can, its command is run from here.
"""

from __future__ import annotations

import platform
import re
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import NoReturn

from .._version import __version__

_NAME = "codex-app-server-sdk"
# By the version, or pip takes the newest package of that name, which may be another project's.
REMEDY = f"{sys.executable} -m pip install --force-reinstall --no-cache-dir {_NAME}=={__version__}"

# The options of Python that are one letter and take nothing.
_FLAGS = "bBdEiIOPqRsSuvx"


def give_up(error: ImportError) -> NoReturn:
    """End the import of the package.

    Raises:
        ImportError: Why, and what to do.
        SystemExit: The command that was asked for has run, as far as it can.
    """
    if _is_command():
        from .._cli.main import main

        raise SystemExit(main())
    raise ImportError(explain(error), name=error.name, path=error.path) from error


def explain(error: ImportError) -> str:
    """What is wrong, and what to do about it."""
    return f"{problem(error)} Install the wheel for this platform: `{REMEDY}`."


def problem(error: ImportError) -> str:
    """What is wrong, beside what is installed and what this is: that tells a wheel of another platform."""
    is_there = any(path.suffix != ".pyi" for path in Path(__file__).parents[1].glob("_native.*"))
    what = f"cannot be loaded ({error})" if is_there else "is missing"
    return (
        f"The native module of {_NAME} {what}. The package was installed from {installed_wheel()}; this is "
        f"{interpreter()} on {system()}."
    )


def installed_wheel() -> str:
    """The tags of the wheel that the package was installed from."""
    try:
        lines = (metadata.distribution(_NAME).read_text("WHEEL") or "").splitlines()
    except metadata.PackageNotFoundError:
        lines = []
    tags = [line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")]
    return f"a wheel for {', '.join(tags)}" if tags else "no wheel"


def interpreter() -> str:
    """The Python that runs, as wheels tell them apart."""
    threading = " free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return f"{platform.python_implementation()} {platform.python_version()}{threading}"


def system() -> str:
    """The system, as wheels tell them apart."""
    libc = " ".join(filter(None, platform.libc_ver()))
    return f"{sysconfig.get_platform()}{f' with {libc}' if libc else ''}"


def _is_command() -> bool:
    """Whether `python -m codex_app_server` is what imports the package: argv starts with "-m" meanwhile."""
    # The option may be the last of several in one word, as in `-Im`, and the name may follow in that word.
    asked = re.compile(rf"-[{_FLAGS}]*m{re.escape(__name__.partition('.')[0])}")
    pairs = [first + second for first, second in zip(sys.orig_argv, sys.orig_argv[1:], strict=False)]
    return sys.argv[:1] == ["-m"] and any(map(asked.fullmatch, (*sys.orig_argv, *pairs)))
