"""Scripts of the offline model for agents that want what needs somebody's yes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from codex_app_server import ApprovalMode, Sandbox
from codex_app_server.testing import Answer, CustomToolCall, FunctionCall, ModelRequest

# Options of a thread that asks its program.
ASKING: dict[str, Any] = {"approval_mode": ApprovalMode.ask, "sandbox": Sandbox.read_only}

# Of the shells that the runtime knows on Windows, the one that writes files as it prints, and that Wine has.
_SHELL = {"shell": "cmd"} if sys.platform == "win32" else {}


def shell(line: str, **more: Any) -> FunctionCall:
    """A command line that the agent runs."""
    return FunctionCall("exec_command", {"cmd": line, **_SHELL, **more})


def command(line: str, **more: Any) -> FunctionCall:
    """A command line that the agent wants to run outside of its sandbox."""
    return shell(line, sandbox_permissions="require_escalated", justification="Because.", **more)


def patch(path: Path, text: str = "hello") -> CustomToolCall:
    return CustomToolCall("apply_patch", f"*** Begin Patch\n*** Add File: {path}\n+{text}\n*** End Patch\n")


def program(call: str, *, yields_after_ms: int | None = None) -> CustomToolCall:
    """A program of the model's that calls a tool, and shows what it gives back."""
    options = "" if yields_after_ms is None else f'// @exec: {{"yield_time_ms": {yields_after_ms}}}\n'
    return CustomToolCall("exec", f"{options}text(await tools.{call})")


def once(*calls: Any) -> Callable[[ModelRequest], str | Answer]:
    """A script: every turn makes these calls together, and then says what came of them."""
    return lambda request: request.tool_outputs[-1] if request.tool_outputs else Answer(*calls)


def agents(depth: int, *, waits: bool = True) -> Callable[[ModelRequest], str | Answer]:
    """A script: agents that start each other, `depth` deep, each of which runs a command of its own."""

    def spawn(task: str) -> Answer:
        wish = {"message": task, "task_name": task.lower(), "fork_turns": "none"}
        return Answer(FunctionCall("spawn_agent", wish, namespace="collaboration"))

    wait = Answer(FunctionCall("wait_agent", {"timeout_ms": 20_000}, namespace="collaboration"))

    def script(request: ModelRequest) -> str | Answer:
        told = re.findall(r"Depth(\d)", json.dumps(request.input))
        # The first is the agent's own task, and the next one that of an agent which it has started.
        at = int(told[0]) if request.kind == "collab_spawn" else 0
        steps: list[str | Answer] = [spawn(f"Depth{at + 1}")] if at < depth else []
        if at:
            steps.append(Answer(command(f"echo {at}")))
        if at < depth and waits:
            steps.append(wait)
        steps.append(f"Done at {at}.")
        return steps[min(len(request.tool_outputs), len(steps) - 1)]

    return script
