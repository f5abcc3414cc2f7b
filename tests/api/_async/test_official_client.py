"""The low-level client over a client's runtime, and handles from before there is one."""

from __future__ import annotations

from typing import Any

import pytest

from codex_app_server import (
    AsyncCodex,
    AsyncTurnHandle,
    CodexConfig,
    InvalidInputTypeError,
    NoRequestHandlerError,
    StreamClosedError,
    TransportClosedError,
    WaitTimeoutError,
)
from codex_app_server.async_client import AsyncCodexClient
from codex_app_server.models import JsonObject, Notification, ThreadNameUpdatedNotification
from codex_app_server.types import TurnStartResponse, TurnStatus
from tests.api._async.concurrency import expected
from tests.payloads import payload
from tests.peer import ScriptedPeer, event, started
from tests.processes import KILLED, kill

KEPT = 256
GOAL = {
    "threadId": "t",
    "objective": "Win.",
    "status": "paused",
    "tokenBudget": None,
    "tokensUsed": 0,
    "timeUsedSeconds": 0,
    "createdAt": 0,
    "updatedAt": 0,
}


def scripted(peer: ScriptedPeer) -> CodexConfig:
    peer.answers["turn/start"] = lambda params: started(f"turn of {params['threadId']}")
    peer.answers["model/list"] = {"data": [], "nextCursor": None}
    return CodexConfig(launch_args_override=peer.argv)


def named(number: int) -> dict[str, Any]:
    return {"method": "thread/name/updated", "params": {"threadId": "t", "threadName": str(number)}}


async def names(client: AsyncCodexClient, count: int) -> list[int]:
    events = [await client.next_notification(timeout_s=10) for _ in range(count)]
    return [int(payload(one, ThreadNameUpdatedNotification).thread_name or -1) for one in events]


async def test_the_last_that_came_before_the_low_level_client_was_asked_for_is_read(
    peer: ScriptedPeer,
) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        peer.send(*map(named, range(KEPT + 44)))
        await codex.models()  # answered behind them
        client = codex._client
        peer.send(*map(named, range(1000, 1400)))
        await codex.models()
        # Of those before, the last; of those after, all.
        assert await names(client, KEPT + 400) == [*range(44, KEPT + 44), *range(1000, 1400)]
        with pytest.raises(WaitTimeoutError):
            await client.next_notification(timeout_s=0.01)
        assert codex._client is client


