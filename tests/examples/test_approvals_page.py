"""The example in which a person approves on a page that keeps everybody else out."""

from __future__ import annotations

import html
import importlib
import queue
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest

from codex_app_server._serving import workers
from codex_app_server.testing import Answer, FunctionCall, ModelRequest, OfflineModel
from examples.offline import _finish, respond
from tests.api._sync.concurrency import Background
from tests.examples.page import CARD, Page
from tests.leaks import Footprint
from tests.wishes import once

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A handler's thread is kept for the next request: here for a moment only.
    monkeypatch.setattr(workers, "_IDLE_S", 0.01)
    before = Footprint.settled()
    yield
    Footprint.take().assert_no_more_than(before)


@contextmanager
def visited(kind: str, script: Callable[[ModelRequest], str | Answer | None] = respond) -> Iterator[Any]:
    """The example at work: its page, what it prints, and the model."""
    said: queue.Queue[Any] = queue.Queue()
    over = threading.Event()
    with OfflineModel(script) as model:

        def work() -> None:
            try:
                _finish(
                    importlib.import_module(f"examples.approvals_web.{kind}").main(model.config(), said.put)
                )
            finally:
                over.set()

        running = Background(work)
        page = Page(said.get(timeout=20).removeprefix("Open "))
        with page.client:
            try:
                yield page, said, model
            finally:
                # Whatever the test has left open is declined, so that the program ends.
                with suppress(httpx.TransportError):
                    page.client.get(page.link)
                    while not over.is_set():
                        for card in CARD.findall(page.client.get("/").text):
                            page.answer(card, "decline")
                running.result()


@KINDS
def test_a_visitor_answers_on_the_page(kind: str) -> None:
    with visited(kind) as (page, said, model):
        page.enter()
        (change,) = page.cards()
        name = html.escape(repr(str(model.workspace / "log.txt")))
        assert f"add {name}\n  +High tide at noon.</pre>" in change
        assert page.answer(change, "accept").headers["location"] == "/"
        card = next_card(page, change)
        assert "echo Ding" in card
        assert f"in {model.workspace}" in card
        assert "The agent says: The bell hangs outside." in card
        assert page.answer(card, "accept_for_session").status_code == 303
        last = next_card(page, card)
        assert "rm log.txt" in last
        assert page.answer(last, "decline").status_code == 303
        assert said.get(timeout=20) == "That was all."
        outputs = model.requests[-1].tool_outputs
        assert ["Ding" in output for output in outputs] == [False, True, True, False]
        assert (model.workspace / "log.txt").exists()


def next_card(page: Page, before: str) -> str:
    while True:
        (card,) = page.cards()
        if card != before:
            return card


@KINDS
def test_the_page_is_for_its_visitor_alone(kind: str) -> None:
    with visited(kind) as (page, _, model):
        stranger = httpx.Client(base_url=page.origin, trust_env=False)
        with stranger:
            # Without the link.
            assert stranger.get("/").status_code == 403
            assert stranger.get("/enter/").status_code in (403, 404)
            assert stranger.get("/enter/None").status_code == 403
            assert stranger.get(page.link[:-1]).status_code == 403
            assert stranger.get(page.link, headers={"Host": "harbour.example"}).status_code == 403
            assert stranger.head(page.link).status_code == 403
            page.enter()
            # With the link, for the second time.
            assert stranger.get(page.link).status_code == 403
            assert "set-cookie" not in stranger.get(page.link).headers
            (card,) = page.cards()
            for headers in ({}, {"Cookie": "approvals="}, {"Cookie": "approvals=None"}):
                assert stranger.get("/", headers=headers).status_code == 403
            # With the tokens of the page, but not its cookie.
            form = dict(re.findall(r'name="(request|form)" value="([^"]+)"', card))
            answer = stranger.post(
                "/answer", data={**form, "answer": "accept"}, headers={"Origin": page.origin}
            )
            assert answer.status_code == 403
        # With the cookie, but from another place, or without what only the page knows.
        assert page.answer(card, "accept", {"Origin": "https://evil.example"}).status_code == 403
        assert page.answer(card, "accept", {"Origin": "null"}).status_code == 403
        assert page.answer(card, "accept", {"Host": "harbour.example"}).status_code == 403
        assert page.client.get("/", headers={"Host": "harbour.example"}).status_code == 403
        assert page.answer(card, "accept", form="").status_code == 403
        assert page.answer(card, "accept", form="guessed").status_code == 403
        assert page.client.get("/answer").status_code == 405
        # Nobody has answered yet.
        assert page.cards() == [card]
        assert not (model.workspace / "log.txt").exists()


@KINDS
def test_the_cookie_and_the_page_are_guarded(kind: str) -> None:
    with visited(kind) as (page, _, _model):
        answer = page.client.get(page.link)
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        shown = page.client.get("/")
        assert "default-src 'none'" in shown.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
        assert shown.headers["cache-control"] == "no-store"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in shown.text


@KINDS
def test_an_answer_that_makes_no_sense_changes_nothing(kind: str) -> None:
    with visited(kind) as (page, _, _model):
        page.enter()
        (card,) = page.cards()
        for answer in ("refuse", "defer", "__class__", "cancel"):
            assert page.answer(card, answer).status_code == 400
        assert page.answer(card, "accept", request="guessed").status_code == 404
        assert page.answer(card, "accept", request="").status_code == 404
        assert page.answer(card, "accept", more="x" * 5000).status_code == 413
        assert page.cards() == [card]
        assert page.answer(card, "accept").status_code == 303
        # A second click.
        again = page.answer(card, "decline")
        assert again.status_code in (404, 409)
        assert "any more" in again.text or "answered" in again.text


@KINDS
def test_what_the_agent_writes_is_text_and_nothing_else(kind: str) -> None:
    nasty = "echo '<script>alert(1)</script>' \"><img src=x onerror=alert(2)> \u202e"
    wish = {
        "cmd": nasty,
        "sandbox_permissions": "require_escalated",
        "justification": "<b>Trust me</b> &amp;",
    }
    with visited(kind, once(FunctionCall("exec_command", wish))) as (page, _, _model):
        page.enter()
        (card,) = page.cards()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in card
        assert "&lt;b&gt;Trust me&lt;/b&gt; &amp;amp;" in card
        assert r"\u202e" in card
        assert not re.search(r"<(script|img|b)\b", card)
        assert "\u202e" not in card
