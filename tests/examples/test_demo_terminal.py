"""The demonstration in a terminal: the wall, its colours, Ctrl-C half way."""

from __future__ import annotations

import os
import pty
import re
import select
import struct
import termios
from collections.abc import Mapping
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.examples.demonstration import COMMAND, ROOT, left_nothing_behind
from tests.leaks import Footprint
from tests.processes import descendants

COLOUR = re.compile(r"\x1b\[[\d;]*(?:3[0-8]|9[0-7]|4[0-8])[\d;]*m")


class Terminal:
    """A demonstration that runs in a terminal of 80 by 24."""

    def __init__(self, arguments: list[str], env: Mapping[str, str]) -> None:
        self.seen = ""
        self._bytes = b""
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execve(COMMAND[0], [*COMMAND, *arguments], {**os.environ, "TERM": "xterm-256color", **env})
        ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    @property
    def text(self) -> str:
        """What was seen, without its styles."""
        return re.sub(r"\x1b\[[\d;]*m", "", self.seen)

    def read_until(self, pattern: str) -> None:
        while not re.search(pattern, self.text):
            assert self._read(), f"ended before {pattern!r}: {self.seen[-2000:]!r}"

    def press(self, key: bytes) -> None:
        os.write(self._master, key)

    def exit_code(self) -> int:
        while self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self._master)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], 30)
        assert ready, f"silent: {self.seen[-2000:]!r}"
        try:
            self._bytes += os.read(self._master, 65536)
        except OSError:  # how Linux says that the other side is closed
            return False
        self.seen = self._bytes.decode("utf-8", "replace")
        return True


def test_in_a_terminal_there_is_a_wall_and_then_the_screen_is_given_back() -> None:
    with left_nothing_behind():
        terminal = Terminal(["--turns", "50", "--pace", "0.3"], {})
        code = terminal.exit_code()
    assert code == 0
    wall, rest = terminal.seen.split("\x1b[?1049l")
    assert "\x1b[?1049h" in wall
    assert "50 turns at once" in wall
    assert COLOUR.search(wall)
    assert "50 of 50 arrived word for word" in rest
    assert terminal.seen.rindex("\x1b[?25h") > terminal.seen.rindex("\x1b[?25l")  # the cursor is back


def test_no_color_is_respected() -> None:
    terminal = Terminal(["--turns", "3", "--pace", "0"], {"NO_COLOR": "1"})
    assert terminal.exit_code() == 0
    assert "3 of 3 completed" in terminal.text
    assert not COLOUR.search(terminal.seen)


@pytest.mark.parametrize("moment", ["no login", r"[1-9]\d* writing", "In one paragraph"])
def test_ctrl_c_ends_it_in_order_and_leaves_no_process(moment: str) -> None:
    with left_nothing_behind():
        terminal = Terminal(["--turns", "50", "--pace", "0.5"], {"NO_COLOR": "1"})
        terminal.read_until(moment)
        family = descendants(terminal.pid)
        terminal.press(b"\x03")
        code = terminal.exit_code()
        Footprint.wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))
    assert code == 130
    assert "Stopped; nothing is left running." in terminal.text
    assert "Traceback" not in terminal.text
    if "\x1b[?1049h" in terminal.seen:
        assert "\x1b[?1049l" in terminal.seen
