"""The command line: its grammar, exit codes, and how a command ends that was interrupted or failed.

Exit codes: 0 for success, 1 for a failure, 2 for a wrong command line, 128 and its number after a signal (130
for Ctrl-C); `login` has one more. The commands are in `doctor` and `login`. Called by `__main__`, and in its
place where the package cannot be imported.
"""

from __future__ import annotations

import argparse
import errno
import io
import math
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

from .._package.native_import import explain
from .._version import __version__
from ..errors import CodexError
from . import doctor, ending, login
from .report import printable
from .wording import in_options

_PROG = "python -m codex_app_server"
_PATIENCE = "how long the runtime may take to start, and for one answer"
_NO_KEY = "An API key is read from stdin, never from the command line"


class _Parser(argparse.ArgumentParser):
    """A parser that need not quote what it does not understand, for that may be a key.

    `refusal` is what it says instead of a message of argparse. `refuse` says what is known to be wrong.
    """

    refusal: str | None = None

    def error(self, message: str) -> NoReturn:
        self.refuse(self.refusal or message)

    def refuse(self, message: str) -> NoReturn:
        super().error(message)


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
    with ending.orderly() as interruption:
        return _run(options, interruption)


def _run(options: argparse.Namespace, interruption: ending.Interruption) -> int:
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        # Where it was raised in code that had been given to `exec` as text (a dataclass that is being made
        # while its module is imported), Python remembers it as uncaught and would end by SIGINT. This makes
        # it forget.
        exec("")  # noqa: S102
        try:
            print(options.when_interrupted, file=sys.stderr)
        except OSError:  # the terminal has been closed
            _drop(sys.stdout)
            _drop(sys.stderr)
        return interruption.exit_code
    except ImportError as error:
        is_loaded = "codex_app_server._native" in sys.modules
        return _failed(str(error) if is_loaded else explain(error))
    except CodexError as error:
        return _failed(str(error))
    except OSError as error:
        _drop(sys.stdout)
        # Of a write, as to a full disk: what fails with a file names it, and the rest is the package's error.
        is_output = error.filename is None
        if is_output and _is_without_reader(error):
            return 1  # whoever read the output need not be told
        return _failed(f"The output cannot be written: {error}" if is_output else str(error))
    return code


def _is_without_reader(error: OSError) -> bool:
    """Whether whoever read a pipe has gone; Windows calls that an invalid argument."""
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL)


def _open_standard_streams() -> None:
    """Have something for each of the streams that this process was started without."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for as long as the process runs


def _drop(stream: TextIO) -> None:
    """Let what is still in its buffer go nowhere, or Python complains when it flushes that at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _failed(message: str) -> int:
    print(f"error: {printable(in_options(message))}", file=sys.stderr)
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
    if not options.timeout > 0:  # nor is it if it is no number
        options.parser.refuse("--timeout must be a positive number of seconds")
    if options.run is login.run:
        _check_login(options)
    return options


def _check_login(options: argparse.Namespace) -> None:
    """End with a message if its arguments do not fit together. They may have a key, and are not quoted."""
    ways = {"--device-auth": options.device_auth, "--with-api-key": options.with_api_key}
    chosen = [option for option, is_chosen in ways.items() if is_chosen]
    if options.action not in (None, "status"):
        options.parser.refuse(f"the argument of login can only be status. {_NO_KEY}")
    if options.action == "status" and chosen:
        options.parser.refuse(f"status only shows who is logged in, and takes no {chosen[0]}")
    if len(chosen) > 1:
        options.parser.refuse(f"{' and '.join(chosen)} are two ways to log in: choose one")


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
    _add_timeout(command, 30, "how long one check may take")
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
    command.add_argument("action", nargs="?", metavar="status", help="only show who is logged in")
    command.add_argument(
        "--device-auth", action="store_true", help="log in by a code, in a browser on any machine"
    )
    command.add_argument(
        "--with-api-key",
        action="store_true",
        help="read an API key from stdin; at a terminal, ask for it",
    )
    _add_codex_bin(command)
    _add_timeout(command, 60, _PATIENCE)
    command.set_defaults(run=login.run, parser=command, when_interrupted="Interrupted.")

    command = commands.add_parser(
        "logout", help="forget the login", description="Forgets the login.", allow_abbrev=False
    )
    command.refusal = f"unknown or misplaced arguments. {_NO_KEY}"
    _add_codex_bin(command)
    _add_timeout(command, 60, _PATIENCE)
    command.set_defaults(run=login.log_out, parser=command, when_interrupted="Interrupted.")


def _add_codex_bin(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--codex-bin",
        metavar="CODEX",
        help="the runtime to use instead of the packaged one: a path, or the name of a command on PATH",
    )


def _add_timeout(command: argparse.ArgumentParser, seconds: float, meaning: str) -> None:
    command.add_argument(
        "--timeout",
        type=_seconds,
        default=seconds,
        metavar="SECONDS",
        help=f"{meaning} (default: {seconds:g})",
    )


def _seconds(text: str) -> float:
    """What it says; not a number if that is none, or has no end."""
    try:
        seconds = float(text)
    except ValueError:
        return math.nan
    return seconds if math.isfinite(seconds) else math.nan
