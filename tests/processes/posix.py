"""Processes of a system with signals and /proc."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def threads() -> int:
    """How many native threads this process has; `threading.enumerate()` would miss some."""
    return len(os.listdir("/proc/self/task"))


def descriptors() -> int:
    """How many files, pipes and sockets this process has open."""
    return len(os.listdir("/proc/self/fd"))


def descendants(pid: int) -> set[int]:
    """Every living process below `pid`, sessions of their own included."""
    parents = dict(_parents())
    found: set[int] = set()
    frontier = {pid}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            state = _state(int(entry.name))
            if state is not None and state[0] != "Z":
                yield int(entry.name), int(state[1])


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    state = _state(pid)
    return state is not None and state[0] != "Z"


def _state(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None


def command_line(pid: int) -> str:
    """What every user of the system may see of how a process was started."""
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A child that does nothing meanwhile, though it has not ended."""
    os.kill(pid, signal.SIGSTOP)
    try:
        # Until all of its threads stand still, it may answer.
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        yield
    finally:
        with suppress(ProcessLookupError):  # it was killed
            os.kill(pid, signal.SIGCONT)


# The exit code of a process that was ended so, as `subprocess` has it, and what the package says of it.
KILLED = -signal.SIGKILL
KILLED_SAYS = "killed by signal 9"


def kill(pid: int) -> None:
    """End a process that is not asked."""
    os.kill(pid, signal.SIGKILL)


def press_ctrl_c() -> None:
    """What a person does at the terminal, to this process alone."""
    os.kill(os.getpid(), signal.SIGINT)


# One besides Ctrl-C that a program may have a handler for.
SIGNAL = signal.SIGUSR1


def signal_main() -> None:
    """Send this signal to the main thread."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, SIGNAL)
