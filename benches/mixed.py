"""What a turn of many kinds of events is made of: reasoning, a command and its output, diffs, a message.

Shapes are those of recorded traffic. Used by `lines`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import replay

if TYPE_CHECKING:
    from .plan import Plan

DIFF_BYTES = 100_000
# Of each kind, for each time that the contents come.
REASONING, OUTPUT, MESSAGE = 20, 40, 60
_CODE = "@@ -{0},2 +{0},2 @@\n-    return first + second  # \u00fcber\n+    return first - second\n"
_OUTPUT = "tests/test_reader.py::test_number_{} PASSED\n"


def diff(size: int) -> str:
    """A unified diff of about `size` bytes."""
    hunks = (_CODE.format(number) for number in range(size // 60))
    return "diff --git a/reader.py b/reader.py\n" + "".join(hunks)[:size]


def command(output: str | None) -> dict[str, Any]:
    return {
        "type": "commandExecution",
        "id": "call_1",
        "command": "/bin/bash -lc 'python -m pytest -q'",
        "cwd": replay.CWD,
        "processId": "4242",
        "source": "unifiedExecStartup",
        "status": "inProgress" if output is None else "completed",
        "commandActions": [{"type": "unknown", "command": "python -m pytest -q"}],
        "aggregatedOutput": output,
        "exitCode": None if output is None else 0,
        "durationMs": None if output is None else 1234,
    }


def events(plan: Plan, number: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything between the start and the end of a turn."""
    at = replay.NOW * 1000
    for again in range(plan.deltas):
        item = f"rs_{again}"
        reasoning = {"type": "reasoning", "id": item, "summary": [], "content": []}
        yield "item/started", {"item": reasoning, "startedAtMs": at}
        for word in range(REASONING):
            text = f"thought {word} of {again}, "
            summary = {"itemId": item, "delta": text, "summaryIndex": 0}
            yield "item/reasoning/summaryTextDelta", summary
            yield "item/reasoning/textDelta", {"itemId": item, "delta": text, "contentIndex": 0}
        yield "item/completed", {"item": {**reasoning, "summary": ["Thoughts."]}, "completedAtMs": at}
        yield "item/started", {"item": command(None), "startedAtMs": at}
        lines = [_OUTPUT.format(f"{again}_{word}") for word in range(OUTPUT)]
        for text in lines:
            yield "item/commandExecution/outputDelta", {"itemId": "call_1", "delta": text}
        huge = "x\n" * (plan.huge // 3) if number == again == 0 else ""
        yield "item/completed", {"item": command("".join(lines) + huge), "completedAtMs": at}
        if again % 10 == 0:
            yield "turn/diff/updated", {"diff": diff(DIFF_BYTES)}
        yield "item/started", {"item": replay.message(""), "startedAtMs": at}
        for word in range(MESSAGE):
            yield "item/agentMessage/delta", {"itemId": "msg_1_1", "delta": f"word {word} \u2013 "}
        yield "item/completed", {"item": replay.message("All pass."), "completedAtMs": at}
        yield "thread/tokenUsage/updated", {"tokenUsage": replay.USAGE}
