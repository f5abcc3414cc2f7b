"""One run of a program, bounded in time, of which nothing is left.

Owns what goes wrong with programs that are no Codex: those that wait for input, hang, or leave a child that
holds their output. Called by the checks that ask the runtime's binary something.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True)
class Outcome:
    """How it ended: the exit code, None if it took too long, and what it printed."""

    exit_code: int | None
    stdout: str
    stderr: str


def run(argv: Sequence[str], timeout_s: float) -> Outcome:
    """Run a program without input.

    Raises:
        OSError: It cannot be started.
    """
    # Files and no pipes: a child of the program could hold a pipe open for ever.
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True
        )
        exit_code = None
        try:
            exit_code = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            _end(child)
        except BaseException:
            _end(child)
            raise
        return Outcome(exit_code, _text(stdout), _text(stderr))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace").strip()


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the program, which has not been waited for, with all that it has started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
