# Made from _async/test_codex_client.py by `python scripts/make_sync.py`; do not edit.

"""The low-level client: what it keeps for its caller, and the handler of what the runtime asks."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest

from codex_app_server import (
    ClientClosedError,
    CodexConfig,
    InvalidInputTypeError,
    InvalidRequestError,
    StartupError,
    StreamClosedError,
    StreamOverflowError,
    Thread,
    TransportClosedError,
    TurnHandle,
    WaitTimeoutError,
)
from codex_app_server.client import CodexClient
from codex_app_server.models import UnknownNotification
from codex_app_server.testing import OfflineModel
from codex_app_server.types import ModelListResponse, TurnStatus
from tests.api._sync.concurrency import Background, Marks, expected, together
from tests.payloads import delta as text_of
from tests.payloads import payload
from tests.peer import ScriptedPeer, delta, event, started
from tests.processes import KILLED_SAYS, kill
from tests.programs import python

APPROVAL = "item/commandExecution/requestApproval"


def scripted(peer: ScriptedPeer, **fields: Any) -> CodexConfig:
    peer.answers["turn/start"] = lambda params: started(f"turn of {params['threadId']}")
    peer.answers["model/list"] = {"data": [], "nextCursor": None}
    return CodexConfig(launch_args_override=peer.argv, **fields)


def ready(config: CodexConfig, **options: Any) -> CodexClient:
    client = CodexClient(config, **options)
    client.start()
    client.initialize()
    return client


def stats(client: CodexClient) -> dict[str, int]:
    return client._runtime.stats()


# --- turns


def test_a_handle_made_with_the_client_has_a_turns_events_from_its_first(model: OfflineModel) -> None:
    with CodexClient(model.config()) as client:
        client.initialize()
        thread_id = (client.thread_start({"ephemeral": True})).thread.id
        turn = (client.turn_start(thread_id, "one two")).turn
        model.wait_for_requests(1)
        client.model_list()
        events = [one for one in TurnHandle(client, thread_id, turn.id).stream()]
        assert events[0].method == "turn/started"
        assert "".join(map(text_of, deltas(events))) == "one two"
        thread = Thread(client, thread_id)
        assert (thread.run("three")).final_response == "three"


def deltas(events: list[Any]) -> list[Any]:
    return [one for one in events if one.method == "item/agentMessage/delta"]


def test_a_turns_end_is_waited_for_once(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer))
    client.turn_start("t", "Hi.")
    peer.send(delta("t", "turn of t", "x"), event("turn/completed", "t", "turn of t"))
    completed = client.wait_for_turn_completed("turn of t")
    assert (completed.thread_id, completed.turn.status) == ("t", TurnStatus.completed)
    with pytest.raises(StreamClosedError, match="somebody"):
        client.wait_for_turn_completed("turn of t")
    client.close()


def test_a_wait_that_was_stopped_can_be_begun_again(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer))
    client.turn_start("t", "Hi.")
    client.turn_start("t", "Joined.")
    waiting = Background(lambda: client.wait_for_turn_completed("turn of t"))
    client.model_list()
    client.turn_start("t", "Joined again.")
    peer.send(event("turn/completed", "t", "turn of t"))
    found = waiting.result()
    assert found.turn.id == "turn of t"
    assert client._connection.unclaimed == {}
    assert stats(client)["turns_routed"] == 0
    with pytest.raises(StreamClosedError, match="somebody"):
        client.wait_for_turn_completed("turn of t")
    client.close()


def test_a_wait_that_was_stopped_leaves_the_turn_to_who_asks_next(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer))
    client.turn_start("t", "Hi.")
    with pytest.raises(WaitTimeoutError):
        client.wait_for_turn_completed("turn of t", timeout_s=0.01)
    peer.send(delta("t", "turn of t", "x"), event("turn/completed", "t", "turn of t"))
    client.model_list()  # answered behind them
    handle = TurnHandle(client, "t", "turn of t")
    heard = [one.method for one in handle.stream()]
    assert heard == ["item/agentMessage/delta", "turn/completed"]
    client.close()


def test_turns_that_nobody_asks_for_are_bounded(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("codex_app_server._sync.connection._UNCLAIMED", 3)
    client = ready(scripted(peer))
    for number in range(5):
        client.turn_start(f"t{number}", "Hi.")
    assert list(client._connection.unclaimed) == ["turn of t2", "turn of t3", "turn of t4"]
    assert "turn of t0" in caplog.text
    caplog.clear()
    client.close()


def test_another_threads_handle_does_not_take_a_turn(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer))
    client.turn_start("t", "Hi.")
    other = TurnHandle(client, "other", "turn of t")
    peer.send(event("turn/completed", "t", "turn of t"))
    assert (client.wait_for_turn_completed("turn of t")).thread_id == "t"
    assert len([one for one in other.stream()]) == 1
    client.close()


def test_an_end_is_found_behind_deltas_that_were_dropped(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer, turn_budget_bytes=100_000))
    client.turn_start("t", "Hi.")
    peer.send(*(delta("t", "turn of t", "x" * 1000) for _ in range(200)))
    peer.send(event("turn/completed", "t", "turn of t"))
    client.model_list()
    assert stats(client)["events_lost"] > 0
    assert (client.wait_for_turn_completed("turn of t")).turn.status is TurnStatus.completed
    client.close()


def test_starting_at_once_starts_one_runtime(peer: ScriptedPeer) -> None:
    client = CodexClient(scripted(peer))
    together(*[client.start] * 4)
    client.initialize()
    assert (client.model_list()).data == []
    client.close()


def test_an_end_that_a_newer_runtime_has_changed_is_an_end(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer))
    client.turn_start("t", "Hi.")
    peer.send(event("turn/completed", "t", "turn of t", durationMs="long"))
    completed = client.wait_for_turn_completed("turn of t")
    assert (completed.thread_id, completed.turn.id) == ("t", "turn of t")
    client.close()


def test_a_turn_that_is_joined_is_kept_once(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer))
    client.turn_start("t", "Hi.")
    peer.send(delta("t", "turn of t", "early"))
    client.model_list()
    client.turn_start("t", "And more.")
    peer.send(event("turn/completed", "t", "turn of t"))
    events = [one for one in TurnHandle(client, "t", "turn of t").stream()]
    assert [one.method for one in events] == ["item/agentMessage/delta", "turn/completed"]
    client.close()


def test_text_is_streamed_as_payloads_and_leaving_it_frees_the_rest(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer))
    by_itself = peer.answers.pop("turn/start")
    stream = client.stream_text("t", "Tell.")
    assert peer.received == 0  # nothing is sent before it is asked for the first
    reading = Background(stream.__next__)
    peer.answer(expected(peer, "turn/start"), started("turn of t"))
    peer.answers["turn/start"] = by_itself
    client.turn_start("other", "Hi.")
    peer.send(event("item/started", "t", "turn of t"), delta("t", "turn of t", "one"))
    assert (reading.result()).delta == "one"
    peer.send(delta("t", "turn of t", "two"), event("turn/completed", "other", "turn of other"))
    client.wait_for_turn_completed("turn of other")
    assert stats(client)["mailbox_bytes"] > 0
    stream.close()  # type: ignore[attr-defined]
    assert stats(client)["mailbox_bytes"] == 0
    client.close()


# --- everything else


def test_what_is_no_turns_is_kept_from_the_start_on(peer: ScriptedPeer) -> None:
    client = CodexClient(scripted(peer))
    with pytest.raises(TransportClosedError, match="start"):
        client.next_notification()
    client.start()
    peer.send({"method": "brand/new", "params": {"x": 1}}, delta("t", "u", "a turn's"))
    client.initialize()
    event = client.next_notification()
    assert payload(event, UnknownNotification).params == {"x": 1}
    waiting = Background(client.next_notification)
    peer.send({"method": "skills/changed", "params": {}})
    assert (waiting.result()).method == "skills/changed"
    peer.send({"method": "skills/changed", "params": {}})
    client.model_list()
    client.close()
    assert (client.next_notification()).method == "skills/changed"
    with pytest.raises(ClientClosedError):
        client.next_notification()


def test_what_nobody_reads_is_bounded_and_the_gap_is_told(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer, turn_budget_bytes=100_000))
    peer.send(*({"method": "brand/new", "params": {"x": "y" * 1000}} for _ in range(200)))
    client.model_list()
    assert stats(client)["mailbox_bytes"] <= 100_000
    for _ in range(50):
        assert (client.next_notification()).method == "brand/new"

    def read_on() -> None:
        for _ in range(50):
            client.next_notification()

    with pytest.raises(StreamOverflowError):
        read_on()
    peer.send({"method": "skills/changed", "params": {}})
    assert (client.next_notification()).method == "skills/changed"
    client.close()


def test_a_closed_client_can_be_started_again(model: OfflineModel) -> None:
    client = ready(model.config())
    client.close()
    client.close()
    with pytest.raises(ClientClosedError):
        client.model_list()
    client.start()
    client.start()
    with pytest.raises(InvalidRequestError, match="Not initialized"):
        client.model_list()
    client.initialize()
    assert (client.model_list()).data
    with pytest.raises(InvalidRequestError, match="Already"):
        client.initialize()
    assert (client.model_list()).data
    client.close()


def test_a_client_whose_runtime_has_died_can_be_started_again(model: OfflineModel) -> None:
    client = ready(model.config())
    thread = Thread(client, (client.thread_start({})).thread.id)
    thread.run("Hi.")
    kill(client._connection.native.pid)

    def listen() -> None:
        while True:
            client.next_notification()

    with pytest.raises(TransportClosedError, match=KILLED_SAYS):
        listen()
    client.start()
    client.initialize()
    client.thread_resume(thread.id)
    assert (thread.run("Still here?")).final_response == "Still here?"
    client.close()


def test_a_thread_of_a_client_does_not_start_it(model: OfflineModel) -> None:
    client = CodexClient(model.config())
    thread = Thread(client, "t")
    with pytest.raises(TransportClosedError, match="start"):
        thread.read()
    client.close()


def test_a_client_is_greeted_once_and_closed_however_it_is_used(model: OfflineModel) -> None:
    client = CodexClient(model.config())
    client.start()

    def greet() -> bool:
        try:
            return (client.initialize()).userAgent is not None
        except InvalidRequestError:
            return False

    assert sorted(together(greet, greet, greet)) == [False, False, True]
    assert (client.model_list()).data
    together(client.close, client.start, client.close)
    client.close()
    client.start()
    client.initialize()
    assert (client.model_list()).data
    client.close()


def test_a_program_that_is_no_runtime_is_told_at_the_greeting() -> None:
    client = CodexClient(CodexConfig(launch_args_override=python("raise SystemExit(3)")))
    client.start()
    with pytest.raises(StartupError) as caught:
        client.initialize()
    assert caught.value.exit_code == 3
    client.close()


def test_requests_and_notifications_go_out_as_they_are(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer))
    del peer.answers["model/list"]
    asking = Background(lambda: client.request("model/list", {"a": None}, response_model=ModelListResponse))
    request = expected(peer, "model/list")
    assert request["params"] == {"a": None}
    peer.answer(request, {"data": []})
    assert (asking.result()).data == []
    client.notify("brand/new", {"x": 1})
    assert (expected(peer, "brand/new"))["params"] == {"x": 1}
    for wrong in (3, None):
        with pytest.raises(InvalidInputTypeError, match="input"):
            client.turn_start("t", wrong)  # type: ignore[arg-type]
    client.close()


def test_overload_is_retried(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer))
    del peer.answers["model/list"]
    asking = Background(
        lambda: client.request_with_retry_on_overload(
            "model/list", {}, response_model=ModelListResponse, initial_delay_s=0.0
        )
    )
    for _ in range(8):  # one more than a single call is sent
        peer.refuse(expected(peer, "model/list"), -32001, "Server overloaded; retry later.")
    peer.answer(expected(peer, "model/list"), {"data": []})
    assert (asking.result()).data == []
    client.close()


def test_a_login_is_heard_of_however_early_it_is_over(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer))
    over = {"method": "account/login/completed", "params": {"loginId": "l", "success": True, "error": None}}
    peer.answers["account/login/start"] = {"type": "chatgpt", "loginId": "l", "authUrl": "https://x"}
    peer.answers["account/login/cancel"] = {"status": "canceled"}
    peer.send_once("account/login/start", over)
    begun = client.account_login_start({"type": "chatgpt"})
    assert getattr(begun.root, "login_id", None) == "l"
    assert (client.wait_for_login_completed("l")).success
    assert (client.account_login_cancel("l")).status.value == "canceled"
    others = stats(client)["streams_routed"]
    waiting = Background(lambda: client.wait_for_login_completed("m"))
    while stats(client)["streams_routed"] == others:  # it hears of what comes from then on
        client.model_list()
    peer.send({**over, "params": {"loginId": "m", "success": False, "error": "no"}})
    assert not (waiting.result()).success
    client.close()


# --- the handler


def cancelled() -> Any:
    raise KeyboardInterrupt


def ask(peer: ScriptedPeer, number: int) -> None:
    params = {"threadId": "t", "turnId": "u", "itemId": "i", "command": f"echo {number}", "startedAtMs": 1}
    peer.send({"id": number, "method": APPROVAL, "params": params})


def test_a_handler_answers_one_after_the_other(peer: ScriptedPeer) -> None:
    asked = []

    def handler(method: str, params: Any) -> Any:
        asked.append((method, params["command"]))
        return {"decision": "accept"}

    client = ready(scripted(peer), approval_handler=handler)
    for number in range(3):
        ask(peer, number)
    answers = [(reply(peer)) for _ in range(3)]
    assert answers == [{"id": number, "result": {"decision": "accept"}} for number in range(3)]
    assert asked == [(APPROVAL, f"echo {number}") for number in range(3)]
    client.close()


def reply(peer: ScriptedPeer) -> dict[str, Any]:
    """The client's next message, whatever it is."""
    return expected(peer, None)


