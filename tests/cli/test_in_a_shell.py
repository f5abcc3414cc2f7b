"""The commands as a POSIX shell starts them: with streams redirected or closed, with signals ignored."""

from __future__ import annotations

import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.terminal import COMMAND, HANG, Terminal, until_all_gone, until_written


def in_shell(terminal: Terminal, line: str, unbuffered: str = "") -> subprocess.CompletedProcess[str]:
    command = f"exec {shlex.join(COMMAND)} {line}"
    return subprocess.run(
        ["sh", "-c", command],
        env={**terminal.env, "PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    ("redirection", "words"),
    [
        ("<&-", "There is no API key on stdin"),
        ("</dev/null 0>/dev/null", "The API key cannot be read from stdin: "),
    ],
    ids=["closed", "not for reading"],
)
def test_a_stdin_without_a_key_is_said_in_one_line(redirection: str, words: str, terminal: Terminal) -> None:
    done = in_shell(terminal, f"login --with-api-key {redirection}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {words}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("command", ["login status", "doctor --no-turn", "doctor --no-turn --json"])
def test_output_that_cannot_be_written_is_said_in_one_line(
    command: str, unbuffered: str, terminal: Terminal
) -> None:
    done = in_shell(terminal, f"{command} >/dev/full", unbuffered)
    assert done.returncode == 1
    assert done.stderr == "error: The output cannot be written: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(("command", "code"), [("login status", 3), ("doctor --no-turn --json", 0)])
def test_without_an_output_the_exit_code_still_says_it(command: str, code: int, terminal: Terminal) -> None:
    done = in_shell(terminal, f"{command} >&-")
    assert (done.returncode, done.stderr) == (code, "")


def test_a_signal_to_end_is_obeyed_in_the_background_too(terminal: Terminal, tmp_path: Path) -> None:
    # There a shell has Ctrl-C ignored, and `nohup` the end of the terminal.
    log = tmp_path / "pids"
    path = terminal.program("codex", HANG.format(log=str(log)))
    line = f"trap '' INT HUP; exec {shlex.join([*COMMAND, 'doctor', '--codex-bin', path])}"
    with subprocess.Popen(
        ["sh", "-c", line], env=terminal.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        pids = until_written(log, 2)
        child.send_signal(signal.SIGHUP)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=20)
    until_all_gone(pids)
    assert child.returncode == 128 + signal.SIGTERM
