"""The examples in which a person approves: in a terminal, and what is shown there and on a page."""

from __future__ import annotations

import html
import importlib
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import Codex
from codex_app_server._serving import workers
from codex_app_server.testing import OfflineModel
from examples.approvals.terminal import on_request
from examples.approvals.wish import APPROVALS
from examples.approvals_web.site import Site
from examples.offline import _finish, respond, run
from tests.api._sync.concurrency import Background
from tests.asked import (
    AT,
    CASES,
    CHANGE_METHOD,
    COMMAND,
    COMMAND_METHOD,
    PERMISSIONS,
    PERMISSIONS_METHOD,
    ask,
    config,
    over,
    said,
)
from tests.examples.page import Page
from tests.leaks import Footprint
from tests.peer import ScriptedPeer, event
from tests.wishes import command, once

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])

ASKED = """
The agent wants to change files:
  | add '{here}/log.txt'
  |   +High tide at noon.
[y]es, [a]lways, [n]o? 
The agent wants to run a command:
  | /bin/bash -lc 'echo Ding'
in {here}
The agent says: The bell hangs outside.
[y]es, [a]lways, [n]o? 
The agent wants to run a command:
  | /bin/bash -lc 'rm log.txt'
in {here}
The agent says: To leave no trace.
[y]es, [a]lways, [n]o? That was all.
"""  # noqa: W291 - a prompt ends in a space


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A handler's thread is kept for the next request: here for a moment only.
    monkeypatch.setattr(workers, "_IDLE_S", 0.01)
    before = Footprint.settled()
    yield
    Footprint.take().assert_no_more_than(before)


def program(kind: str) -> Callable[..., Any]:
    main: Callable[..., Any] = importlib.import_module(f"examples.approvals.{kind}").main
    return main


# --- in a terminal


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Somebody's keyboard, who types all at once and leaves."""
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8") as stdin, open(writing, "w", encoding="utf-8") as keyboard:
        monkeypatch.setattr("sys.stdin", stdin)

        def type_it(text: str) -> None:
            keyboard.write(text)
            keyboard.close()

        yield type_it


