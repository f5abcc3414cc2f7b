"""The command line: its grammar, exit codes, and how a command ends that was interrupted or failed.

Exit codes: 0 for success, 1 for a failure, 2 for a wrong command line, 130 after Ctrl-C; `login`
has one more. The commands are in `doctor` and `login`. Called by `__main__`, and in its place where the
package cannot be imported.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from .._native_import import explain
from .._version import __version__
from ..errors import CodexError
from . import doctor, login
from .report import printable

_PROG = "python -m codex_app_server"
_INTERRUPTED = 130
_NO_KEY = "An API key is read from stdin, never from the command line"


class _Parser(argparse.ArgumentParser):
    """A parser that need not quote what it does not understand, for that may be a key.

    `refusal` is what it says instead of a message of argparse.
    """

    refusal: str | None = None

    def error(self, message: str) -> NoReturn:
        super().error(self.refusal or message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    Args:
        argv: The arguments after the program's name; those of this process by default.
    """
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whose encoding may lack a letter of a path or a name
            stream.reconfigure(errors="backslashreplace")
    options = _options(argv)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(options.when_interrupted, file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone, and need not be told.
        _drop_output()
        return 1
    except ImportError as error:
        is_loaded = "codex_app_server._native" in sys.modules
        return _failed(str(error) if is_loaded else explain(error))
    except CodexError as error:
        return _failed(str(error))
    except OSError as error:
        _drop_output()
        # Of a write, as to a full disk: what fails with a file names it, and the rest is the package's error.
        is_output = error.filename is None
        return _failed(f"The output cannot be written: {error}" if is_output else str(error))
    return code


def _open_standard_streams() -> None:
    """Have something for each of the streams that this process was started without."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for as long as the process runs


def _drop_output() -> None:
    """Let what is still in the buffer go nowhere, or Python complains when it flushes that at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(message: str) -> int:
    print(f"error: {printable(message)}", file=sys.stderr)
    return 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(
        prog=_PROG,
        description="Commands of codex-app-server-sdk: check an installation, log in and out.",
        epilog="Each command has a --help of its own.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"codex-app-server-sdk {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_doctor(commands)
    _add_login(commands)
    parser.refusal = f"the first argument must be one of {', '.join(commands.choices)}. {_NO_KEY}"
    options, rest = parser.parse_known_args(argv)
    if rest:
        options.parser.error("unknown or misplaced arguments")
    return options


def _add_doctor(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "doctor",
        help="check what is installed, and whether it works",
        description="Checks the installation, the runtime and the login, and runs one turn on an offline "
        "model. Nothing is sent to a model on the network.",
        epilog="Exit code: 0 if all that is needed works (warnings included), 1 if something failed.",
        allow_abbrev=False,
    )
    command.add_argument("--json", action="store_true", help="print one JSON document")
    _add_codex_bin(command)
    command.add_argument("--no-turn", action="store_true", help="leave the turn on the offline model out")
    command.add_argument(
        "--timeout",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="how long one check may take (default: 30)",
    )
    command.set_defaults(run=doctor.run, parser=command, when_interrupted="Interrupted.")


def _add_login(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "login",
        help="log in, or show who is logged in",
        description="Logs in with ChatGPT in a browser on this machine, unless told otherwise. The login is "
        "kept in CODEX_HOME, and all programs that use the runtime share it.",
        epilog=f"Exit code: 1 if something fails; {login.NOT_LOGGED_IN} for status if nobody is logged in "
        "and the configured model needs it; 130 after Ctrl-C, which cancels the login.",
        allow_abbrev=False,
    )
    command.refusal = f"unknown or misplaced arguments. {_NO_KEY}"
    command.add_argument(
        "action", nargs="?", choices=["status"], metavar="status", help="only show who is logged in"
    )
    how = command.add_mutually_exclusive_group()
    how.add_argument(
        "--device-auth", action="store_true", help="log in by a code, in a browser on any machine"
    )
    how.add_argument(
        "--with-api-key",
        action="store_true",
        help="read an API key from stdin; at a terminal, ask for it",
    )
    _add_codex_bin(command)
    command.set_defaults(run=login.run, parser=command, when_interrupted="Login cancelled.")

    command = commands.add_parser(
        "logout", help="forget the login", description="Forgets the login.", allow_abbrev=False
    )
    command.refusal = f"unknown or misplaced arguments. {_NO_KEY}"
    _add_codex_bin(command)
    command.set_defaults(run=login.log_out, parser=command, when_interrupted="Interrupted.")


def _add_codex_bin(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--codex-bin",
        metavar="CODEX",
        help="the runtime to use instead of the packaged one: a path, or the name of a command on PATH",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number of seconds")
    return seconds
