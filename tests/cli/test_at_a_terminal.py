"""The commands at a terminal: what is shown there, what is typed, and what happens when it is closed."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.terminal import COMMAND, HANG, Terminal, until_all_gone, until_written

KEY = "sk-quite-secret-4711"


def at_terminal(terminal: Terminal, keys: str) -> tuple[int, str]:
    """The exit code and all that is shown of a login that asks for a key, at which `keys` are typed."""
    pid, ours = pty.fork()
    if pid == 0:
        os.execve(COMMAND[0], [*COMMAND, "login", "--with-api-key"], terminal.env)
    shown = b""
    while b"API key (not shown): " not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, keys.encode())
    try:
        while more := os.read(ours, 4096):
            shown += more
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_ctrl_d_at_the_question_for_a_key_is_no_key(terminal: Terminal) -> None:
    code, shown = at_terminal(terminal, "\x04")
    assert code == 1
    assert shown.splitlines()[1].startswith("error: There is no API key on stdin")
    assert len(shown.splitlines()) == 2


def test_a_key_is_asked_for_at_a_terminal_and_not_shown(terminal: Terminal) -> None:
    code, shown = at_terminal(terminal, f"{KEY}\n")
    assert code == 0
    assert "Logged in using an API key" in shown
    assert KEY not in shown


@pytest.mark.parametrize(("no_color", "fancy"), [("", True), ("1", False)])
def test_ticks_and_colours_are_for_a_terminal_that_wants_them(
    no_color: str, fancy: bool, terminal: Terminal
) -> None:
    ours, theirs = pty.openpty()
    env = {**terminal.env, "NO_COLOR": no_color, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    command = [*COMMAND, "doctor", "--codex-bin", "no-such-codex"]
    with subprocess.Popen(command, env=env, stdout=theirs, stdin=theirs) as child:
        os.close(theirs)
        out = b""
        try:
            while more := os.read(ours, 65536):
                out += more
        except OSError:  # the other side is closed
            pass
    os.close(ours)
    assert child.returncode == 1
    assert (b"\x1b[32m\xe2\x9c\x93\x1b[0m  sdk " in out) is fancy
    assert (b"\x1b" in out) is fancy
    assert (b"ok       sdk " in out) is not fancy


def test_a_terminal_that_is_closed_ends_also_what_was_started(terminal: Terminal, tmp_path: Path) -> None:
    log = tmp_path / "pids"
    path = terminal.program("codex", HANG.format(log=str(log)))
    pid, ours = pty.fork()
    if pid == 0:
        os.execve(COMMAND[0], [*COMMAND, "doctor", "--codex-bin", path], terminal.env)
    pids = until_written(log, 2)
    os.close(ours)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    until_all_gone(pids)
    assert code == 128 + signal.SIGHUP
