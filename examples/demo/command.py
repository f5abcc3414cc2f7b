"""The command line of the demonstration: its arguments, Ctrl-C, the exit code.

Owns what a person is told before anything runs and when something is missing. `__main__` calls `main`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Sequence

from rich.console import Console
from rich.text import Text

from codex_app_server import CodexError
from codex_app_server.testing import OfflineModel, OfflineModelError

from .board import Board, Lane, Phase
from .show import Show, ShowError
from .stories import Story, script

_OFFLINE_TURNS = 64
_LIVE_TURNS = 8
_NOTICE_S = 3.0
# The exit code of `python -m codex_app_server login status`.
_NOT_LOGGED_IN = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration.

    Args:
        arguments: The command line without the program's name; by default this process' own.

    Returns:
        The exit code: 0, or 1 when something failed.

    Raises:
        KeyboardInterrupt: It was stopped; everything it had opened is closed.
    """
    options = _options(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without Unicode shall get question marks, not a traceback.
        sys.stdout.reconfigure(errors="replace")
    console = Console()
    try:
        return asyncio.run(_interruptible(_run(console, options)))
    except (ShowError, CodexError, OfflineModelError, ImportError) as error:
        Console(stderr=True).print(
            Text.assemble(("demo: ", "bold red"), str(error).splitlines()[0]), soft_wrap=True
        )
        return 1
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.demo", description="Many Codex turns at once, in one process."
    )
    parser.add_argument(
        "--turns",
        type=_count,
        metavar="N",
        help=f"how many at once (default: {_OFFLINE_TURNS}, with --live {_LIVE_TURNS})",
    )
    parser.add_argument(
        "--pace",
        type=_pace,
        default=1.0,
        metavar="X",
        help="how long the offline model takes: 1 to read along (default), 0 for no pauses at all",
    )
    parser.add_argument(
        "--live", action="store_true", help="use your own Codex login instead of the offline model"
    )
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 2000:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 2000, not {text!r}")
    return int(text)


def _pace(text: str) -> float:
    try:
        pace = float(text)
    except ValueError:
        pace = -1.0
    if not 0 <= pace <= 100:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 100, not {text!r}")
    return pace


async def _interruptible(run: Coroutine[None, None, int]) -> int:
    """Await `run`; Ctrl-C and SIGTERM cancel it, so that everything it opened is closed in order."""
    task = asyncio.ensure_future(run)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows' loop; there KeyboardInterrupt comes by itself
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
    return await task


async def _run(console: Console, options: argparse.Namespace) -> int:
    if options.live:
        return await _live(console, options.turns or _LIVE_TURNS)
    return await _offline(console, options.turns or _OFFLINE_TURNS, options.pace)


async def _offline(console: Console, turns: int, pace: float) -> int:
    stories = [Story(number) for number in range(turns)]
    board = Board([Lane(story, len(story.text)) for story in stories], "offline model")
    console.print(
        f" {turns} turns at once: the real Codex runtime, an offline model, no login.", highlight=False
    )
    async with OfflineModel(script(stories, pace)) as model:
        await Show(console, board, model.config(), str(model.workspace)).play()
    return 1 if board.count(Phase.FAILED) else 0


async def _live(console: Console, turns: int) -> int:
    _require_login()
    board = Board([Lane(Story(number)) for number in range(turns)], "your login")
    console.print(
        f" This asks your own Codex login for {turns} short stories and one paragraph.\n"
        " They count towards your usage. The threads are not stored, cannot write and\n"
        f" work in an empty directory. It begins in {_NOTICE_S:.0f} s; Ctrl-C leaves it.",
        highlight=False,
    )
    await asyncio.sleep(_NOTICE_S)
    board.started_at += _NOTICE_S
    with tempfile.TemporaryDirectory(prefix="codex-demo-") as directory:
        await Show(console, board, None, directory).play()
    return 1 if board.count(Phase.FAILED) else 0


def _require_login() -> None:
    """Raise ShowError when the packaged runtime has no login."""
    login = [sys.executable, "-m", "codex_app_server", "login"]
    asked = subprocess.run(
        [*login, "status"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if asked.returncode == _NOT_LOGGED_IN:
        home = os.environ.get("CODEX_HOME", "~/.codex")
        quoted = subprocess.list2cmdline(login) if os.name == "nt" else shlex.join(login)
        raise ShowError(f"there is no Codex login in {home}. Log in with `{quoted}`, or leave --live out.")
    if asked.returncode:
        raise ShowError(f"the Codex login cannot be looked up: {asked.stderr.removeprefix('error: ')}")
