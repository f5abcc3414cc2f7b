"""Requests of the real runtime in good and in bad moments: of sub-agents, pulled, deferred, interrupted."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from codex_app_server import (
    ApprovalMode,
    AsyncCodex,
    AsyncTurnHandle,
    ClientClosedError,
    NoRequestHandlerError,
    RequestSettledError,
)
from codex_app_server.models import TurnCompletedNotification
from codex_app_server.requests import (
    CommandApproval,
    ServerRequest,
)
from codex_app_server.testing import (
    Answer,
    ModelRequest,
    OfflineModel,
)
from codex_app_server.types import TurnStatus
from tests.api._async.asking import Deferring, Handler, settle, states
from tests.api._async.concurrency import Background, Marks
from tests.payloads import payload
from tests.wishes import ASKING, agents, command, once

# --- sub-agents


async def test_what_sub_agents_ask_comes_to_their_threads_handler(model: OfflineModel) -> None:
    model.reset(agents(2))
    strange = Handler(lambda request: request.refuse())
    handler = Handler(lambda request: request.accept())
    async with AsyncCodex(model.config(), on_request=strange) as codex:
        thread = await codex.thread_start(on_request=handler, **ASKING)
        result = await thread.run("Go.")
        assert result.final_response == "Done at 0."
    assert strange.asked == []
    by_command = {request.command[-2]: request for request in handler.asked}
    child, grandchild = by_command["1"], by_command["2"]
    assert child.ancestors == (thread.id,)
    assert grandchild.ancestors == (child.thread_id, thread.id)
    assert len({thread.id, child.thread_id, grandchild.thread_id}) == 3
    assert result.id not in (child.turn_id, grandchild.turn_id)


async def test_what_a_handler_does_wrong_for_a_sub_agent_is_in_the_roots_result(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    model.reset(agents(1))

    async def handler(request: ServerRequest) -> None:
        raise LookupError("no idea")

    async with AsyncCodex(model.config(), on_request=handler) as codex:
        thread = await codex.thread_start(**ASKING)
        result = await thread.run("Go.")
    (error,) = result.request_errors
    assert error.thread_id != thread.id
    assert error.ancestors == (thread.id,)
    caplog.clear()


@pytest.mark.parametrize("how", ["interrupted", "completed"])
async def test_a_sub_agents_request_outlives_the_turn_of_its_root(how: str, model: OfflineModel) -> None:
    model.reset(agents(1, waits=how == "interrupted"))
    keeper = Deferring()
    async with AsyncCodex(model.config(), on_request=keeper) as codex:
        thread = await codex.thread_start(**ASKING)
        turn = await thread.turn("Go.")
        if how == "interrupted":
            await keeper.first()
            await turn.interrupt()
        result = await turn.run()
        assert result.status.value == how
        request = await keeper.first()
        assert not request.settled
        found: Any = codex.pending_request(request.token)
        assert found is request
        async with codex.notifications("turn/completed", thread_id=request.thread_id) as ends:
            request.accept()
            end = await ends.__anext__()
        assert payload(end, TurnCompletedNotification).turn.status is TurnStatus.completed


async def test_a_stream_of_requests_has_those_of_the_sub_agents(model: OfflineModel) -> None:
    model.reset(agents(1))
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start(**ASKING)
        async with codex.requests(thread_id=thread.id) as requests:
            running = Background(lambda: thread.run("Go."))
            request = await requests.__anext__()
            assert isinstance(request, CommandApproval)
            assert request.ancestors == (thread.id,)
            request.accept()
            result = await running.result()
    assert result.final_response == "Done at 0."


# --- ways to serve


async def test_requests_are_pulled_while_the_turn_runs(model: OfflineModel) -> None:
    model.reset(once(*(command(f"echo {number} > ran{number}") for number in range(3))))
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start(**ASKING)
        seen = []
        async with codex.requests(CommandApproval) as requests:
            running = Background(lambda: thread.run("Go."))
            async for request in requests:
                assert isinstance(request, CommandApproval)
                seen.append(request.item_id)
                request.accept()
                if len(seen) == 3:
                    break
            result = await running.result()
    assert sorted(str(item) for item in seen) == ["call_1_1", "call_1_2", "call_1_3"]
    assert states(result, "commandExecution") == ["completed"] * 3
    assert all((model.workspace / f"ran{number}").exists() for number in range(3))


async def test_a_request_that_was_deferred_is_answered_by_its_token(model: OfflineModel) -> None:
    model.reset(once(command("echo done > ran")))
    keeper = Deferring()
    async with AsyncCodex(model.config(), on_request=keeper) as codex:
        thread = await codex.thread_start(**ASKING)
        running = Background(lambda: thread.run("Go."))
        shown = (await keeper.first()).to_dict()
        assert [request.token for request in codex.pending_requests()] == [shown["token"]]
        found = codex.pending_request(shown["token"])
        assert isinstance(found, CommandApproval)
        found.accept()
        result = await running.result()
        assert codex.pending_requests() == []
    assert states(result, "commandExecution") == ["completed"]


async def test_a_turn_that_would_ask_nobody_is_not_started(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start(**ASKING)
        with pytest.raises(NoRequestHandlerError):
            await thread.run("Go.")
        assert model.requests == []
        assert (await thread.run("Go.", approval_mode=ApprovalMode.deny_all)).final_response == "Go."


@pytest.mark.parametrize("how", ["fork", "resume"])
async def test_a_thread_that_asks_by_inheritance_is_known_to_ask(how: str, model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start(**ASKING)
        async with codex.requests():
            assert (await thread.run("Go.")).final_response == "Go."
        opening = codex.thread_fork if how == "fork" else codex.thread_resume
        heir = await opening(thread.id)
        with pytest.raises(NoRequestHandlerError):
            await heir.run("Go.")
        other = await opening(thread.id, approval_mode=ApprovalMode.deny_all)
        assert (await other.run("Go.")).final_response == "Go."


# --- bad moments


async def test_five_that_wait_are_over_when_their_turn_is_interrupted(model: OfflineModel) -> None:
    model.reset(once(*(command(f"echo {number} > ran{number}") for number in range(5))))
    keeper = Deferring()
    async with AsyncCodex(model.config(), on_request=keeper) as codex:
        thread = await codex.thread_start(**ASKING)
        turn = await thread.turn("Go.")
        await keeper.first(5)
        await turn.interrupt()
        assert [await settle(request) for request in keeper.kept] == ["turn_over"] * 5
        for request in keeper.kept:
            with pytest.raises(RequestSettledError, match="turn is over"):
                request.accept()
        assert (await turn.run()).status is TurnStatus.interrupted
        assert codex.pending_requests() == []
        model.reset("Still here.")
        assert (await thread.run("Go.")).final_response == "Still here."
    assert not list(model.workspace.glob("ran*"))


async def test_a_turn_that_is_given_up_takes_its_requests_with_it(model: OfflineModel) -> None:
    model.reset(once(command("echo done > ran")))
    keeper = Deferring()
    async with AsyncCodex(model.config(), on_request=keeper) as codex:
        thread = await codex.thread_start(**ASKING)
        async with await thread.turn("Go."):
            request = await keeper.first()
        assert await settle(request) == "turn_over"


async def test_a_thread_is_forked_while_it_asks(model: OfflineModel) -> None:
    def script(request: ModelRequest) -> str | Answer:
        return "Here." if request.prompt == "Are you there?" else once(command("echo done > ran"))(request)

    model.reset(script)
    keeper = Deferring()
    async with AsyncCodex(model.config(), on_request=keeper) as codex:
        thread = await codex.thread_start(**ASKING)
        running = Background(lambda: thread.run("Go."))
        request = await keeper.first()
        copy = await codex.thread_fork(thread.id)
        assert (await copy.run("Are you there?")).final_response == "Here."
        assert not request.settled
        request.accept()
        assert (await running.result()).status is TurnStatus.completed
    assert len(keeper.kept) == 1
    assert (model.workspace / "ran").exists()


async def test_a_thread_that_is_resumed_while_it_asks_asks_once(model: OfflineModel) -> None:
    model.reset(once(command("echo done > ran")))
    keeper = Deferring()
    async with AsyncCodex(model.config(), on_request=keeper) as codex:
        thread = await codex.thread_start(**ASKING)
        running = Background(lambda: thread.run("Go."))
        request = await keeper.first()
        await codex.thread_resume(thread.id)
        await codex.models()
        assert codex.pending_requests() == [request]
        request.accept()
        assert (await running.result()).status is TurnStatus.completed
    assert len(keeper.kept) == 1


@pytest.mark.parametrize("how", ["thread_archive", "delete"])
async def test_a_request_ends_with_its_thread(how: str, model: OfflineModel) -> None:
    model.reset(once(command("echo done > ran")))
    keeper = Deferring()
    async with AsyncCodex(model.config(), on_request=keeper) as codex:
        thread = await codex.thread_start(**ASKING)
        turn = await thread.turn("Go.")
        request = await keeper.first()
        if how == "delete":
            await codex.rpc.thread.delete(thread_id=thread.id)
        else:
            await codex.thread_archive(thread.id)
        assert await settle(request) in ("turn_over", "thread_closed")
        assert (await turn.run()).status is TurnStatus.interrupted


async def test_a_handler_may_run_a_turn_that_asks_the_same_handler(model: OfflineModel) -> None:
    def script(request: ModelRequest) -> str | Answer:
        return once(command(f"echo {request.prompt} > {request.prompt}"))(request)

    model.reset(script)
    answers: list[str | None] = []

    async def handler(request: Any) -> None:
        if "outer" in request.command:
            # Its request is another conversation's, so it does not wait for this one.
            result = await (await codex.thread_start(**ASKING)).run("inner")
            answers.append(result.status.value)
        request.accept()

    async with AsyncCodex(model.config(), on_request=handler, max_concurrent_requests=1) as codex:
        result = await (await codex.thread_start(**ASKING)).run("outer")
    assert answers == ["completed"]
    assert result.status is TurnStatus.completed
    assert (model.workspace / "inner").exists()
    assert (model.workspace / "outer").exists()


async def test_a_handler_may_interrupt_the_turn_that_asks(model: OfflineModel) -> None:
    model.reset(once(command("echo done > ran")))
    marks = Marks()

    async def handler(request: Any) -> None:
        try:
            await AsyncTurnHandle(codex, request.thread_id, request.turn_id).interrupt()
            # The turn's end may be seen after the answer to the interrupt.
            with suppress(RequestSettledError):
                request.refuse()
        finally:  # a coroutine is cancelled when its request is settled
            await marks.reach("interrupted")

    async with AsyncCodex(model.config(), on_request=handler) as codex:
        result = await (await codex.thread_start(**ASKING)).run("Go.")
        await marks.wait("interrupted")
    assert result.status is TurnStatus.interrupted
    assert result.request_errors == ()
    assert not (model.workspace / "ran").exists()


async def test_a_handler_may_close_the_client(model: OfflineModel) -> None:
    model.reset(once(command("echo done > ran")))
    marks = Marks()

    async def handler(request: Any) -> None:
        with suppress(BaseException):  # a coroutine is cancelled when its request is settled
            await codex.close()
        await marks.reach("closed")

    codex = AsyncCodex(model.config(), on_request=handler)
    thread = await codex.thread_start(**ASKING)
    with pytest.raises(ClientClosedError):
        await thread.run("Go.")
    await marks.wait("closed")
    await codex.close()
    assert not (model.workspace / "ran").exists()


async def test_a_client_is_closed_while_its_handler_thinks(model: OfflineModel) -> None:
    model.reset(once(command("echo done > ran")))
    marks = Marks()
    ended: list[str | None] = []

    async def handler(request: Any) -> None:
        await marks.reach("asked")
        with suppress(BaseException):
            await request.async_wait_settled(20)  # async only
            # sync only: request.wait_settled(20)
        ended.append(request.settlement)
        await marks.reach("over")

    codex = AsyncCodex(model.config(), on_request=handler)
    thread = await codex.thread_start(**ASKING)
    await thread.turn("Go.")
    await marks.wait("asked")
    await codex.close()
    await marks.wait("over")
    assert ended == ["closed"]


async def test_a_handler_that_fails_has_declined_and_the_turn_goes_on(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    model.reset(once(command("echo done > ran")))

    async def handler(request: Any) -> None:
        raise LookupError("no idea")

    async with AsyncCodex(model.config(), on_request=handler) as codex:
        result = await (await codex.thread_start(**ASKING)).run("Go.")
    assert states(result, "commandExecution") == ["declined"]
    (error,) = result.request_errors
    assert isinstance(error.__cause__, LookupError)
    assert (error.method, error.item_id) == ("item/commandExecution/requestApproval", "call_1_1")
    assert error.turn_id == result.id
    caplog.clear()
