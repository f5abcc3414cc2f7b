"""Who is asked by the runtime, how many at once, and what is recorded. The peer plays the runtime."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from codex_app_server import (
    ApprovalMode,
    AsyncCodex,
    CodexConfig,
    InvalidInputError,
    InvalidInputTypeError,
    InvalidRequestError,
    NoRequestHandlerError,
    RequestNotFoundError,
)
from codex_app_server.async_client import AsyncCodexClient
from codex_app_server.requests import (
    CommandApproval,
    FileChangeApproval,
    ToolCall,
    dangerously_accept_all,
)
from tests.api._async.asking import Deferring, reply, settle, silent
from tests.api._async.concurrency import Background, Marks, expected
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

    async def __call__(self, request: Any) -> None:
        self.begun.append(request)
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        await self.marks.reach(f"{len(self.begun)} begun")
        await self.marks.wait("go on")
        self.at_work -= 1
        request.refuse()


async def test_two_hundred_requests_at_once_are_answered_sixteen_at_a_time(peer: ScriptedPeer) -> None:
    crowd = Crowd()
    async with AsyncCodex(config(peer), on_request=crowd) as codex:
        for number in range(200):
            ask(peer, number, itemId=str(number))
        await crowd.marks.wait("16 begun")
        await silent(peer, codex)
        assert len(codex.pending_requests()) >= 16
        assert sorted(int(request.item_id) for request in crowd.begun) == list(range(16))
        await crowd.marks.reach("go on")
        answers = [await reply(peer) for _ in range(200)]
        assert sorted(answer["id"] for answer in answers) == list(range(200))
        assert all(answer["result"] == {"decision": "decline"} for answer in answers)
        await silent(peer, codex)
        assert codex.pending_requests() == []
    assert crowd.most <= 16


async def test_at_a_limit_of_one_they_are_asked_in_the_order_of_the_wire(peer: ScriptedPeer) -> None:
    asked: list[str] = []

    async def handler(request: Any) -> None:
        asked.append(request.item_id)
        request.accept()

    async with AsyncCodex(config(peer), on_request=handler, max_concurrent_requests=1):
        for number in range(50):
            ask(peer, number, itemId=str(number))
        assert [(await reply(peer))["id"] for _ in range(50)] == list(range(50))
    assert asked == [str(number) for number in range(50)]


async def test_the_limit_is_one_conversations_and_calls_of_tools_count_by_themselves(
    peer: ScriptedPeer,
) -> None:
    crowd = Crowd()
    async with AsyncCodex(config(peer), on_request=crowd, max_concurrent_requests=1) as codex:
        peer.send(spawned("t", "child"))
        ask(peer, 0)
        await crowd.marks.wait("1 begun")
        ask(peer, 1, itemId="another")
        ask(peer, 2, itemId="the child's", threadId="child", turnId="turn of child")
        ask(peer, 3, CALL_METHOD, CALL)
        await crowd.marks.wait("2 begun")
        ask(peer, 4, itemId="another thread's", threadId="other", turnId="turn of other")
        await crowd.marks.wait("3 begun")
        ask(peer, 5, "currentTime/read", {"threadId": "t"})
        await crowd.marks.wait("4 begun")
        await silent(peer, codex)
        items = [request.item_id for request in crowd.begun]
        assert items == ["i", "c", "another thread's", None]
        await crowd.marks.reach("go on")
        assert sorted([(await reply(peer))["id"] for _ in range(6)]) == list(range(6))


@pytest.mark.parametrize(
    ("limit", "error"), [(0, InvalidInputError), ("4", InvalidInputTypeError), (True, InvalidInputTypeError)]
)
def test_a_limit_that_makes_no_sense_is_refused(limit: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="max_concurrent_requests"):
        AsyncCodex(max_concurrent_requests=limit)


def test_a_handler_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(InvalidInputTypeError, match="on_request"):
        AsyncCodex(on_request="yes")  # type: ignore[arg-type]


# --- who is asked


async def test_without_anybody_it_is_refused_and_said(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncCodex(config(peer)) as codex:
        ask(peer, 0)
        assert await reply(peer) == {"id": 0, "result": {"decision": "decline"}}
        await silent(peer, codex)
    caplog.clear()


async def test_a_threads_handler_goes_before_the_clients_and_serves_its_sub_agents(
    peer: ScriptedPeer,
) -> None:
    asked: list[tuple[str, str | None, tuple[str, ...]]] = []

    async def of_client(request: Any) -> None:
        asked.append(("client", request.thread_id, request.ancestors))
        request.decline()

    async def of_thread(request: Any) -> None:
        asked.append(("thread", request.thread_id, request.ancestors))
        request.accept()

    async with AsyncCodex(config(peer), on_request=of_client) as codex:
        await codex.thread_start(on_request=of_thread)
        peer.send(spawned("t", "child"), spawned("child", "grandchild"))
        for number, thread_id in enumerate(("t", "child", "grandchild", "other")):
            ask(peer, number, threadId=thread_id, turnId=f"turn of {thread_id}")
            decision = "decline" if thread_id == "other" else "accept"
            assert await reply(peer) == {"id": number, "result": {"decision": decision}}
    assert asked == [
        ("thread", "t", ()),
        ("thread", "child", ("t",)),
        ("thread", "grandchild", ("child", "t")),
        ("client", "other", ()),
    ]


async def by_thread(request: Any) -> None:
    request.accept()


async def by_client(request: Any) -> None:
    request.refuse()


YES, NO = {"decision": "accept"}, {"decision": "decline"}


async def test_what_a_thread_asks_while_it_is_resumed_goes_to_its_new_handler(peer: ScriptedPeer) -> None:
    async with AsyncCodex(config(peer), on_request=by_client) as codex:
        del peer.answers["thread/resume"]
        resuming = Background(lambda: codex.thread_resume("t", on_request=by_thread))
        request = await expected(peer, "thread/resume")
        # The replay of what is open comes right behind the answer, and here before it.
        ask(peer, 0)
        assert await reply(peer) == {"id": 0, "result": YES}
        ask(peer, 1, threadId="other", turnId="turn of other")
        assert await reply(peer) == {"id": 1, "result": NO}
        peer.answer(request, {"thread": {"id": "t"}})
        await resuming.result()
        ask(peer, 2)
        assert await reply(peer) == {"id": 2, "result": YES}


def ask_without_turn(peer: ScriptedPeer, number: int, thread_id: str) -> None:
    params = {"conversationId": thread_id, "callId": "i", "command": ["ls"], "cwd": "/", "parsedCmd": []}
    ask(peer, number, "execCommandApproval", params)


async def test_what_an_unknown_thread_asks_while_one_is_started_waits_for_its_handler(
    peer: ScriptedPeer,
) -> None:
    async with AsyncCodex(config(peer), on_request=by_client) as codex:
        await codex.thread_resume("t")
        del peer.answers["thread/start"]
        starting = Background(lambda: codex.thread_start(on_request=by_thread))
        request = await expected(peer, "thread/start")
        ask_without_turn(peer, 0, "new")
        # Nothing else waits for that: a thread that is known, one that has a turn, what has a deadline.
        ask_without_turn(peer, 1, "t")
        assert (await reply(peer))["id"] == 1
        ask(peer, 2, threadId="other", turnId="turn of other")
        assert await reply(peer) == {"id": 2, "result": NO}
        ask(peer, 3, "account/chatgptAuthTokens/refresh", {"reason": "unauthorized"})
        assert (await reply(peer))["id"] == 3
        peer.answer(request, {"thread": {"id": "new"}})
        assert await reply(peer) == {"id": 0, "result": {"decision": "approved"}}
        await starting.result()


async def test_what_waits_for_a_start_that_fails_goes_to_the_client(peer: ScriptedPeer) -> None:
    async with AsyncCodex(config(peer), on_request=by_client) as codex:
        del peer.answers["thread/start"]
        starting = Background(lambda: codex.thread_start(on_request=by_thread))
        request = await expected(peer, "thread/start")
        ask_without_turn(peer, 0, "new")
        await silent(peer, codex)
        peer.refuse(request, -32600, "no")
        with pytest.raises(InvalidRequestError):
            await starting.result()
        answer = await reply(peer)
        assert answer["id"] == 0
        assert "denied" in answer["result"]["decision"]


async def test_a_thread_is_served_that_starts_the_runtime(peer: ScriptedPeer) -> None:
    codex = AsyncCodex(config(peer))  # not entered
    peer.answers["thread/start"] = {"thread": {"id": "t"}}
    await codex.thread_start(on_request=by_thread)
    ask(peer, 0)
    assert await reply(peer) == {"id": 0, "result": YES}
    await codex.close()


async def test_the_handler_of_a_thread_that_is_over_is_forgotten(peer: ScriptedPeer) -> None:
    async with AsyncCodex(config(peer), on_request=by_client) as codex:
        await codex.thread_resume("t", on_request=by_thread)
        ask(peer, 0)
        assert await reply(peer) == {"id": 0, "result": YES}
        peer.send(thread_event("thread/closed"))
        await codex.models()
        ask(peer, 1)
        assert await reply(peer) == {"id": 1, "result": NO}
        # One that is resumed after that has its own.
        peer.send(thread_event("thread/closed"))
        await codex.thread_resume("t", on_request=by_thread)
        ask(peer, 2)
        assert await reply(peer) == {"id": 2, "result": YES}


async def test_the_low_level_handlers_answers_are_in_the_records(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "codex_app_server.requests")

    def handler(method: str, params: Any) -> Any:
        return YES

    client = AsyncCodexClient(config(peer), approval_handler=handler)
    await client.start()
    await client.initialize()
    ask(peer, 0)
    assert await reply(peer) == {"id": 0, "result": YES}
    await client.close()
    assert "command_approval: answer by approval_handler" in caplog.text
    caplog.clear()


@pytest.mark.parametrize("wanted", [True, False])
async def test_attestations_are_asked_for_on_request(wanted: bool, peer: ScriptedPeer) -> None:
    del peer.answers["initialize"]
    starting = Background(lambda: used_once(config(peer, request_attestation=wanted)))
    request = await expected(peer, "initialize")
    assert request["params"]["capabilities"].get("requestAttestation", False) is wanted
    peer.answer(request, INITIALIZED)
    await starting.result()


async def used_once(given: CodexConfig) -> None:
    async with AsyncCodex(given) as codex:
        await codex.models()


# --- pulling


async def test_requests_are_pulled_in_order_and_what_is_left_is_refused_at_the_end(
    peer: ScriptedPeer,
) -> None:
    async with AsyncCodex(config(peer)) as codex:
        async with codex.requests() as pulled:
            for number in range(4):
                ask(peer, number, itemId=str(number))
            while len(codex.pending_requests()) < 4:
                await codex.models()
            first = await pulled.__anext__()
            second = await pulled.__anext__()
            third = await pulled.__anext__()
            assert [first.item_id, second.item_id, third.item_id] == ["0", "1", "2"]
            assert isinstance(first, CommandApproval)
            first.accept()
            assert await reply(peer) == {"id": 0, "result": {"decision": "accept"}}
            third.defer()
        # Taken and left, and never taken; but not what was deferred.
        answers = [await reply(peer), await reply(peer)]
        assert sorted(answer["id"] for answer in answers) == [1, 3]
        assert {answer["result"]["decision"] for answer in answers} == {"decline"}
        await silent(peer, codex)
        assert codex.pending_request(third.token) is third
        third.refuse()
        assert (await reply(peer))["id"] == 2
        with pytest.raises(StopAsyncIteration):
            await pulled.__anext__()


async def test_a_stream_of_requests_takes_its_kinds_and_its_threads(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncCodex(config(peer)) as codex:
        calls = codex.requests(ToolCall)
        family = codex.requests(CommandApproval, FileChangeApproval, thread_id="t")
        peer.send(spawned("t", "child"))
        ask(peer, 0, CALL_METHOD, CALL)
        ask(peer, 1, threadId="child", turnId="turn of child")
        ask(peer, 2, CHANGE_METHOD, AT)
        ask(peer, 3, threadId="other", turnId="turn of other")  # nobody's
        assert await reply(peer) == {"id": 3, "result": {"decision": "decline"}}
        call = await calls.__anext__()
        assert isinstance(call, ToolCall)
        assert [(await family.__anext__()).thread_id for _ in range(2)] == ["child", "t"]
        call.succeed("a book")
        assert (await reply(peer))["id"] == 0
        await family.aclose()
        assert sorted([(await reply(peer))["id"] for _ in range(2)]) == [1, 2]
        await calls.aclose()
        await calls.aclose()
    assert "no handler answers it" in caplog.text
    caplog.clear()


async def test_a_handler_is_asked_before_a_stream_of_requests(peer: ScriptedPeer) -> None:
    async def handler(request: Any) -> None:
        request.accept()

    async with AsyncCodex(config(peer), on_request=handler) as codex, codex.requests() as pulled:
        ask(peer, 0)
        assert await reply(peer) == {"id": 0, "result": {"decision": "accept"}}
        await pulled.aclose()


async def test_a_stream_of_requests_ends_with_the_client(peer: ScriptedPeer) -> None:
    codex = AsyncCodex(config(peer))
    await codex.models()
    pulled = codex.requests()
    waiting = Background(pulled.__anext__)
    ask(peer, 0)
    first = await waiting.result()
    waiting = Background(pulled.__anext__)
    await codex.close()
    with pytest.raises((StopAsyncIteration, RuntimeError)):  # a task turns the one into the other
        await waiting.result()
    assert first.settlement == "closed"


async def test_a_request_that_is_over_is_not_pulled(peer: ScriptedPeer) -> None:
    async with AsyncCodex(config(peer)) as codex, codex.requests() as pulled:
        ask(peer, 0, itemId="early")
        while not codex.pending_requests():
            await codex.models()
        (early,) = codex.pending_requests()
        peer.send(resolved(0))
        assert await settle(early) == "resolved"
        ask(peer, 1, itemId="late")
        late = await pulled.__anext__()
        assert late.item_id == "late"
        assert codex.pending_requests() == [late]


# --- tokens


async def test_a_token_finds_its_request_and_nothing_else_does(peer: ScriptedPeer) -> None:
    keeper = Deferring()
    async with AsyncCodex(config(peer), on_request=keeper) as codex:
        ask(peer, 0)
        ask(peer, 1)
        first, second = await keeper.first(1), await keeper.first(2)
        assert first.token != second.token
        assert len(first.token) >= 20
        assert codex.pending_request(second.token) is second
        for wrong in ("", "0", first.token[:-1], first.token + "x"):
            with pytest.raises(RequestNotFoundError):
                codex.pending_request(wrong)
        found: Any = codex.pending_request(first.token)
        found.accept()
        assert (await reply(peer))["result"] == {"decision": "accept"}
        with pytest.raises(RequestNotFoundError) as caught:
            codex.pending_request(first.token)
        assert isinstance(caught.value, LookupError)
        assert first.token not in str(caught.value)
        assert codex.pending_requests() == [second]


# --- asking mode


async def test_a_turn_that_would_ask_nobody_is_not_started(peer: ScriptedPeer) -> None:
    begun: list[Any] = []

    def begin(params: Any) -> Any:
        begun.append(params)
        return started("turn of t")

    async with AsyncCodex(config(peer)) as codex:
        peer.answers["turn/start"] = begin
        thread = await codex.thread_start(approval_mode=ApprovalMode.ask)
        with pytest.raises(NoRequestHandlerError, match="on_request") as caught:
            await thread.turn("Go.")
        assert caught.value.thread_id == "t"
        with pytest.raises(NoRequestHandlerError):
            await thread.run("Go.")
        async with codex.requests(ToolCall), codex.requests(thread_id="other"):
            with pytest.raises(NoRequestHandlerError):
                await thread.turn("Go.")
        assert begun == []
        async with codex.requests(CommandApproval, thread_id="t"):
            await thread.turn("Go.")
        await thread.turn("Go.", approval_mode=ApprovalMode.deny_all)
        assert len(begun) == 2


async def test_asking_is_said_to_the_runtime(peer: ScriptedPeer) -> None:
    said: list[Any] = []

    def begin(params: Any) -> Any:
        said.append(
            {name: params[name] for name in ("approvalPolicy", "approvalsReviewer") if name in params}
        )
        return {"thread": {"id": "t"}}

    async with AsyncCodex(config(peer)) as codex:
        peer.answers["thread/start"] = begin
        await codex.thread_start(approval_mode=ApprovalMode.ask)
        await codex.thread_start()
        with pytest.raises(InvalidInputError, match="exclude"):
            await codex.thread_start(approval_mode=ApprovalMode.ask, approvals_reviewer="user")
    assert said == [
        {"approvalPolicy": "on-request", "approvalsReviewer": "user"},
        {"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"},
    ]


# --- records


async def test_the_records_say_who_answered_what_and_keep_the_words_out(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async def careful(request: Any) -> None:
        request.accept_for_session()

    caplog.set_level(logging.INFO, "codex_app_server.requests")
    async with AsyncCodex(config(peer), on_request=careful):
        ask(peer, 0)
        await reply(peer)
    (line,) = [each.getMessage() for each in caplog.records if each.name == "codex_app_server.requests"]
    for word in ("command_approval", "accept_for_session", "careful", "turn of t"):
        assert word in line
    assert "git push" not in caplog.text


async def test_the_records_have_the_words_on_request(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Any) -> None:
        request.accept()

    caplog.set_level(logging.DEBUG, "codex_app_server.requests")
    async with AsyncCodex(config(peer), on_request=handler):
        ask(peer, 0)
        await reply(peer)
    assert "git push" in caplog.text


ACCEPTED = ["command accept", "change accept", "permissions grant", "may a tool be called"]
ACCEPTED += ["legacy command accept", "legacy patch accept"]


async def test_accepting_everything_is_said_loudly_and_covers_approvals_only(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncCodex(config(peer), on_request=dangerously_accept_all):
        for number, case in enumerate(ACCEPTED):
            method, params, _, _, result = CASES[case]
            ask(peer, number, method, params)
            assert await reply(peer) == {"id": number, **result}
            said_loudly = [each for each in caplog.records if "unseen" in each.getMessage()]
            assert len(said_loudly) == number + 1
            assert said_loudly[-1].levelno == logging.WARNING
        caplog.clear()
        for case in ("form refuse", "questions refuse", "call refuse", "time refuse", "unknown refuse"):
            method, params, _, _, result = CASES[case]
            ask(peer, 99, method, params)
            assert await reply(peer) == {"id": 99, **result}
            peer.send(resolved(99))
    assert "unseen" not in caplog.text