async def test_a_low_level_client_is_started_once_by_whoever_comes_first(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        client = codex._client
        await client.start()
        same = await client.initialize()
        assert same == await client.initialize() == codex.metadata
        assert client.pid == codex.pid
        assert client.config is codex._runtime.config
        assert (await client.model_list()).data == []
        await client.close()
        with pytest.raises(TransportClosedError):
            await codex.models()


async def test_a_queue_has_all_of_a_turn_from_its_start_on(peer: ScriptedPeer) -> None:
    async with AsyncCodexClient(scripted(peer)) as client:
        await client.initialize()
        turn_id = (await client.turn_start("t", "Go.")).turn.id
        peer.send(
            *(event("item/started", "t", turn_id, item={"type": "x", "id": str(n)}) for n in range(300))
        )
        peer.send(event("turn/completed", "t", turn_id))
        await client.model_list()  # answered behind them
        client.register_turn_notifications(turn_id)
        client.register_turn_notifications(turn_id)
        methods = [(await client.next_turn_notification(turn_id)).method for _ in range(301)]
        assert methods == ["item/started"] * 300 + ["turn/completed"]
        with pytest.raises(TransportClosedError, match="over, and all its events were read"):
            await client.next_turn_notification(turn_id)
        client.unregister_turn_notifications(turn_id)
        client.unregister_turn_notifications(turn_id)
        with pytest.raises(RuntimeError, match="not registered"):
            await client.next_turn_notification(turn_id)


async def test_a_queue_that_is_waited_for_says_when_it_ends(peer: ScriptedPeer) -> None:
    async with AsyncCodexClient(scripted(peer)) as client:
        await client.initialize()
        client.register_turn_notifications("elsewhere")
        with pytest.raises(WaitTimeoutError):
            await client.next_turn_notification("elsewhere", timeout_s=0.01)
        with pytest.raises(WaitTimeoutError):
            await client.wait_for_turn_completed("elsewhere", timeout_s=0.01)
        client.register_turn_notifications("elsewhere")
        peer.exit(3)
        with pytest.raises(TransportClosedError):
            await client.next_turn_notification("elsewhere")
        process = client._proc
        assert process is not None
        process.wait(10)
        assert process.poll() == process.returncode == 3


async def test_a_turn_that_ended_before_anybody_asked_for_it_says_so(peer: ScriptedPeer) -> None:
    async with AsyncCodexClient(scripted(peer)) as client:
        await client.initialize()
        params: JsonObject = {"threadId": "t", "input": []}
        turn_id = (await client.request("turn/start", params, response_model=TurnStartResponse)).turn.id
        peer.send(event("turn/completed", "t", turn_id))
        await client.model_list()  # answered behind it
        with pytest.raises(StreamClosedError, match="before anybody asked"):
            await client.wait_for_turn_completed(turn_id)
        client.register_turn_notifications(turn_id)
        with pytest.raises(TransportClosedError, match="before it was registered"):
            await client.next_turn_notification(turn_id)


async def test_the_ends_of_the_last_logins_are_kept_for_who_asks(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codex_app_server._async.codex_client_state._ENDS", 2)
    async with AsyncCodexClient(scripted(peer)) as client:
        await client.initialize()
        ended = [{"loginId": str(number), "success": True, "error": None} for number in range(3)]
        peer.send(*({"method": "account/login/completed", "params": params} for params in ended))
        await client.model_list()  # answered behind them
        for kept in ("1", "2"):
            assert (await client.wait_for_login_completed(kept)).success
        with pytest.raises(WaitTimeoutError):
            await client.wait_for_login_completed("0", timeout_s=0.01)


async def test_a_wait_for_a_registered_turn_can_be_begun_again(peer: ScriptedPeer) -> None:
    async with AsyncCodexClient(scripted(peer)) as client:
        await client.initialize()
        turn_id = (await client.turn_start("t", "Go.")).turn.id
        client.register_turn_notifications(turn_id)
        with pytest.raises(WaitTimeoutError, match="Wait again"):
            await client.wait_for_turn_completed(turn_id, timeout_s=0.01)
        peer.send(event("turn/completed", "t", turn_id))
        await client.model_list()  # answered behind it
        assert (await client.wait_for_turn_completed(turn_id)).turn.id == turn_id
        assert client._turns == {}


async def test_without_a_handler_the_one_that_is_there_refuses(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        default: Any = codex._client._approval_handler
        with pytest.raises(NoRequestHandlerError, match="nobody answers it"):
            default("item/commandExecution/requestApproval", {"threadId": "t"})
        codex._client._approval_handler = lambda method, params: {"decision": "accept"}
        codex._client._approval_handler = default
        assert codex._runtime.serving._roster.queues == []
        with pytest.raises(InvalidInputTypeError):
            codex._client._approval_handler = 3  # type: ignore[assignment]


async def test_another_handler_takes_the_place_of_the_first(peer: ScriptedPeer) -> None:
    async with AsyncCodexClient(scripted(peer), approval_handler=lambda *_: {"by": "first"}) as client:
        await client.initialize()
        client._approval_handler = lambda method, params: {"by": "second", "params": params}
        peer.send({"id": 7, "method": "currentTime/read", "params": {"threadId": "t"}})
        answer = await expected(peer, None)
        assert answer == {"id": 7, "result": {"by": "second", "params": {"threadId": "t"}}}


async def test_a_handle_from_before_the_start_sees_its_turn_from_the_runtimes_first_line(
    peer: ScriptedPeer,
) -> None:
    client = AsyncCodexClient(scripted(peer))
    handle = AsyncTurnHandle(client, "t", "u")
    forgotten = AsyncTurnHandle(client, "t", "v")
    await forgotten.aclose()
    del forgotten
    async with client:
        peer.send(event("turn/started", "t", "u"), event("turn/completed", "t", "u"))
        await client.initialize()
        await client.model_list()  # answered behind them
        heard: list[Notification] = [one async for one in handle.stream()]
        assert [one.method for one in heard] == ["turn/started", "turn/completed"]
        assert (await handle.result()).status is TurnStatus.completed


async def test_a_handler_that_is_taken_away_is_asked_no_more(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncCodexClient(scripted(peer), approval_handler=lambda *_: {"by": "it"}) as client:
        await client.initialize()
        client._approval_handler = None
        assert client._runtime.serving._roster.queues == []
        peer.send({"id": 7, "method": "currentTime/read", "params": {"threadId": "t"}})
        assert "error" in await expected(peer, None)
    assert "no handler answers it" in caplog.text
    caplog.clear()


async def test_a_client_put_into_another_has_its_handler_asked(peer: ScriptedPeer) -> None:
    codex = AsyncCodex.__new__(AsyncCodex)
    codex._client = AsyncCodexClient(scripted(peer), approval_handler=lambda *_: {"by": "it"})
    async with codex:
        peer.send({"id": 7, "method": "currentTime/read", "params": {"threadId": "t"}})
        assert await expected(peer, None) == {"id": 7, "result": {"by": "it"}}


async def test_the_default_handler_of_a_subclass_is_asked(peer: ScriptedPeer) -> None:
    class Client(AsyncCodexClient):
        def _default_approval_handler(self, method: str, params: JsonObject | None) -> JsonObject:
            return {"by": method}

    async with Client(scripted(peer)) as client:
        await client.initialize()
        for number in range(2):
            peer.send({"id": number, "method": "currentTime/read", "params": {"threadId": "t"}})
            assert await expected(peer, None) == {"id": number, "result": {"by": "currentTime/read"}}
            client._approval_handler = client._default_approval_handler


async def test_how_a_killed_process_has_ended_is_the_signals_number(peer: ScriptedPeer) -> None:
    async with AsyncCodexClient(scripted(peer)) as client:
        await client.initialize()
        process = client._proc
        assert process is not None
        assert process.poll() is None
        kill(process.pid)
        assert process.wait(10) == process.poll() == process.returncode == KILLED


async def test_a_low_level_client_from_before_the_start_has_all_that_is_no_turns(peer: ScriptedPeer) -> None:
    codex = AsyncCodex(scripted(peer))
    client = codex._client
    async with codex:
        peer.send(*map(named, range(KEPT + 44)))
        await codex.models()  # answered behind them
        assert await names(client, KEPT + 44) == [*range(KEPT + 44)]


async def test_a_goal_that_nobody_follows_yet_is_paused_when_it_is_cancelled(peer: ScriptedPeer) -> None:
    asked = []

    def set_goal(params: Any) -> dict[str, Any]:
        asked.append(params)
        return {"goal": GOAL}

    peer.answers["thread/goal/set"] = set_goal
    async with AsyncCodexClient(scripted(peer)) as client:
        await client.initialize()
        route = client.register_goal_operation("t")
        await client.cancel_goal_operation(route)
        assert asked == [{"threadId": "t", "status": "paused"}]
        client.unregister_goal_operation(route)
