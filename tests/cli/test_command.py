"""The run of a program that is not Codex: bounded in time, memory and disk, and without leftovers."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from codex_app_server._cli import command
from codex_app_server._cli.command import KEPT_BYTES, MOST_BYTES
from tests.cli.terminal import Terminal, until_gone, until_written
from tests.processes import kill

SLEEP = "[sys.executable, '-SEc', 'import time; time.sleep(1000)']"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_program_that_floods_is_stopped_and_its_output_kept_in_part(
    stream: str, terminal: Terminal
) -> None:
    # It could write for a minute.
    path = terminal.program("codex", f"while True: sys.{stream}.buffer.write((b'a' * 99 + b'\\n') * 1000)")
    done = command.run([path], 60)
    assert (done.exit_code, done.stopped) == (None, "wrote more than 1 MiB")
    kept = getattr(done, stream)
    assert KEPT_BYTES < len(kept) < 3 * KEPT_BYTES
    first, *_, last_but_one, _ = kept.splitlines()
    assert first == last_but_one == "a" * 99
    assert sum(line.startswith("… ") for line in kept.splitlines()) == 1


def test_as_much_as_the_bound_is_no_flood(terminal: Terminal) -> None:
    path = terminal.program("codex", f"sys.stdout.buffer.write(b'a' * {MOST_BYTES - 1} + b'\\n')")
    done = command.run([path], 60)
    assert (done.exit_code, done.stopped) == (0, None)
    assert done.stdout == f"… {MOST_BYTES} bytes …"


def test_a_long_output_is_cut_between_lines(terminal: Terminal) -> None:
    lines = [f"{number:05d} sk-SECRET" for number in range(20_000)]
    text = "".join(f"{line}\n" for line in lines)
    path = terminal.program("codex", f"sys.stdout.buffer.write({text!r}.encode())")
    kept = command.run([path], 60).stdout.splitlines()
    gap = next(number for number, line in enumerate(kept) if line.startswith("… "))
    assert kept[:gap] == lines[:gap]
    assert kept[gap + 1 :] == lines[gap + 1 - len(kept) :]
    assert all(len(part) > KEPT_BYTES // 17 for part in (kept[:gap], kept[gap:]))


@pytest.mark.parametrize("code", [0, 3])
def test_a_child_in_the_background_is_ended_when_the_program_has_ended(
    code: int, terminal: Terminal, tmp_path: Path
) -> None:
    log = tmp_path / "pid"
    path = terminal.program(
        "codex",
        f"child = subprocess.Popen({SLEEP})\n"
        f"open({str(log)!r}, 'w').write(f'{{child.pid}}\\n')\n"
        f"print('codex-cli 0.163.0'); sys.exit({code})",
    )
    done = command.run([path], 60)
    assert (done.exit_code, done.stopped, done.stdout) == (code, None, "codex-cli 0.163.0")
    until_gone(until_written(log)[0])


def test_a_child_with_a_session_of_its_own_that_holds_the_output_is_not_waited_for(
    terminal: Terminal, tmp_path: Path
) -> None:
    log = tmp_path / "pid"
    path = terminal.program(
        "codex",
        f"child = subprocess.Popen({SLEEP}, start_new_session=True)\n"
        f"open({str(log)!r}, 'w').write(f'{{child.pid}}\\n')\n"
        "print('codex-cli 0.163.0')",
    )
    before = set(threading.enumerate())
    done = command.run([path], 60)
    (pid,) = until_written(log)
    readers = set(threading.enumerate()) - before
    kill(pid)
    assert (done.exit_code, done.stdout) == (0, "codex-cli 0.163.0")
    # They wait for the end of the pipes, which is now.
    for reader in readers:
        reader.join(10)
        assert not reader.is_alive()
