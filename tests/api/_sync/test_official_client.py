# Made from _async/test_official_client.py by `python scripts/make_sync.py`; do not edit.

"""The low-level client over a client's runtime, and handles from before there is one."""

from __future__ import annotations

from typing import Any

import pytest

from codex_app_server import (
    Codex,
    CodexConfig,
    InvalidInputTypeError,
    NoRequestHandlerError,
    StreamClosedError,
    TransportClosedError,
    TurnHandle,
    WaitTimeoutError,
)
from codex_app_server.client import CodexClient
from codex_app_server.models import JsonObject, Notification, ThreadNameUpdatedNotification
from codex_app_server.types import TurnStartResponse, TurnStatus
from tests.api._sync.concurrency import expected
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


def names(client: CodexClient, count: int) -> list[int]:
    events = [client.next_notification(timeout_s=10) for _ in range(count)]
    return [int(payload(one, ThreadNameUpdatedNotification).thread_name or -1) for one in events]


def test_the_last_that_came_before_the_low_level_client_was_asked_for_is_read(
    peer: ScriptedPeer,
) -> None:
    with Codex(scripted(peer)) as codex:
        peer.send(*map(named, range(KEPT + 44)))
        codex.models()  # answered behind them
        client = codex._client
        peer.send(*map(named, range(1000, 1400)))
        codex.models()
        # Of those before, the last; of those after, all.
        assert names(client, KEPT + 400) == [*range(44, KEPT + 44), *range(1000, 1400)]
        with pytest.raises(WaitTimeoutError):
            client.next_notification(timeout_s=0.01)
        assert codex._client is client


def test_a_low_level_client_is_started_once_by_whoever_comes_first(peer: ScriptedPeer) -> None:
    with Codex(scripted(peer)) as codex:
        client = codex._client
        client.start()
        same = client.initialize()
        assert same == client.initialize() == codex.metadata
        assert client.pid == codex.pid
        assert client.config is codex._runtime.config
        assert (client.model_list()).data == []
        client.close()
        with pytest.raises(TransportClosedError):
            codex.models()


def test_a_queue_has_all_of_a_turn_from_its_start_on(peer: ScriptedPeer) -> None:
    with CodexClient(scripted(peer)) as client:
        client.initialize()
        turn_id = (client.turn_start("t", "Go.")).turn.id
        peer.send(
            *(event("item/started", "t", turn_id, item={"type": "x", "id": str(n)}) for n in range(300))
        )
        peer.send(event("turn/completed", "t", turn_id))
        client.model_list()  # answered behind them
        client.register_turn_notifications(turn_id)
        client.register_turn_notifications(turn_id)
        methods = [(client.next_turn_notification(turn_id)).method for _ in range(301)]
        assert methods == ["item/started"] * 300 + ["turn/completed"]
        with pytest.raises(TransportClosedError, match="over, and all its events were read"):
            client.next_turn_notification(turn_id)
        client.unregister_turn_notifications(turn_id)
        client.unregister_turn_notifications(turn_id)
        with pytest.raises(RuntimeError, match="not registered"):
            client.next_turn_notification(turn_id)


def test_a_queue_that_is_waited_for_says_when_it_ends(peer: ScriptedPeer) -> None:
    with CodexClient(scripted(peer)) as client:
        client.initialize()
        client.register_turn_notifications("elsewhere")
        with pytest.raises(WaitTimeoutError):
            client.next_turn_notification("elsewhere", timeout_s=0.01)
        with pytest.raises(WaitTimeoutError):
            client.wait_for_turn_completed("elsewhere", timeout_s=0.01)
        client.register_turn_notifications("elsewhere")
        peer.exit(3)
        with pytest.raises(TransportClosedError):
            client.next_turn_notification("elsewhere")
        process = client._proc
        assert process is not None
        process.wait(10)
        assert process.poll() == process.returncode == 3


def test_a_turn_that_ended_before_anybody_asked_for_it_says_so(peer: ScriptedPeer) -> None:
    with CodexClient(scripted(peer)) as client:
        client.initialize()
        params: JsonObject = {"threadId": "t", "input": []}
        turn_id = (client.request("turn/start", params, response_model=TurnStartResponse)).turn.id
        peer.send(event("turn/completed", "t", turn_id))
        client.model_list()  # answered behind it
        with pytest.raises(StreamClosedError, match="before anybody asked"):
            client.wait_for_turn_completed(turn_id)
        client.register_turn_notifications(turn_id)
        with pytest.raises(TransportClosedError, match="before it was registered"):
            client.next_turn_notification(turn_id)


