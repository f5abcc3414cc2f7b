# Made from _async/test_environment.py by `python scripts/make_sync.py`; do not edit.

"""What the runtime and the commands of its agent see of this program's environment."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from codex_app_server import ApprovalMode, Codex, Sandbox
from codex_app_server.testing import Answer, OfflineModel
from tests.wishes import shell

SHOW = Answer(shell("set" if sys.platform == "win32" else "env"))


def seen(model: OfflineModel, **fields: Any) -> list[str]:
    """The lines that a command of a turn prints: its environment."""
    model.reset([SHOW, "done"])
    with Codex(model.config(**fields)) as codex:
        thread = codex.thread_start(sandbox=Sandbox.full_access, approval_mode=ApprovalMode.deny_all)
        assert (thread.run("Show it.")).final_response == "done"
    return model.requests[1].tool_outputs[0].splitlines()


def test_a_turn_runs_a_command_with_the_minimum_alone(
    model: OfflineModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_SECRET", "x")
    monkeypatch.setenv("LC_TIME", "C")
    lines = seen(model, inherit_env=False, env={"MINE": "1"})
    assert not [line for line in lines if "OUR_SECRET" in line]
    assert {"MINE=1", "LC_TIME=C"} <= set(lines)
    assert [line for line in lines if line.startswith("PATH=")]


def test_everything_is_inherited_but_what_is_removed(
    model: OfflineModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_OWN", "x")
    monkeypatch.setenv("OUR_SECRET", "x")
    lines = seen(model, env={"OUR_SECRET": None})
    assert "OUR_OWN=x" in lines
    assert not [line for line in lines if "OUR_SECRET" in line]
