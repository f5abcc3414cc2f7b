"""Answers in bad moments: too late, twice, of handlers that fail. The peer plays the runtime."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from codex_app_server import (
    AsyncCodex,
    RequestAnsweredError,
    RequestHandlerError,
    RequestNotFoundError,
    RequestSettledError,
)
from codex_app_server._async.waiting import sleep
from codex_app_server.requests import (
    CurrentTime,
    ServerRequest,
)
from tests.api._async.asking import Deferring, reply, settle, silent
from tests.api._async.concurrency import Background, Marks, together
from tests.asked import (
    COMMAND,
    COMMAND_METHOD,
    ERROR,
    ask,
    config,
    over,
    resolved,
    thread_event,
)
from tests.peer import ScriptedPeer, delta, event, started

# --- answers that come too late

LATE: dict[str, tuple[str, Callable[[ScriptedPeer], None]]] = {
    "the runtime has settled it": ("resolved", lambda peer: peer.send(resolved(0))),
    "its turn is over": ("turn_over", lambda peer: peer.send(over("interrupted"))),
    "its thread is closed": ("thread_closed", lambda peer: peer.send(thread_event("thread/closed"))),
    "its thread is archived": ("thread_closed", lambda peer: peer.send(thread_event("thread/archived"))),
    "its thread is deleted": ("thread_closed", lambda peer: peer.send(thread_event("thread/deleted"))),
    "the runtime has ended": ("closed", lambda peer: peer.exit(3)),
}


@pytest.mark.parametrize("why", LATE)
async def test_an_answer_that_comes_too_late_says_why(why: str, peer: ScriptedPeer) -> None:
    settlement, happen = LATE[why]
    keeper = Deferring()
    codex = AsyncCodex(config(peer), on_request=keeper)
    async with codex:
        ask(peer, 0)
        request = await keeper.first()
        found: Any = codex.pending_request(request.token)
        assert found is request
        happen(peer)
        assert await settle(request) == settlement
        with pytest.raises(RequestSettledError) as caught:
            request.accept()
        assert type(caught.value) is RequestSettledError
        assert caught.value.settlement == settlement
        with pytest.raises(RequestNotFoundError):
            codex.pending_request(request.token)
        if settlement != "closed":
            await silent(peer, codex)


async def test_an_answer_after_the_close_says_so(peer: ScriptedPeer) -> None:
    keeper = Deferring()
    codex = AsyncCodex(config(peer), on_request=keeper)
    async with codex:
        ask(peer, 0)
        request = await keeper.first()
    assert await settle(request) == "closed"
    with pytest.raises(RequestSettledError, match="ended"):
        request.accept()
    peer.expect_end()


async def test_a_request_of_a_turn_that_ends_in_the_same_breath_is_over(peer: ScriptedPeer) -> None:
    seen: list[ServerRequest] = []

    async def handler(request: ServerRequest) -> None:
        seen.append(request)
        request.refuse()

    async with AsyncCodex(config(peer), on_request=handler) as codex:
        peer.send({"id": 0, "method": COMMAND_METHOD, "params": COMMAND}, over("interrupted"))
        ask(peer, 1, turnId="another turn")
        assert (await reply(peer))["id"] == 1
        await silent(peer, codex)
    assert [request.turn_id for request in seen if request.settlement != "turn_over"] == ["another turn"]


async def test_a_request_is_answered_once_and_the_first_answer_stands(peer: ScriptedPeer) -> None:
    errors: list[RequestSettledError] = []

    async def handler(request: Any) -> None:
        request.accept()
        for again in (request.decline, request.refuse, request.accept):
            with pytest.raises(RequestAnsweredError, match="first answer stands") as caught:
                again()
            errors.append(caught.value)

    async with AsyncCodex(config(peer), on_request=handler) as codex:
        ask(peer, 0)
        assert await reply(peer) == {"id": 0, "result": {"decision": "accept"}}
        await silent(peer, codex)
    assert [error.settlement for error in errors] == ["answered"] * 3


async def test_whoever_waits_for_a_request_learns_of_its_end(peer: ScriptedPeer) -> None:
    ended: list[tuple[bool, str | None]] = []
    marks = Marks()

    async def handler(request: ServerRequest) -> None:
        assert not await request.async_wait_settled(0)  # async only
        # sync only: assert not request.wait_settled(0)
        await marks.reach("waits")
        with suppress(BaseException):  # a coroutine is cancelled for that
            await request.async_wait_settled(20)  # async only
            # sync only: request.wait_settled(20)
        ended.append((request.settled, request.settlement))
        await marks.reach("over")

    async with AsyncCodex(config(peer), on_request=handler) as codex:
        ask(peer, 0)
        await marks.wait("waits")
        peer.send(over("interrupted"))
        await marks.wait("over")
        await silent(peer, codex)
    assert ended == [(True, "turn_over")]


# --- the same request again


async def test_a_request_that_is_repeated_while_it_is_open_is_asked_once(peer: ScriptedPeer) -> None:
    keeper = Deferring()
    async with AsyncCodex(config(peer), on_request=keeper) as codex:
        ask(peer, 0)
        request = await keeper.first()
        ask(peer, 0)
        # One that is asked after it has been handed out, so that one would have been, too.
        ask(peer, 1)
        await keeper.first(2)
        assert len(keeper.kept) == 2
        request.accept()
        assert await reply(peer) == {"id": 0, "result": {"decision": "accept"}}
        keeper.kept[1].refuse()
        await reply(peer)
        await silent(peer, codex)


async def test_a_request_whose_answer_and_repetition_cross_is_answered_again_and_not_asked(
    peer: ScriptedPeer,
) -> None:
    keeper = Deferring()
    async with AsyncCodex(config(peer), on_request=keeper) as codex:
        ask(peer, 0)
        (await keeper.first()).accept_for_session()
        first = await reply(peer)
        ask(peer, 0)
        assert await reply(peer) == first == {"id": 0, "result": {"decision": "acceptForSession"}}
        # Settled by the runtime, the id is free for another request.
        peer.send(resolved(0))
        ask(peer, 0, command="another one")
        again = await keeper.first(2)
        assert again.command == "another one"
        again.decline()
        assert await reply(peer) == {"id": 0, "result": {"decision": "decline"}}
        await silent(peer, codex)


@pytest.mark.parametrize("number", [0, 3, "a", "0"])
async def test_an_id_is_given_back_as_it_came(number: Any, peer: ScriptedPeer) -> None:
    async def handler(request: Any) -> None:
        request.accept()

    async with AsyncCodex(config(peer), on_request=handler):
        ask(peer, number)
        answer = await reply(peer)
        assert answer == {"id": number, "result": {"decision": "accept"}}
        assert type(answer["id"]) is type(number)


# --- handlers that fail

FAULTS = ["raises", "gives something back", "does nothing", "exits", "answers, and raises"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_handler_that_fails_has_refused_and_the_result_says_so(
    fault: str, peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Any) -> Any:
        if fault == "gives something back":
            return True
        if fault == "does nothing":
            return None
        if fault == "exits":
            raise LookupError("an exit ends the loop")  # async only
            # sync only: raise SystemExit(3)
        if fault == "answers, and raises":
            request.accept()
        raise LookupError("no idea")

    async with AsyncCodex(config(peer), on_request=handler) as codex:
        thread = await codex.thread_start()
        running = Background(lambda: thread.run("Go."))
        ask(peer, 0)
        decision = "accept" if fault == "answers, and raises" else "decline"
        assert await reply(peer) == {"id": 0, "result": {"decision": decision}}
        # The next one finds the handler at its post.
        ask(peer, 1, turnId="another turn")
        assert (await reply(peer))["id"] == 1
        peer.send(over())
        result = await running.result()
        assert result.status.value == "completed"
        (error,) = result.request_errors
        assert type(error) is RequestHandlerError
        assert (error.method, error.thread_id, error.turn_id, error.item_id) == (
            *(COMMAND_METHOD, "t"),
            *("turn of t", "i"),
        )
        if fault in ("gives something back", "does nothing"):
            assert error.__cause__ is None
            assert ("gave back bool" if fault == "gives something back" else "without an answer") in str(
                error
            )
        else:
            assert isinstance(error.__cause__, (LookupError, SystemExit))
        # A handler that has answered may raise after all that: looked at again, bounded.
        faults: list[logging.LogRecord] = []
        for _ in range(1000):
            faults = [record for record in caplog.records if record.name == "codex_app_server"]
            if len(faults) == 2:
                break
            await sleep(0.01)
        assert len(faults) == 2
        assert all(record.levelno == logging.ERROR for record in faults)
        # What was asked stays out of the log.
        assert "git push" not in "".join(record.getMessage() for record in faults)
        caplog.clear()


async def test_a_handle_of_a_turn_tells_what_its_handlers_did_wrong(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: ServerRequest) -> None:
        raise LookupError(request.turn_id)

    async with AsyncCodex(config(peer), on_request=handler) as codex:
        turn = await (await codex.thread_start()).turn("Go.")
        assert turn.request_errors == ()
        ask(peer, 0)
        await reply(peer)
        while not turn.request_errors:  # it is written before it is noted
            await codex.models()
        assert [str(error.__cause__) for error in turn.request_errors] == ["turn of t"]
        peer.send(over())
        assert [one.method async for one in turn.stream()] == ["turn/completed"]
        assert len(turn.request_errors) == 1
        caplog.clear()


async def test_a_handler_that_is_slower_than_the_runtimes_own_deadline_has_refused(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(CurrentTime, "deadline_s", 0.05)
    marks = Marks()

    async def handler(request: Any) -> None:
        with suppress(BaseException):  # a coroutine is cancelled for that
            await marks.wait("never in time")
        with suppress(RequestSettledError):
            request.provide(1)
        await marks.reach("over")

    async with AsyncCodex(config(peer), on_request=handler) as codex:
        ask(peer, 0, "currentTime/read", {"threadId": "t"})
        assert await reply(peer) == {"id": 0, **ERROR}
        await marks.reach("never in time")
        await marks.wait("over")
        await silent(peer, codex)
    assert "0.05 s" in caplog.text
    caplog.clear()


async def test_a_handler_that_thinks_holds_up_nobody_else(peer: ScriptedPeer) -> None:
    marks = Marks()

    async def handler(request: Any) -> None:
        await marks.reach("asked")
        await marks.wait("go on")
        request.accept()

    async with AsyncCodex(config(peer), on_request=handler) as codex:
        begun: list[str] = []

        def begin(params: Any) -> Any:
            begun.append(params["threadId"])
            return started(f"turn of {params['threadId']}")

        peer.answers["turn/start"] = begin
        ask(peer, 0)
        await marks.wait("asked")

        peer.answers["thread/resume"] = lambda params: {"thread": {"id": params["threadId"]}}
        names = [f"t{number}" for number in range(100)]
        threads = [(await codex.thread_resume(name)) for name in names]
        running = Background(lambda: together(*[lambda thread=each: thread.run("Go.") for each in threads]))
        while len(begun) < 100:
            await codex.models()
        for name in names:
            turn_id = f"turn of {name}"
            peer.send(delta(name, turn_id, "text"), event("turn/completed", name, turn_id))
        assert [result.status.value for result in await running.result()] == ["completed"] * 100
        assert peer.received == 0
        await marks.reach("go on")
        assert await reply(peer) == {"id": 0, "result": {"decision": "accept"}}