def test_the_ends_of_the_last_logins_are_kept_for_who_asks(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codex_app_server._sync.codex_client_state._ENDS", 2)
    with CodexClient(scripted(peer)) as client:
        client.initialize()
        ended = [{"loginId": str(number), "success": True, "error": None} for number in range(3)]
        peer.send(*({"method": "account/login/completed", "params": params} for params in ended))
        client.model_list()  # answered behind them
        for kept in ("1", "2"):
            assert (client.wait_for_login_completed(kept)).success
        with pytest.raises(WaitTimeoutError):
            client.wait_for_login_completed("0", timeout_s=0.01)


def test_a_wait_for_a_registered_turn_can_be_begun_again(peer: ScriptedPeer) -> None:
    with CodexClient(scripted(peer)) as client:
        client.initialize()
        turn_id = (client.turn_start("t", "Go.")).turn.id
        client.register_turn_notifications(turn_id)
        with pytest.raises(WaitTimeoutError, match="Wait again"):
            client.wait_for_turn_completed(turn_id, timeout_s=0.01)
        peer.send(event("turn/completed", "t", turn_id))
        client.model_list()  # answered behind it
        assert (client.wait_for_turn_completed(turn_id)).turn.id == turn_id
        assert client._turns == {}


def test_without_a_handler_the_one_that_is_there_refuses(peer: ScriptedPeer) -> None:
    with Codex(scripted(peer)) as codex:
        default: Any = codex._client._approval_handler
        with pytest.raises(NoRequestHandlerError, match="nobody answers it"):
            default("item/commandExecution/requestApproval", {"threadId": "t"})
        codex._client._approval_handler = lambda method, params: {"decision": "accept"}
        codex._client._approval_handler = default
        assert codex._runtime.serving._roster.queues == []
        with pytest.raises(InvalidInputTypeError):
            codex._client._approval_handler = 3  # type: ignore[assignment]


def test_another_handler_takes_the_place_of_the_first(peer: ScriptedPeer) -> None:
    with CodexClient(scripted(peer), approval_handler=lambda *_: {"by": "first"}) as client:
        client.initialize()
        client._approval_handler = lambda method, params: {"by": "second", "params": params}
        peer.send({"id": 7, "method": "currentTime/read", "params": {"threadId": "t"}})
        answer = expected(peer, None)
        assert answer == {"id": 7, "result": {"by": "second", "params": {"threadId": "t"}}}


def test_a_handle_from_before_the_start_sees_its_turn_from_the_runtimes_first_line(
    peer: ScriptedPeer,
) -> None:
    client = CodexClient(scripted(peer))
    handle = TurnHandle(client, "t", "u")
    forgotten = TurnHandle(client, "t", "v")
    forgotten.close()
    del forgotten
    with client:
        peer.send(event("turn/started", "t", "u"), event("turn/completed", "t", "u"))
        client.initialize()
        client.model_list()  # answered behind them
        heard: list[Notification] = [one for one in handle.stream()]
        assert [one.method for one in heard] == ["turn/started", "turn/completed"]
        assert (handle.result()).status is TurnStatus.completed


def test_a_handler_that_is_taken_away_is_asked_no_more(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    with CodexClient(scripted(peer), approval_handler=lambda *_: {"by": "it"}) as client:
        client.initialize()
        client._approval_handler = None
        assert client._runtime.serving._roster.queues == []
        peer.send({"id": 7, "method": "currentTime/read", "params": {"threadId": "t"}})
        assert "error" in expected(peer, None)
    assert "no handler answers it" in caplog.text
    caplog.clear()


def test_a_client_put_into_another_has_its_handler_asked(peer: ScriptedPeer) -> None:
    codex = Codex.__new__(Codex)
    codex._client = CodexClient(scripted(peer), approval_handler=lambda *_: {"by": "it"})
    with codex:
        peer.send({"id": 7, "method": "currentTime/read", "params": {"threadId": "t"}})
        assert expected(peer, None) == {"id": 7, "result": {"by": "it"}}


def test_the_default_handler_of_a_subclass_is_asked(peer: ScriptedPeer) -> None:
    class Client(CodexClient):
        def _default_approval_handler(self, method: str, params: JsonObject | None) -> JsonObject:
            return {"by": method}

    with Client(scripted(peer)) as client:
        client.initialize()
        for number in range(2):
            peer.send({"id": number, "method": "currentTime/read", "params": {"threadId": "t"}})
            assert expected(peer, None) == {"id": number, "result": {"by": "currentTime/read"}}
            client._approval_handler = client._default_approval_handler


def test_how_a_killed_process_has_ended_is_the_signals_number(peer: ScriptedPeer) -> None:
    with CodexClient(scripted(peer)) as client:
        client.initialize()
        process = client._proc
        assert process is not None
        assert process.poll() is None
        kill(process.pid)
        assert process.wait(10) == process.poll() == process.returncode == KILLED


def test_a_low_level_client_from_before_the_start_has_all_that_is_no_turns(peer: ScriptedPeer) -> None:
    codex = Codex(scripted(peer))
    client = codex._client
    with codex:
        peer.send(*map(named, range(KEPT + 44)))
        codex.models()  # answered behind them
        assert names(client, KEPT + 44) == [*range(KEPT + 44)]


def test_a_goal_that_nobody_follows_yet_is_paused_when_it_is_cancelled(peer: ScriptedPeer) -> None:
    asked = []

    def set_goal(params: Any) -> dict[str, Any]:
        asked.append(params)
        return {"goal": GOAL}

    peer.answers["thread/goal/set"] = set_goal
    with CodexClient(scripted(peer)) as client:
        client.initialize()
        route = client.register_goal_operation("t")
        client.cancel_goal_operation(route)
        assert asked == [{"threadId": "t", "status": "paused"}]
        client.unregister_goal_operation(route)
