"""A command of the package that is killed: nothing that it has started stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import HANG, Terminal, until_all_gone, until_written


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.mark.parametrize(
    ("command", "first"),
    [
        ("doctor", ""),
        ("doctor", "if '--version' in sys.argv: print('codex-cli 0.163.0'); sys.exit(0)"),
        ("logout", ""),
    ],
    ids=["in --version", "in the start", "logout"],
)
def test_a_command_that_is_killed_takes_along_what_it_has_started(
    command: str, first: str, terminal: Terminal, tmp_path: Path
) -> None:
    log = tmp_path / "pids"
    path = terminal.program("codex", f"{first}{HANG.format(log=str(log))}")
    with terminal.start(command, "--codex-bin", path) as child:
        pids = until_written(log, 2)
        child.kill()
    until_all_gone(pids)
