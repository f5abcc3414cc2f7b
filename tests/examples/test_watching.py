"""docs/watching.md: its code shows what it is about on the real runtime, and type checkers accept it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_app_server import Codex, types
from codex_app_server.generated.notifications import payload_model
from codex_app_server.testing import (
    Answer,
    CustomToolCall,
    Disconnect,
    FunctionCall,
    HttpFailure,
    ModelRequest,
    OfflineModel,
    RateLimit,
    RateLimits,
    Reasoning,
    Usage,
)

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/watching.md").read_text(encoding="utf-8")
# By the heading above it.
CODE: dict[str, str] = dict(
    re.findall(r"^## ([^\n]*)\n(?:(?!^## ).)*?^```python\n(.*?)^```$", PAGE, re.M | re.S)
)

_PLAN = {"plan": [{"step": "Pack", "status": "completed"}, {"step": "Sail", "status": "in_progress"}]}
_PATCH = "*** Begin Patch\n*** Add File: log.txt\n+High tide at noon.\n*** End Patch\n"
_LIMITS = RateLimits(primary=RateLimit(42, window_duration_mins=300))
SCRIPT: dict[str, list[Answer]] = {
    "Plan the journey, then answer.": [Answer(FunctionCall("update_plan", _PLAN)), Answer("Off we go.")],
    "Write the tides into log.txt.": [Answer(CustomToolCall("apply_patch", _PATCH)), Answer("Written.")],
    "Ring the bell twice.": [
        Answer(FunctionCall("exec_command", {"cmd": "sleep 0.4; echo ding; sleep 0.2; echo dong >&2"})),
        Answer("Rung."),
    ],
    "Which boat is faster?": [
        Answer(Reasoning("Halcyon is lighter."), "Halcyon.", usage=Usage(100, 20), rate_limits=_LIMITS)
    ],
}
# What each piece prints; "…" stands for anything.
PRINTED = {
    "The plan": "completed Pack\ninProgress Sail\n",
    "The diff": "diff --git …/log.txt\n…@@ -0,0 +1 @@\n+High tide at noon.\n\n",
    "The output of commands": "call_1_1: ding\ncall_1_1: dong\nding\ndong\n 0\n",
    "Reasoning": "\nHalcyon is lighter.",
    "Usage": "120 tokens so far, 120 in the last answer\n",
    "Rate limits": "42 % of 300 minutes\n",
    "Retries and errors": "once more: Reconnecting... 1/1 stream disconnected before …\nfailed: …\n",
    "And the result": "Halcyon.completed 3 items\n",
    "From beside": "thread/tokenUsage/updated\naccount/rateLimits/updated\nturn/completed\nHalcyon.\n",
}


def respond(request: ModelRequest) -> Answer:
    """The script's answer; one turn breaks off and then fails for good."""
    if request.prompt == "Which boat is safer?":
        again = request.input[-1].get("role") == "assistant"
        return Answer(HttpFailure(429)) if again else Answer("The ", Disconnect())
    return SCRIPT[request.prompt][len(request.tool_outputs)]


@pytest.fixture(scope="module")
def model() -> Iterator[OfflineModel]:
    with OfflineModel(respond) as model:
        yield model


@pytest.fixture(scope="module")
def codex(model: OfflineModel) -> Iterator[Codex]:
    with Codex(model.config(config_overrides=("model_providers.offline.stream_max_retries=1",))) as codex:
        yield codex


def test_every_section_with_code_is_tried() -> None:
    assert list(CODE) == list(PRINTED)
    assert PAGE.count("```python\n") == len(CODE)


@pytest.mark.parametrize("heading", PRINTED)
def test_the_code_shows_what_it_is_about(
    heading: str,
    model: OfflineModel,
    codex: Codex,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    model.reset(respond)
    namespace = {"__name__": "document", "codex": codex, "thread": codex.thread_start()}
    exec(compile(CODE[heading], "docs/watching.md", "exec"), namespace)  # noqa: S102
    printed = capsys.readouterr().out
    assert re.fullmatch(re.escape(PRINTED[heading]).replace("…", ".*"), printed, re.S), printed
    caplog.clear()


@pytest.mark.timeout(120)  # without a cache the whole package is read
@pytest.mark.parametrize("checker", [["mypy", "--strict"], ["basedpyright"]], ids=["mypy", "basedpyright"])
def test_a_type_checker_accepts_the_code(checker: list[str], tmp_path: Path) -> None:
    functions = [
        f"def code_{number}(codex: Codex, thread: Thread) -> None:\n{textwrap.indent(code, '    ')}"
        for number, code in enumerate(CODE.values())
    ]
    program = tmp_path / "watching.py"
    program.write_text(
        "\n".join(["from codex_app_server import Codex, Thread\n", *functions]), encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", *checker, str(program)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def rows() -> list[tuple[str, str, str]]:
    """Of each row of the table: the method, the class, the cell with the fields."""
    return re.findall(r"^\| [^|]*\| `([\w/]+)` \| `(\w+)` \| ([^|]*) \|", PAGE, re.M)


def test_the_table_names_the_class_of_each_method_and_fields_that_it_has() -> None:
    assert len(rows()) == 9
    for method, name, fields in rows():
        assert payload_model(method) is getattr(types, name), (method, name)
        known = getattr(types, name).model_fields
        for path in re.findall(r"`(\w+)[\w.]*`", fields.split(":")[0]):
            assert path in known, (name, path)


def test_every_class_of_the_page_is_a_public_name_of_types() -> None:
    named = set(re.findall(r"\b[A-Z]\w+(?:Notification|Status)\b", PAGE)) - {"UnknownNotification"}
    assert named <= set(types.__all__)
    imported = {
        name.name
        for code in CODE.values()
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module == "codex_app_server.types"
        for name in node.names
    }
    assert imported <= set(types.__all__)
