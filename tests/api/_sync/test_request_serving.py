# Made from _async/test_request_serving.py by `python scripts/make_sync.py`; do not edit.

"""Who is asked by the runtime, how many at once, and what is recorded. The peer plays the runtime."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from codex_app_server import (
    ApprovalMode,
    Codex,
    CodexConfig,
    InvalidInputError,
    InvalidInputTypeError,
    InvalidRequestError,
    NoRequestHandlerError,
    RequestNotFoundError,
)
from codex_app_server.client import CodexClient
from codex_app_server.requests import (
    CommandApproval,
    FileChangeApproval,
    ToolCall,
    dangerously_accept_all,
)
from tests.api._sync.asking import Deferring, reply, settle, silent
from tests.api._sync.concurrency import Background, Marks, expected
from tests.asked import (
    AT,
    CALL,
    CALL_METHOD,
    CASES,
    CHANGE_METHOD,
    ask,
    config,
    resolved,
    spawned,
    thread_event,
)
from tests.peer import INITIALIZED, ScriptedPeer, started

# --- how many at once


class Crowd:
    """A handler that counts how many are at work, and lets nobody go before it is told to."""

    def __init__(self) -> None:
        self.marks = Marks()
        self.at_work = 0
        self.most = 0
        self.begun: list[Any] = []
        self.only: str | None = None

    def __call__(self, request: Any) -> None:
        self.begun.append(request)
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        self.marks.reach(f"{len(self.begun)} begun")
        self.marks.wait("go on")
        self.at_work -= 1
        request.refuse()


def test_two_hundred_requests_at_once_are_answered_sixteen_at_a_time(peer: ScriptedPeer) -> None:
    crowd = Crowd()
    with Codex(config(peer), on_request=crowd) as codex:
        for number in range(200):
            ask(peer, number, itemId=str(number))
        crowd.marks.wait("16 begun")
        silent(peer, codex)
        assert len(codex.pending_requests()) >= 16
        assert sorted(int(request.item_id) for request in crowd.begun) == list(range(16))
        crowd.marks.reach("go on")
        answers = [reply(peer) for _ in range(200)]
        assert sorted(answer["id"] for answer in answers) == list(range(200))
        assert all(answer["result"] == {"decision": "decline"} for answer in answers)
        silent(peer, codex)
        assert codex.pending_requests() == []
    assert crowd.most <= 16


def test_at_a_limit_of_one_they_are_asked_in_the_order_of_the_wire(peer: ScriptedPeer) -> None:
    asked: list[str] = []

    def handler(request: Any) -> None:
        asked.append(request.item_id)
        request.accept()

    with Codex(config(peer), on_request=handler, max_concurrent_requests=1):
        for number in range(50):
            ask(peer, number, itemId=str(number))
        assert [(reply(peer))["id"] for _ in range(50)] == list(range(50))
    assert asked == [str(number) for number in range(50)]


def test_the_limit_is_one_conversations_and_calls_of_tools_count_by_themselves(
    peer: ScriptedPeer,
) -> None:
    crowd = Crowd()
    with Codex(config(peer), on_request=crowd, max_concurrent_requests=1) as codex:
        peer.send(spawned("t", "child"))
        ask(peer, 0)
        crowd.marks.wait("1 begun")
        ask(peer, 1, itemId="another")
        ask(peer, 2, itemId="the child's", threadId="child", turnId="turn of child")
        ask(peer, 3, CALL_METHOD, CALL)
        crowd.marks.wait("2 begun")
        ask(peer, 4, itemId="another thread's", threadId="other", turnId="turn of other")
        crowd.marks.wait("3 begun")
        ask(peer, 5, "currentTime/read", {"threadId": "t"})
        crowd.marks.wait("4 begun")
        silent(peer, codex)
        items = [request.item_id for request in crowd.begun]
        assert items == ["i", "c", "another thread's", None]
        crowd.marks.reach("go on")
        assert sorted([(reply(peer))["id"] for _ in range(6)]) == list(range(6))


@pytest.mark.parametrize(
    ("limit", "error"), [(0, InvalidInputError), ("4", InvalidInputTypeError), (True, InvalidInputTypeError)]
)
def test_a_limit_that_makes_no_sense_is_refused(limit: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="max_concurrent_requests"):
        Codex(max_concurrent_requests=limit)


def test_a_handler_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(InvalidInputTypeError, match="on_request"):
        Codex(on_request="yes")  # type: ignore[arg-type]


# --- who is asked


def test_without_anybody_it_is_refused_and_said(peer: ScriptedPeer, caplog: pytest.LogCaptureFixture) -> None:
    with Codex(config(peer)) as codex:
        ask(peer, 0)
        assert reply(peer) == {"id": 0, "result": {"decision": "decline"}}
        silent(peer, codex)
    caplog.clear()


def test_a_threads_handler_goes_before_the_clients_and_serves_its_sub_agents(
    peer: ScriptedPeer,
) -> None:
    asked: list[tuple[str, str | None, tuple[str, ...]]] = []

    def of_client(request: Any) -> None:
        asked.append(("client", request.thread_id, request.ancestors))
        request.decline()

    def of_thread(request: Any) -> None:
        asked.append(("thread", request.thread_id, request.ancestors))
        request.accept()

    with Codex(config(peer), on_request=of_client) as codex:
        codex.thread_start(on_request=of_thread)
        peer.send(spawned("t", "child"), spawned("child", "grandchild"))
        for number, thread_id in enumerate(("t", "child", "grandchild", "other")):
            ask(peer, number, threadId=thread_id, turnId=f"turn of {thread_id}")
            decision = "decline" if thread_id == "other" else "accept"
            assert reply(peer) == {"id": number, "result": {"decision": decision}}
    assert asked == [
        ("thread", "t", ()),
        ("thread", "child", ("t",)),
        ("thread", "grandchild", ("child", "t")),
        ("client", "other", ()),
    ]


def by_thread(request: Any) -> None:
    request.accept()


def by_client(request: Any) -> None:
    request.refuse()


YES, NO = {"decision": "accept"}, {"decision": "decline"}


def test_what_a_thread_asks_while_it_is_resumed_goes_to_its_new_handler(peer: ScriptedPeer) -> None:
    with Codex(config(peer), on_request=by_client) as codex:
        del peer.answers["thread/resume"]
        resuming = Background(lambda: codex.thread_resume("t", on_request=by_thread))
        request = expected(peer, "thread/resume")
        # The replay of what is open comes right behind the answer, and here before it.
        ask(peer, 0)
        assert reply(peer) == {"id": 0, "result": YES}
        ask(peer, 1, threadId="other", turnId="turn of other")
        assert reply(peer) == {"id": 1, "result": NO}
        peer.answer(request, {"thread": {"id": "t"}})
        resuming.result()
        ask(peer, 2)
        assert reply(peer) == {"id": 2, "result": YES}


def ask_without_turn(peer: ScriptedPeer, number: int, thread_id: str) -> None:
    params = {"conversationId": thread_id, "callId": "i", "command": ["ls"], "cwd": "/", "parsedCmd": []}
    ask(peer, number, "execCommandApproval", params)


def test_what_an_unknown_thread_asks_while_one_is_started_waits_for_its_handler(
    peer: ScriptedPeer,
) -> None:
    with Codex(config(peer), on_request=by_client) as codex:
        codex.thread_resume("t")
        del peer.answers["thread/start"]
        starting = Background(lambda: codex.thread_start(on_request=by_thread))
        request = expected(peer, "thread/start")
        ask_without_turn(peer, 0, "new")
        # Nothing else waits for that: a thread that is known, one that has a turn, what has a deadline.
        ask_without_turn(peer, 1, "t")
        assert (reply(peer))["id"] == 1
        ask(peer, 2, threadId="other", turnId="turn of other")
        assert reply(peer) == {"id": 2, "result": NO}
        ask(peer, 3, "account/chatgptAuthTokens/refresh", {"reason": "unauthorized"})
        assert (reply(peer))["id"] == 3
        peer.answer(request, {"thread": {"id": "new"}})
        assert reply(peer) == {"id": 0, "result": {"decision": "approved"}}
        starting.result()


def test_what_waits_for_a_start_that_fails_goes_to_the_client(peer: ScriptedPeer) -> None:
    with Codex(config(peer), on_request=by_client) as codex:
        del peer.answers["thread/start"]
        starting = Background(lambda: codex.thread_start(on_request=by_thread))
        request = expected(peer, "thread/start")
        ask_without_turn(peer, 0, "new")
        silent(peer, codex)
        peer.refuse(request, -32600, "no")
        with pytest.raises(InvalidRequestError):
            starting.result()
        answer = reply(peer)
        assert answer["id"] == 0
        assert "denied" in answer["result"]["decision"]


def test_a_thread_is_served_that_starts_the_runtime(peer: ScriptedPeer) -> None:
    codex = Codex(config(peer))  # not entered
    peer.answers["thread/start"] = {"thread": {"id": "t"}}
    codex.thread_start(on_request=by_thread)
    ask(peer, 0)
    assert reply(peer) == {"id": 0, "result": YES}
    codex.close()


def test_the_handler_of_a_thread_that_is_over_is_forgotten(peer: ScriptedPeer) -> None:
    with Codex(config(peer), on_request=by_client) as codex:
        codex.thread_resume("t", on_request=by_thread)
        ask(peer, 0)
        assert reply(peer) == {"id": 0, "result": YES}
        peer.send(thread_event("thread/closed"))
        codex.models()
        ask(peer, 1)
        assert reply(peer) == {"id": 1, "result": NO}
        # One that is resumed after that has its own.
        peer.send(thread_event("thread/closed"))
        codex.thread_resume("t", on_request=by_thread)
        ask(peer, 2)
        assert reply(peer) == {"id": 2, "result": YES}


def test_the_low_level_handlers_answers_are_in_the_records(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "codex_app_server.requests")

    def handler(method: str, params: Any) -> Any:
        return YES

    client = CodexClient(config(peer), approval_handler=handler)
    client.start()
    client.initialize()
    ask(peer, 0)
    assert reply(peer) == {"id": 0, "result": YES}
    client.close()
    assert "command_approval: answer by approval_handler" in caplog.text
    caplog.clear()


@pytest.mark.parametrize("wanted", [True, False])
def test_attestations_are_asked_for_on_request(wanted: bool, peer: ScriptedPeer) -> None:
    del peer.answers["initialize"]
    starting = Background(lambda: used_once(config(peer, request_attestation=wanted)))
    request = expected(peer, "initialize")
    assert request["params"]["capabilities"].get("requestAttestation", False) is wanted
    peer.answer(request, INITIALIZED)
    starting.result()


def used_once(given: CodexConfig) -> None:
    with Codex(given) as codex:
        codex.models()


# --- pulling


def test_requests_are_pulled_in_order_and_what_is_left_is_refused_at_the_end(
    peer: ScriptedPeer,
) -> None:
    with Codex(config(peer)) as codex:
        with codex.requests() as pulled:
            for number in range(4):
                ask(peer, number, itemId=str(number))
            while len(codex.pending_requests()) < 4:
                codex.models()
            first = pulled.__next__()
            second = pulled.__next__()
            third = pulled.__next__()
            assert [first.item_id, second.item_id, third.item_id] == ["0", "1", "2"]
            assert isinstance(first, CommandApproval)
            first.accept()
            assert reply(peer) == {"id": 0, "result": {"decision": "accept"}}
            third.defer()
        # Taken and left, and never taken; but not what was deferred.
        answers = [reply(peer), reply(peer)]
        assert sorted(answer["id"] for answer in answers) == [1, 3]
        assert {answer["result"]["decision"] for answer in answers} == {"decline"}
        silent(peer, codex)
        assert codex.pending_request(third.token) is third
        third.refuse()
        assert (reply(peer))["id"] == 2
        with pytest.raises(StopIteration):
            pulled.__next__()


def test_a_stream_of_requests_takes_its_kinds_and_its_threads(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    with Codex(config(peer)) as codex:
        calls = codex.requests(ToolCall)
        family = codex.requests(CommandApproval, FileChangeApproval, thread_id="t")
        peer.send(spawned("t", "child"))
        ask(peer, 0, CALL_METHOD, CALL)
        ask(peer, 1, threadId="child", turnId="turn of child")
        ask(peer, 2, CHANGE_METHOD, AT)
        ask(peer, 3, threadId="other", turnId="turn of other")  # nobody's
        assert reply(peer) == {"id": 3, "result": {"decision": "decline"}}
        call = calls.__next__()
        assert isinstance(call, ToolCall)
        assert [(family.__next__()).thread_id for _ in range(2)] == ["child", "t"]
        call.succeed("a book")
        assert (reply(peer))["id"] == 0
        family.close()
        assert sorted([(reply(peer))["id"] for _ in range(2)]) == [1, 2]
        calls.close()
        calls.close()
    assert "no handler answers it" in caplog.text
    caplog.clear()


def test_a_handler_is_asked_before_a_stream_of_requests(peer: ScriptedPeer) -> None:
    def handler(request: Any) -> None:
        request.accept()

    with Codex(config(peer), on_request=handler) as codex, codex.requests() as pulled:
        ask(peer, 0)
        assert reply(peer) == {"id": 0, "result": {"decision": "accept"}}
        pulled.close()


def test_a_stream_of_requests_ends_with_the_client(peer: ScriptedPeer) -> None:
    codex = Codex(config(peer))
    codex.models()
    pulled = codex.requests()
    waiting = Background(pulled.__next__)
    ask(peer, 0)
    first = waiting.result()
    waiting = Background(pulled.__next__)
    codex.close()
    with pytest.raises((StopIteration, RuntimeError)):  # a task turns the one into the other
        waiting.result()
    assert first.settlement == "closed"


def test_a_request_that_is_over_is_not_pulled(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex, codex.requests() as pulled:
        ask(peer, 0, itemId="early")
        while not codex.pending_requests():
            codex.models()
        (early,) = codex.pending_requests()
        peer.send(resolved(0))
        assert settle(early) == "resolved"
        ask(peer, 1, itemId="late")
        late = pulled.__next__()
        assert late.item_id == "late"
        assert codex.pending_requests() == [late]


# --- tokens


def test_a_token_finds_its_request_and_nothing_else_does(peer: ScriptedPeer) -> None:
    keeper = Deferring()
    with Codex(config(peer), on_request=keeper) as codex:
        ask(peer, 0)
        ask(peer, 1)
        first, second = keeper.first(1), keeper.first(2)
        assert first.token != second.token
        assert len(first.token) >= 20
        assert codex.pending_request(second.token) is second
        for wrong in ("", "0", first.token[:-1], first.token + "x"):
            with pytest.raises(RequestNotFoundError):
                codex.pending_request(wrong)
        found: Any = codex.pending_request(first.token)
        found.accept()
        assert (reply(peer))["result"] == {"decision": "accept"}
        with pytest.raises(RequestNotFoundError) as caught:
            codex.pending_request(first.token)
        assert isinstance(caught.value, LookupError)
        assert first.token not in str(caught.value)
        assert codex.pending_requests() == [second]


# --- asking mode


def test_a_turn_that_would_ask_nobody_is_not_started(peer: ScriptedPeer) -> None:
    begun: list[Any] = []

    def begin(params: Any) -> Any:
        begun.append(params)
        return started("turn of t")

    with Codex(config(peer)) as codex:
        peer.answers["turn/start"] = begin
        thread = codex.thread_start(approval_mode=ApprovalMode.ask)
        with pytest.raises(NoRequestHandlerError, match="on_request") as caught:
            thread.turn("Go.")
        assert caught.value.thread_id == "t"
        with pytest.raises(NoRequestHandlerError):
            thread.run("Go.")
        with codex.requests(ToolCall), codex.requests(thread_id="other"):
            with pytest.raises(NoRequestHandlerError):
                thread.turn("Go.")
        assert begun == []
        with codex.requests(CommandApproval, thread_id="t"):
            thread.turn("Go.")
        thread.turn("Go.", approval_mode=ApprovalMode.deny_all)
        assert len(begun) == 2


def test_asking_is_said_to_the_runtime(peer: ScriptedPeer) -> None:
    said: list[Any] = []

    def begin(params: Any) -> Any:
        said.append(
            {name: params[name] for name in ("approvalPolicy", "approvalsReviewer") if name in params}
        )
        return {"thread": {"id": "t"}}

    with Codex(config(peer)) as codex:
        peer.answers["thread/start"] = begin
        codex.thread_start(approval_mode=ApprovalMode.ask)
        codex.thread_start()
        with pytest.raises(InvalidInputError, match="exclude"):
            codex.thread_start(approval_mode=ApprovalMode.ask, approvals_reviewer="user")
    assert said == [
        {"approvalPolicy": "on-request", "approvalsReviewer": "user"},
        {"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"},
    ]


# --- records


def test_the_records_say_who_answered_what_and_keep_the_words_out(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    def careful(request: Any) -> None:
        request.accept_for_session()

    caplog.set_level(logging.INFO, "codex_app_server.requests")
    with Codex(config(peer), on_request=careful):
        ask(peer, 0)
        reply(peer)
    (line,) = [each.getMessage() for each in caplog.records if each.name == "codex_app_server.requests"]
    for word in ("command_approval", "accept_for_session", "careful", "turn of t"):
        assert word in line
    assert "git push" not in caplog.text


def test_the_records_have_the_words_on_request(peer: ScriptedPeer, caplog: pytest.LogCaptureFixture) -> None:
    def handler(request: Any) -> None:
        request.accept()

    caplog.set_level(logging.DEBUG, "codex_app_server.requests")
    with Codex(config(peer), on_request=handler):
        ask(peer, 0)
        reply(peer)
    assert "git push" in caplog.text


ACCEPTED = ["command accept", "change accept", "permissions grant", "may a tool be called"]
ACCEPTED += ["legacy command accept", "legacy patch accept"]


def test_accepting_everything_is_said_loudly_and_covers_approvals_only(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    with Codex(config(peer), on_request=dangerously_accept_all):
        for number, case in enumerate(ACCEPTED):
            method, params, _, _, result = CASES[case]
            ask(peer, number, method, params)
            assert reply(peer) == {"id": number, **result}
            said_loudly = [each for each in caplog.records if "unseen" in each.getMessage()]
            assert len(said_loudly) == number + 1
            assert said_loudly[-1].levelno == logging.WARNING
        caplog.clear()
        for case in ("form refuse", "questions refuse", "call refuse", "time refuse", "unknown refuse"):
            method, params, _, _, result = CASES[case]
            ask(peer, 99, method, params)
            assert reply(peer) == {"id": 99, **result}
            peer.send(resolved(99))
    assert "unseen" not in caplog.text