@KINDS
def test_a_person_answers_in_the_terminal(
    kind: str, typed: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    typed("y\na\nn\n")
    with OfflineModel(respond) as model:
        _finish(program(kind)(model.config()))
        printed, complaints = capfd.readouterr()
        assert complaints == ""
        assert printed == ASKED.format(here=model.workspace)
        # The bell is asked for once: "always" covers the second time.
        outputs = model.requests[-1].tool_outputs
        assert ["Ding" in output for output in outputs] == [False, True, True, False]
        assert "rejected" in outputs[3]
        assert (model.workspace / "log.txt").read_text(encoding="utf-8") == "High tide at noon.\n"


@KINDS
def test_in_a_terminal_without_anybody_nothing_is_allowed(
    kind: str, typed: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    typed("")
    run("approvals", kind)
    printed, complaints = capfd.readouterr()
    assert complaints == ""
    assert printed.count("[y]es") == 4
    assert printed.endswith("That was all.\n")


@KINDS
def test_a_command_cannot_write_over_the_terminal(
    kind: str, typed: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    typed("n\n")
    with OfflineModel(once(command("echo '\x1b[2Ka\rb\u202ec' &&\nrm x"))) as model:
        _finish(program(kind)(model.config()))
    printed, _ = capfd.readouterr()
    assert r"echo '\x1b[2Ka\rb\u202ec' &&" in printed
    assert '\n  | rm x"\n' in printed
    assert not set("\x1b\r\u202e") & set(printed)


# A program whose turn asks; what it waits for is in the hands of the test.
PROGRAM = """
import sys
from codex_app_server import Codex, CodexConfig

config = CodexConfig(launch_args_override=tuple(sys.argv[1:]))
with Codex(config, on_request=on_request, max_concurrent_requests=1) as codex:
    turn = codex.thread_start().turn("Ring the bell.")
    print("begun", flush=True)
    if turn.run().status.value == "interrupted":
        print("too late", flush=True)
print("The end.")
"""
ROOT = Path(__file__).resolve().parents[2]


def handlers() -> Iterator[Any]:
    """The handlers of the documents, each with its line."""
    for page in (ROOT / "README.md", ROOT / "docs/approvals.md"):
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(
            r"^```python\n((?:(?!```).)*?^def on_request\(.*?)^with ", text, re.M | re.S
        ):
            yield pytest.param(found[1], id=f"{page.name}:{text.count(chr(10), 0, found.start(1)) + 1}")


def with_name(name: str) -> str:
    """The one of them that has a function of this name."""
    (code,) = (each.values[0] for each in handlers() if f"def {name}(" in str(each.values[0]))
    return str(code)


# The example's, and what docs/approvals.md has in its place.
RECIPE = with_name("ask")
PROMPTS = pytest.mark.parametrize(
    "prompt", ["from examples.approvals.terminal import on_request\n", RECIPE], ids=["example", "recipe"]
)
ENDS = pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "pipe"])


class Person:
    """Somebody at a program that asks, by a terminal or by pipes."""

    def __init__(self, prompt: str, peer: ScriptedPeer, is_terminal: bool) -> None:
        self.output = ""
        if is_terminal:
            self._out, given = pty.openpty()
            self._in, ends = self._out, (given, given)
        else:
            reading, self._in = os.pipe()
            self._out, writing = os.pipe()
            ends = (reading, writing)
        # The one end stays open here, so that the terminal outlives the program.
        self._kept = ends
        self.modes = termios.tcgetattr(ends[0]) if is_terminal else None
        config(peer)
        self.program = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", prompt + PROGRAM, *peer.argv],
            cwd=ROOT,
            stdin=ends[0],
            stdout=ends[1],
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *error: object) -> None:
        with self.program:
            self.program.kill()
        for each in {self._in, self._out, *self._kept}:
            os.close(each)

    def sees(self, text: str) -> None:
        while text not in self.output:
            assert select.select([self._out], [], [], 20)[0], self.output
            self.output += os.read(self._out, 4096).decode()

    def types(self, text: str) -> None:
        os.write(self._in, text.encode())

    def sees_the_end(self) -> None:
        assert self.program.stderr
        complaints = self.program.stderr.read().decode()
        assert (self.program.wait(20), complaints) == (0, "")
        self.sees("The end.")
        if self.modes is not None:
            assert termios.tcgetattr(self._kept[0]) == self.modes


@PROMPTS
@ENDS
def test_a_prompt_takes_an_answer(prompt: str, is_terminal: bool) -> None:
    with ScriptedPeer() as peer, Person(prompt, peer, is_terminal) as person:
        person.sees("begun")
        ask(peer, 0)
        person.sees("o? ")
        person.types("y\n")
        assert peer.expect() == {"id": 0, **said("accept")}
        peer.send(over())
        person.sees_the_end()
    assert "not needed" not in person.output


@PROMPTS
@ENDS
def test_a_prompt_is_taken_down_when_its_turn_is_interrupted(prompt: str, is_terminal: bool) -> None:
    with ScriptedPeer() as peer, Person(prompt, peer, is_terminal) as person:
        person.sees("begun")
        ask(peer, 0)
        person.sees("o? ")
        person.types("y")  # and thinks again
        peer.send(over("interrupted"))
        # The program is over while the prompt is still to be taken down, or has just been.
        person.sees("too late")
        person.sees_the_end()
        peer.expect_end()


@PROMPTS
@ENDS
def test_a_prompt_for_one_question_is_none_for_the_next(prompt: str, is_terminal: bool) -> None:
    with ScriptedPeer() as peer, Person(prompt, peer, is_terminal) as person:
        person.sees("begun")
        ask(peer, 0, turnId="another")
        person.sees("o? ")
        peer.send(event("turn/completed", "t", "another", status="interrupted"))
        person.sees("(not needed any more)")
        ask(peer, 1)
        person.sees("push")
        peer.send(over("interrupted"))
        person.sees_the_end()


@PROMPTS
def test_what_was_typed_before_the_question_is_no_answer(prompt: str) -> None:
    with ScriptedPeer() as peer, Person(prompt, peer, is_terminal=True) as person:
        person.sees("begun")
        person.types("y\ny")
        ask(peer, 0)
        person.sees("o? ")
        person.types("n\n")
        assert peer.expect() == {"id": 0, **said("decline")}
        peer.send(over())
        person.sees_the_end()