def test_without_a_handler_nothing_is_approved(peer: ScriptedPeer) -> None:
    client = ready(scripted(peer))
    ask(peer, 0)
    assert (reply(peer))["result"] == {"decision": "decline"}
    client._connection.native.take_diagnostics()
    client.close()


FAULTS = [
    "raises",
    "exits",
    "is cancelled",
    "gives nothing",
    "gives no JSON",
    "gives NaN",
    "gives half a pair",
]


def test_a_handler_may_close_the_client(peer: ScriptedPeer) -> None:
    marks = Marks()

    def handler(method: str, params: Any) -> Any:
        client.close()
        marks.reach("closed")
        return {}

    client = ready(scripted(peer), approval_handler=handler)
    ask(peer, 0)
    marks.wait("closed")
    client.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_handler_that_fails_refuses_and_the_next_request_is_handled(
    fault: str, peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(method: str, params: Any) -> Any:
        if params["command"] != "echo 0":
            return {"decision": "accept"}
        if fault == "raises":
            raise LookupError("no idea")
        if fault == "exits":
            raise SystemExit(3)
        if fault == "is cancelled":
            return cancelled()
        wrong = {"gives no JSON": object(), "gives NaN": math.nan, "gives half a pair": "\ud800"}
        return {"decision": wrong[fault]} if fault in wrong else None

    client = ready(scripted(peer), approval_handler=handler)
    ask(peer, 0)
    assert (reply(peer))["result"] == {"decision": "decline"}
    ask(peer, 1)
    assert (reply(peer))["result"] == {"decision": "accept"}
    assert "failed, so it was refused" in caplog.text
    caplog.clear()
    client.close()


def test_a_handler_may_call_the_client_and_holds_up_nothing_else(peer: ScriptedPeer) -> None:
    marks = Marks()
    found: list[Any] = []

    def handler(method: str, params: Any) -> Any:
        found.append((client.model_list()).data)
        marks.reach("asked")
        marks.wait("go on")
        return {"decision": "accept"}

    client = ready(scripted(peer), approval_handler=handler)
    client.turn_start("t", "Hi.")
    ask(peer, 0)
    marks.wait("asked")
    peer.send(event("turn/completed", "t", "turn of t"))
    assert (client.wait_for_turn_completed("turn of t")).turn.id == "turn of t"
    assert (client.model_list()).data == found[0] == []
    marks.reach("go on")
    assert (reply(peer))["result"] == {"decision": "accept"}
    client.close()


def test_a_client_can_be_closed_while_its_handler_thinks(peer: ScriptedPeer) -> None:
    marks = Marks()

    def handler(method: str, params: Any) -> Any:
        marks.reach("asked")
        marks.wait("closed")
        return {}

    client = ready(scripted(peer), approval_handler=handler)
    ask(peer, 0)
    marks.wait("asked")
    client.close()
    marks.reach("closed")


def test_a_handler_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(InvalidInputTypeError, match="approval_handler"):
        CodexClient(approval_handler="yes")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputTypeError, match="CodexConfig"):
        CodexClient({"codex_bin": "x"})  # type: ignore[arg-type]


def test_many_turns_are_waited_for_at_once(model: OfflineModel) -> None:
    client = ready(model.config())

    def job(number: int) -> Any:
        thread_id = (client.thread_start({"ephemeral": True})).thread.id
        turn = (client.turn_start(thread_id, f"number {number}")).turn
        return (client.wait_for_turn_completed(turn.id)).turn.status

    jobs = [functools.partial(job, number) for number in range(8)]
    assert together(*jobs) == [TurnStatus.completed] * 8
    client.close()
