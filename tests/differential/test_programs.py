"""The programs of the migration guide run on both packages and print the same.

Each is written for this package and becomes one for the official package by its imports alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from codex_app_server.testing import (
    Answer,
    FunctionCall,
    Message,
    ModelRequest,
    OfflineModel,
    Reasoning,
    ResponseFailure,
    Stall,
)

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "migration"
GUIDE = FOLDER.with_suffix(".md")
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py"))
LIMIT_S = 25

PRINTED = {
    "first_turn": """\
True
completed A function that can pause.
['userMessage', 'agentMessage']
And in five words?
""",
    "many_turns": """\
One fact about Lisbon.
One fact about Tartu.
One fact about Ghent.
""",
    "streaming": """\
[userMessage]
[reasoning]
Halcyon, Periwinkle and Second Breakfast.[agentMessage]
turn/completed completed
""",
    "stored_threads": """\
boats
[1, 2]
True
1
Still here?
""",
    "errors": """\
no such runtime
-32600 no rollout found for thread id 0199a5c0-1111-7000-8000-000000000001
failed: As you wish.
True
closed
""",
    "low_level": """\
asked: item/commandExecution/requestApproval
completed
Say |it |in |pieces.|
['userMessage', 'agentMessage', 'userMessage', 'agentMessage']
heard of the thread
""",
    "login": """\
None
apiKey
None
""",
    "inputs": """\
Dark red.
Then the boat stays in the harbour.
Periwinkle
""",
    "steering": """\
steered
completed
interrupted
""",
}
TOLD = {
    "In one sentence: what is a coroutine?": Answer("A function that can pause."),
    "Suggest three names for a small boat.": Answer(
        Reasoning("Small and cheerful."), "Halcyon, Periwinkle and Second Breakfast."
    ),
    "Fail, please.": Answer(ResponseFailure("invalid_prompt", "As you wish.")),
    "What colour?": Answer("Dark red."),
    "Invent a boat.": Answer('{"name": "Periwinkle"}'),
    "Count very slowly.": Answer(Message(["one", " two"]), Stall()),
    "That is enough.": Answer("Goodbye."),
    "Never stop.": Answer("On and on.", Stall()),
}


def respond(request: ModelRequest) -> Answer | str | None:
    """What the model says to the programs; to the rest an echo."""
    if request.prompt == "Leave the sandbox.":
        if request.tool_outputs:
            return "It may not be left."
        wish = {"cmd": "true", "sandbox_permissions": "require_escalated", "justification": "To be sure."}
        return Answer(FunctionCall("exec_command", wish))
    if "Gale warning." in str(request.input[-1]):
        return "Then the boat stays in the harbour."
    return TOLD.get(request.prompt)


def printed(name: str, package: str, folder: Path) -> str:
    """What a program prints, run on a package."""
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    program = folder / f"{name}.py"
    program.write_text(re.sub(r"\bcodex_app_server\b", package, text), encoding="utf-8")
    # The official client leaves its pipes open when it is closed, which is a warning.
    strict = ["-W", "error"] if package == "codex_app_server" else []
    with OfflineModel(respond) as model:
        done = subprocess.run(
            [sys.executable, *strict, str(program)],
            cwd=model.workspace,
            env={**os.environ, **model.env},
            capture_output=True,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("package", ["codex_app_server", "openai_codex"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs_on_both_packages(name: str, package: str, tmp_path: Path) -> None:
    assert printed(name, package, tmp_path) == PRINTED[name]


def test_every_program_has_its_line_in_the_guide() -> None:
    listed = re.findall(r"\(migration/(\w+)\.py\)", GUIDE.read_text(encoding="utf-8"))
    assert sorted(listed) == PROGRAMS == sorted(PRINTED)