# --- what the documents say


@pytest.mark.parametrize("code", list(handlers()))
def test_a_handler_of_the_documents_answers_whatever_is_asked(
    code: str, typed: Callable[[str], None]
) -> None:
    typed("")
    namespace: dict[str, Any] = {}
    exec(code, namespace)  # noqa: S102
    # One of each class; those with a deadline would keep their clocks beyond this test.
    asked = {
        kind: (method, params)
        for method, params, kind, *_ in CASES.values()
        if not hasattr(kind, "deadline_s")
    }
    with ScriptedPeer() as peer, Codex(config(peer), on_request=namespace["on_request"]):
        for number, (method, params) in enumerate(asked.values()):
            ask(peer, number, method, params)
            assert peer.expect()["id"] == number


def test_the_handler_of_the_documents_accepts_new_texts_and_nothing_else() -> None:
    namespace: dict[str, Any] = {}
    exec(with_name("is_new_text"), namespace)  # noqa: S102
    new: dict[str, Any] = {"path": "/w/a.txt", "kind": {"type": "add"}, "diff": "a\n"}
    moved = {"path": "/w/c.txt", "kind": {"type": "update", "move_path": "/evil.sh"}, "diff": ""}
    cases = [([new], "accept"), ([new, moved], "decline"), ([], "decline"), (None, "decline")]
    with ScriptedPeer() as peer, Codex(config(peer), on_request=namespace["on_request"]):
        for number, (changes, answer) in enumerate(cases):
            item = {"type": "fileChange", "id": f"{number}", "changes": changes, "status": "inProgress"}
            if changes is not None:
                peer.send(event("item/started", "t", "turn of t", item=item, startedAtMs=1))
            ask(peer, number, CHANGE_METHOD, AT, itemId=f"{number}")
            assert peer.expect() == {"id": number, **said(answer)}


# --- what is shown

HOST = {"host": "evil.example", "protocol": "https"}
MORE = {"fileSystem": {"write": ["/etc"]}, "network": {"enabled": True}, "brand": "new"}
NOT_SHOWN: tuple[str, ...] = ("cannot show it",)

