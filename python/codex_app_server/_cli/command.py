"""One run of a program, bounded in time and in output, of which nothing is left in its session, or its job.

Owns what goes wrong with programs that are not Codex: they wait for input, hang, write without end, or leave
children behind. A child that has opened a session of its own, as a daemon does, is out of reach; it is not
waited for. Called by the checks that ask the runtime's binary something.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO

from . import job

# Of stdout, and of stderr: a program that writes more is stopped, for Codex answers with some lines.
MOST_BYTES = 1 << 20
# Kept of the beginning, and as much of the end.
KEPT_BYTES = 32 << 10
_CHUNK_BYTES = 16 << 10
# For the last words of a program that has ended. All of it is in the pipe already.
_LAST_WORDS_S = 1.0


@dataclass(frozen=True)
class Outcome:
    """How it ended.

    Args:
        exit_code: Its exit code; None if it was stopped.
        stopped: Why it was stopped, after the word "it"; None if it was not.
        stdout: What it printed. A long text is there without its middle.
        stderr: The same of its stderr.
    """

    exit_code: int | None
    stopped: str | None
    stdout: str
    stderr: str


def run(argv: Sequence[str], timeout_s: float) -> Outcome:
    """Run a program without input.

    Raises:
        OSError: It cannot be started.
    """
    child, kill = _start(argv)

    def stop() -> None:
        if child.returncode is None:  # else its id may be another program's by now
            kill()

    outputs: list[_Output] = []
    exit_code, stopped = None, None
    try:
        outputs += [_Output(pipe, stop) for pipe in (child.stdout, child.stderr) if pipe is not None]
        exit_code = child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        stopped = f"did not end within {timeout_s:g} s"
    finally:
        # Also after a normal end, for what it started in the background would stay. While one process of the
        # group is left, the system gives this id to no other.
        kill()
        child.wait()
    deadline = time.monotonic() + _LAST_WORDS_S
    stdout, stderr = (output.text(deadline) for output in outputs)
    if any(output.is_too_long for output in outputs):
        exit_code, stopped = None, f"wrote more than {MOST_BYTES >> 20} MiB"
    return Outcome(exit_code, stopped, stdout, stderr)


def _start(argv: Sequence[str]) -> tuple[subprocess.Popen[bytes], Callable[[], None]]:
    """Start a program; returns it, and what kills it with all that it has started."""
    flags = 0
    if sys.platform == "win32":
        flags = job.SUSPENDED
    # Unbuffered, so that no lock of a buffer is held by a reader that is still there when Python exits.
    child = subprocess.Popen(
        argv,
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        creationflags=flags,
    )
    if sys.platform == "win32":  # which has no sessions of this kind
        everybody = job.Job()
        everybody.begin(child)
        return child, everybody.end
    return child, partial(_kill_group, child.pid)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # macOS says "not permitted" of a group of which all have ended.
        os.killpg(pid, signal.SIGKILL)


class _Output:
    """What a program writes into one pipe, which a thread of its own reads until the bound.

    Args:
        pipe: The pipe; closed by this.
        on_excess: Called once when there is more than the bound. The rest stays unread.
    """

    def __init__(self, pipe: IO[bytes], on_excess: Callable[[], None]) -> None:
        self.is_too_long = False
        self._pipe = pipe
        self._on_excess = on_excess
        # The beginning, the end, and how many bytes were between them.
        self._kept = (b"", b"", 0)
        # A child with a session of its own may hold the pipe for ever; then the thread does not end.
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self, deadline: float) -> str:
        """All of it, or the lines at its beginning and end. Waits for the end until `deadline`."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        head, tail, dropped = self._kept
        if not dropped:
            return _decoded(head + tail)
        size = len(head) + dropped + len(tail)
        # Whole lines, so that no half of a secret is left, which nobody would recognize.
        head = head[: head.rfind(b"\n") + 1]
        tail = tail.partition(b"\n")[2]
        gap = f"… {size - len(head) - len(tail)} bytes …"
        return "\n".join(filter(None, [_decoded(head), gap, _decoded(tail)]))

    def _read(self) -> None:
        size = 0
        with self._pipe:
            while chunk := self._pipe.read(_CHUNK_BYTES):
                head, tail, dropped = self._kept
                room = KEPT_BYTES - len(head)
                tail += chunk[room:]
                self._kept = (
                    head + chunk[:room],
                    tail[-KEPT_BYTES:],
                    dropped + max(0, len(tail) - KEPT_BYTES),
                )
                size += len(chunk)
                if size > MOST_BYTES:
                    self.is_too_long = True
                    self._on_excess()
                    return


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()
