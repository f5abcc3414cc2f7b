"""Every example runs on the offline model, says what it should and leaves nothing behind."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.offline import names, run
from tests.leaks import Footprint

ROOT = Path(__file__).resolve().parents[2]

# What each prints, sync and async alike; "…" stands for a number.
PRINTED = {
    "quickstart": """\
A coroutine is a function that can pause, let others run, and go on where it stopped.
A function that can pause.
… tokens in … ms
""",
    "streaming": """\

[userMessage]

[reasoning]
Halcyon, Periwinkle and Second Breakfast.
[agentMessage]
[… tokens written]
[completed]
""",
    "many_turns": """\
Lisbon: One short fact about Lisbon.
Tartu: One short fact about Tartu.
Ghent: One short fact about Ghent.
Kyoto: One short fact about Kyoto.
Zadar: One short fact about Zadar.
Bergen: One short fact about Bergen.
Valparaíso: One short fact about Valparaíso.
Trieste: One short fact about Trieste.
""",
    "text_stream": """\
A gull stole a map. It could not read, but it liked the blue parts. \
It has been at sea ever since, and has never once been lost.
""",
    "steer_and_interrupt": """\
Goodbye!
interrupted
""",
    "goals": """\
Halcyon and Periwinkle so far.
Kingfisher is the last one.
complete
Second Breakfast Bay. reached
""",
    "inputs": """\
Both are dark red.
Then the boat stays in the harbour.
Periwinkle, 4.5 m
""",
    "tools_agent": """\
find_berths {'draught': …} completed
reserve {'berth': 'B2', 'nights': …} failed
reserve {'berth': 'B2', 'nights': …} completed
chart {} completed
B2 is yours, the red bar in the middle.
""",
    "mcp_servers": """\
tides tide {'place': 'Leeds'} completed
lights light {'name': 'Eddystone'} completed
High tide is at noon, and Eddystone flashes twice every … seconds.
""",
    "extraction": """\
chandler.txt   Quay Chandlers Ltd              2026-10-02   84.50 EUR
engine.txt     Diesel & Daughter               2026-09-21  227.40 EUR
harbour.txt    Harbour Master, Kingfisher Bay  2026-09-30  401.20 EUR
regatta.txt    no invoice: an autumn regatta on Saturday
sailmaker.txt  not read: Value error, the lines add up to 165.00, and the total is 175.00
""",
    "questions": """\
What kind of boat is she? ['A dinghy', 'A ketch']
A dinghy is best called Kingfisher.
""",
    "errors_and_retry": """\
BinaryNotFoundError: Codex binary not found at /nowhere/codex. Set CodexConfig.codex_bin to a valid binary \
path or to the name of a command on PATH, or leave it out for the packaged runtime.
InvalidInputError: The prompt is empty. Give some text, or an input such as ImageInput.
InvalidRequestError: JSON-RPC error -32600: no rollout found for thread id \
0199a213-81c0-7800-8aa1-bbab2a035a53 (no thread with a first message has this id, or it is ephemeral, \
archived or deleted; codex.threads() gives those that are stored, codex.threads(archived=True) the \
archived ones)
TurnFailedError: The model `no-such-model` does not exist.
Still here.
""",
    "commands": """\
stdout Low tide.
exit code 3
['Halcyon', 'Kingfisher', 'Periwinkle']
Ahoy Halcyon
""",
    "monitoring": """\
a turn is completed
a thread is called Lisbon
a turn is completed
a thread is called Tartu
a turn is completed
a thread is called Ghent
0 events lost
""",
    "watching": """\
thinking: Two steps will do.
plan: Write the tides [inProgress], Show the file [pending]
usage: … tokens
diff: lines added: …
usage: … tokens
plan: Write the tides [completed], Show the file [inProgress]
usage: … tokens
output: High tide at noon.
usage: … tokens
usage: … tokens
retry: Reconnecting... …/…
usage: … tokens
rate limit: … % used
answer: The log says when high tide is.
""",
    "resume_fork_list": """\
She is called Halcyon.
Kingfisher.
About boats: 2 turns
listed: Suggest a name for her dinghy.
listed: My boat is called Halcyon.
""",
}
OWN_TESTS = {
    "sync": {
        "test_asks_again_when_the_headline_is_too_long",
        "test_a_failing_model_leaves_the_article_untitled",
        "test_the_runtime_really_runs_the_tools_that_the_model_calls",
    },
    "async": {
        "test_each_language_gets_its_own_translation",
        "test_the_translations_are_asked_for_at_once",
    },
}


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("name", PRINTED)
def test_example_prints_what_the_model_was_told_to_say(
    name: str, kind: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    before = Footprint.settled()
    run(name, kind)
    if name == "watching":
        assert "the runtime tries again" in caplog.text
        caplog.clear()
    printed, complaints = capsys.readouterr()
    assert re.fullmatch(re.escape(PRINTED[name]).replace("…", r"\d+"), printed), printed
    assert complaints == ""
    Footprint.take().assert_no_more_than(before)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_example_of_testing_runs_its_own_tests(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = Footprint.settled()
    run("offline_testing", kind)
    assert set(capsys.readouterr().out.splitlines()) == {f"passed: {name}" for name in OWN_TESTS[kind]}
    Footprint.take().assert_no_more_than(before)


def test_every_example_is_tested_and_listed() -> None:
    assert set(names()) == {*PRINTED, "offline_testing", "approvals", "approvals_web"}  # see test_approvals
    listed = re.findall(r"^\| \[(\w+)\]", (ROOT / "examples/README.md").read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == sorted([*names(), "demo"])


def test_examples_run_from_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "examples.offline", "text_stream", "async"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == (PRINTED["text_stream"], "", 0)