# What is asked, what a person must see of it, and which answers there may be.
SHOWN: dict[str, tuple[str, dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "a host": (
        COMMAND_METHOD,
        {**COMMAND, "command": None, "cwd": None, "networkApprovalContext": HOST},
        ("reach a host", "https: evil.example"),
        ("accept", "accept_for_session", "decline"),
    ),
    "a host for a command": (
        COMMAND_METHOD,
        {**COMMAND, "networkApprovalContext": HOST},
        ("https: evil.example", "for the command: /bin/bash -lc", "git push"),
        ("accept", "accept_for_session", "decline"),
    ),
    "a command with more permissions": (
        COMMAND_METHOD,
        {**COMMAND, "additionalPermissions": MORE},
        ("git push", "/etc", "write", "network", "enabled", "brand"),
        ("accept", "accept_for_session", "decline"),
    ),
    "input for a terminal": (
        COMMAND_METHOD,
        {**COMMAND, "kind": "writeStdin", "command": "write_stdin --session-id 1 'rm -rf /\n'"},
        ("type into a terminal", "rm -rf /"),
        ("accept", "decline"),
    ),
    "a command of a kind that is not known": (
        *(COMMAND_METHOD, {**COMMAND, "kind": "fly\u202e"}, (r"fly\u202e", *NOT_SHOWN), ("decline",)),
    ),
    "a command without a command": (
        *(COMMAND_METHOD, {**COMMAND, "command": None}, NOT_SHOWN, ("decline",)),
    ),
    "changes that are not known": (
        *(CHANGE_METHOD, {**AT, "grantRoot": "/w"}, (*NOT_SHOWN, "below /w"), ("decline",)),
    ),
    "permissions": (
        *(PERMISSIONS_METHOD, PERMISSIONS, ("/r", "/a", "/b", "network", "in /w"), ("grant", "decline")),
    ),
    "no permissions": (*(PERMISSIONS_METHOD, {**PERMISSIONS, "permissions": {}}, NOT_SHOWN, ("decline",)),),
    "permissions of a kind that is not known": (
        PERMISSIONS_METHOD,
        {**PERMISSIONS, "permissions": {"moon": {"walk": True}}},
        ("moon", "walk"),
        ("grant", "decline"),
    ),
}
CHANGES = [
    {"path": "/w/a\u202etxt", "kind": {"type": "update", "move_path": "/w/b"}, "diff": "@@\n-x\n+y\n"},
    {"path": "/w/c", "kind": {"type": "add"}, "diff": "<b>\n"},
]


@contextmanager
def asking() -> Iterator[tuple[ScriptedPeer, Codex]]:
    with (
        ScriptedPeer() as peer,
        Codex(config(peer)) as codex,
        codex.requests(*APPROVALS),
    ):
        yield peer, codex


def asked(peer: ScriptedPeer, codex: Codex, method: str, params: dict[str, Any]) -> Any:
    ask(peer, 0, method, params)
    while not codex.pending_requests():
        time.sleep(0.001)
    return codex.pending_requests()[0]


@contextmanager
def site_of(codex: Codex) -> Iterator[Page]:
    site = Site(codex)
    serving = Background(site.run)
    page = Page(site.link)
    try:
        with page.client:
            page.enter()
            yield page
    finally:
        site.server.should_exit = True
        serving.result()


def buttons(card: str) -> tuple[str, ...]:
    return tuple(re.findall(r'name="answer" value="(\w+)"', card))


@pytest.mark.parametrize(("method", "params", "texts", "answers"), SHOWN.values(), ids=SHOWN)
def test_a_person_sees_what_there_is_to_approve(
    method: str,
    params: dict[str, Any],
    texts: tuple[str, ...],
    answers: tuple[str, ...],
    typed: Callable[[str], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    with asking() as (peer, codex), site_of(codex) as page:
        request = asked(peer, codex, method, params)
        (card,) = page.cards()
        assert [text for text in texts if text not in html.unescape(card)] == []
        assert buttons(card) == answers
        # Nor is there a way around the buttons.
        for answer in {"accept", "accept_for_session", "grant"} - set(answers):
            assert page.answer(card, answer).status_code == 400
        typed("always\n" if "accept_for_session" in answers else "yes\n")
        on_request(request)
        printed, _ = capfd.readouterr()
        assert [text for text in texts if text not in printed] == []
        assert ("[y]es" in printed, "[a]lways" in printed) == (len(answers) > 1, len(answers) > 2)
        given = peer.expect()["result"]
        if "grant" in answers:
            assert given == {"permissions": params["permissions"], "scope": "turn"}
        elif method == PERMISSIONS_METHOD:
            assert given == {"permissions": {}}
        else:
            words = {"accept": "accept", "accept_for_session": "acceptForSession", "decline": "decline"}
            decided = answers[-2] if len(answers) > 1 else "decline"
            assert given == {"decision": words[decided]}


@pytest.mark.parametrize("grant_root", [None, "/w"])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_change_of_files_is_shown_as_a_whole_or_not_approved(
    grant_root: str | None, is_known: bool
) -> None:
    changes = CHANGES if is_known else [*CHANGES, {"path": "/w/d", "kind": {"type": "melt"}, "diff": ""}]
    item = {"type": "fileChange", "id": "i", "changes": changes, "status": "inProgress"}
    with asking() as (peer, codex), site_of(codex) as page:
        peer.send(event("item/started", "t", "turn of t", item=item, startedAtMs=1))
        asked(peer, codex, CHANGE_METHOD, {**AT, "grantRoot": grant_root})
        (card,) = page.cards()
        assert (r"update &#x27;/w/a\u202etxt&#x27; -&gt; &#x27;/w/b&#x27;" in card) is is_known
        assert ("add &#x27;/w/c&#x27;\n  +&lt;b&gt;" in card) is is_known
        assert ("and from now on whatever is below /w" in card) is (grant_root is not None)
        assert buttons(card) == (("accept", "accept_for_session", "decline") if is_known else ("decline",))
