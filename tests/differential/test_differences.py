"""Where the two packages differ, asserted on both sides, each with its place in the migration guide.

A difference that is gone fails here, as does one that the guide does not explain.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.differential.probes import PROBES, UNANSWERED

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
LIMIT_S = 50

DENY = "Nothing is approved behind your back"
HANDLER = "A handler is no reader"
FAILED = "A failed turn has a type"
CANCEL = "Cancelling interrupts the turn"
DEADLINES = "Requests have deadlines"
OVERLOAD = "Overload is retried"
ROBUST = "What does not fit is no catastrophe"
KEPT = "Nothing that was sent is lost"
ENUMS = "Defaults are members"
EARLY = "Mistakes are refused before they are sent"
TYPED = "Errors have types and data"
NAMES = "A name is a command"
CLOSED = "A closed client stays closed"
STREAM = "A stream is an object"
FROM_START = "Interrupting works from the start"
TWICE = "Interrupting twice is interrupting once"
IDLE = "Idle turns cost nothing"

# By probe: the heading of the guide, what the official package does, what ours does.
DIFFERENCES: dict[str, tuple[str, Any, Any]] = {
    "approvals": (DENY, [{"decision": "accept"}] * 2, [{"decision": "decline"}] * 2),
    "failing_handlers": (HANDLER, ["LookupError"], []),
    "calling_handlers": (HANDLER, UNANSWERED, "accept"),
    "failed_turns": (
        FAILED,
        ["RuntimeError", "Too long.", False, False],
        ["TurnFailedError", "Too long.", True, True],
    ),
    "cancelled_runs": (CANCEL, "nothing", "turn/interrupt"),
    "silent_runtimes": (
        DEADLINES,
        UNANSWERED,
        ["RequestTimeoutError", "CodexError", "TimeoutError", "OSError"],
    ),
    "overload": (OVERLOAD, False, True),
    "overloaded_calls": (OVERLOAD, ["CodexRpcError", "JsonRpcError", "CodexError"], []),
    "broken_lines": (ROBUST, ["CodexError"], []),
    "unknown_statuses": (ROBUST, ["TransportClosedError", "CodexError"], []),
    "unknown_fields": (
        KEPT,
        [{"threadId": "t"}, True],
        [{"threadId": "t", "fromTomorrow": 1}, False],
    ),
    "unknown_items": (KEPT, 0, 1),
    "enum_defaults": (ENUMS, "str", "TurnItemsView"),
    "empty_prompts": (EARLY, [], ["InvalidInputError", "CodexError", "ValueError"]),
    "wrong_configs": (EARLY, [], ["InvalidInputTypeError", "CodexError", "TypeError"]),
    "wrong_options": (
        EARLY,
        ["ValidationError", "ValueError"],
        ["InvalidInputError", "CodexError", "ValueError"],
    ),
    "missing_binaries": (
        TYPED,
        ["FileNotFoundError", "OSError"],
        ["BinaryNotFoundError", "LaunchError", "CodexError", "FileNotFoundError", "OSError"],
    ),
    "command_names": (NAMES, ["FileNotFoundError", "OSError"], []),
    "early_metadata": (TYPED, ["RuntimeError"], ["NotStartedError", "CodexError", "RuntimeError"]),
    "old_runtimes": (TYPED, ["CodexError"], ["RuntimeTooOldError", "CodexError"]),
    "ended_runtimes": (TYPED, "unknown", 3),
    "pickled_errors": (TYPED, ["TypeError"], []),
    # It starts a second runtime, which the scripted one cannot play.
    "closed_clients": (CLOSED, UNANSWERED, ["ClientClosedError"]),
    "streams_that_close": (STREAM, None, "TurnStream"),
    "early_interrupts": (
        FROM_START,
        ["InvalidRequestError", "CodexRpcError", "JsonRpcError", "CodexError"],
        [],
    ),
    "double_interrupts": (TWICE, UNANSWERED, "answered"),
    "idle_streams": (IDLE, UNANSWERED, "answered"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    running = {}
    for package in ("openai_codex", "codex_app_server"):
        # What a probe leaves behind goes with this directory.
        env = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("p"))}
        command = [sys.executable, "-m", "tests.differential.probes", package]
        running[package] = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
        )
    try:
        outs = {package: child.communicate(timeout=LIMIT_S)[0] for package, child in running.items()}
    finally:
        for child in running.values():
            child.kill()
            child.communicate()
    return {package: dict(map(json.loads, out.splitlines())) for package, out in outs.items()}


@pytest.mark.parametrize("probe", DIFFERENCES)
def test_a_known_difference_is_as_the_guide_says(probe: str, found: dict[str, dict[str, Any]]) -> None:
    _, official, ours = DIFFERENCES[probe]
    assert found["openai_codex"][probe] == official
    assert found["codex_app_server"][probe] == ours
    assert official != ours


def test_every_difference_is_probed_and_explained() -> None:
    assert set(DIFFERENCES) == set(PROBES)
    headings = re.findall(r"^#+ (.+)$", GUIDE, re.M)
    assert {heading for heading, _, _ in DIFFERENCES.values()} <= set(headings)
