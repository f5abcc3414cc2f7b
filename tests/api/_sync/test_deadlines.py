# Made from _async/test_deadlines.py by `python scripts/make_sync.py`; do not edit.

"""How long a call or a turn may take, and what is left when its time is over."""

from __future__ import annotations

import contextlib
import inspect
import logging
import math
import time
from typing import Any

import pytest

from codex_app_server import Codex, CodexConfig, GoalResult, Sandbox, Thread, TurnHandle
from codex_app_server._sync import (
    accounts,
    client,
    client_streams,
    goal,
    login,
    programs,
    rpc,
    turn,
    watching,
)
from codex_app_server._sync.waiting import sleep
from codex_app_server.client import CodexClient
from codex_app_server.errors import (
    CodexError,
    InvalidInputError,
    InvalidInputTypeError,
    InvalidRequestError,
    RequestTimeoutError,
    TurnFailedError,
    TurnNotRunningError,
    TurnNotSteerableError,
    TurnTimeoutError,
    WaitTimeoutError,
)
from codex_app_server.generated.v2_all import ThreadGoalStatus
from codex_app_server.testing import Answer, Disconnect, HttpFailure, Message, OfflineModel, Pause
from codex_app_server.types import TurnStatus
from tests.api._sync.concurrency import Background, Marks, expected, together
from tests.peer import ScriptedPeer, delta, event, started
from tests.processes import stopped
from tests.programs import CAT

# Longer than any test takes: who waits for so long has not been told of its own deadline.
LONG_S = 50.0
SHORT_S = 0.3


def config(peer: ScriptedPeer, **fields: Any) -> CodexConfig:
    return CodexConfig(launch_args_override=peer.argv, **{"request_timeout_s": LONG_S, **fields})


def thread_of(codex: Codex, peer: ScriptedPeer, thread_id: str = "t") -> Thread:
    peer.answers["thread/start"] = {"thread": {"id": thread_id}}
    return codex.thread_start()


def turn_of(codex: Codex, peer: ScriptedPeer, turn_id: str = "u") -> TurnHandle:
    peer.answers["turn/start"] = started(turn_id)
    thread = thread_of(codex, peer)
    peer.send_once("turn/start", event("turn/started", "t", turn_id))
    return thread.turn("go")


def took(begun: float) -> float:
    return time.monotonic() - begun


# --- every method


ASKS_NOTHING = {
    # They begin nothing, wait for nothing of the runtime's, or have a time of their own.
    "close",
    "metadata",
    "notifications",
    "notify",
    "pending_request",
    "pending_requests",
    "pid",
    "request_errors",
    "requests",
    "rpc",
    "start",
    "stats",
    "stream",
    "stream_text",
    # The official client's queues: their reads have deadlines.
    "register_goal_operation",
    "register_login_notifications",
    "register_turn_notifications",
    "reserve_goal_operation",
    "unregister_goal_operation",
    "unregister_login_notifications",
    "unregister_turn_notifications",
    # Their calls are below.
    "path",
    "goal",
    "current_turn_id",
    "is_over",
}


def public_methods(kind: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in dir(kind):
        value = inspect.getattr_static(kind, name)
        if not name.startswith("_") and inspect.isfunction(value):
            found[name] = value
    return found


CLASSES = [
    client.Codex,
    CodexClient,
    Thread,
    turn.TurnHandle,
    goal.GoalHandle,
    programs.CommandHandle,
    programs.ProcessHandle,
    watching.FsWatch,
    watching.FuzzyFileSearch,
    login.Login,
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_method_that_asks_the_runtime_has_a_deadline(kind: type) -> None:
    assert client_streams.ClientStreams in Codex.__mro__
    assert accounts.Accounts in Codex.__mro__
    without = {
        name
        for name, method in public_methods(kind).items()
        if "timeout_s" not in inspect.signature(method).parameters
    }
    own_end = {"close"} if kind in (TurnHandle, goal.GoalHandle) else set()
    assert without - own_end <= ASKS_NOTHING


def test_every_generated_call_has_a_deadline() -> None:
    calls = [
        method
        for kind in vars(rpc).values()
        if inspect.isclass(kind) and kind.__module__ == rpc.__name__
        for name, method in vars(kind).items()
        if inspect.isfunction(method) and (not name.startswith("_") or name == "__call__")
    ]
    assert len(calls) > 150
    for method in calls:
        parameter = inspect.signature(method).parameters["timeout_s"]
        assert parameter.kind is parameter.KEYWORD_ONLY, method
        assert parameter.default is None, method


@pytest.mark.parametrize("wrong", ["1", True, [1]])
def test_a_deadline_is_a_number(peer: ScriptedPeer, wrong: Any) -> None:
    with Codex(config(peer)) as codex:
        with pytest.raises(InvalidInputTypeError, match="timeout_s must be a number of seconds"):
            codex.models(timeout_s=wrong)
        with pytest.raises(InvalidInputTypeError, match="idle_timeout_s must be a number of seconds"):
            Thread(codex, "t").run("go", idle_timeout_s=wrong)
        for no_number in (math.nan, 10**400):
            with pytest.raises(InvalidInputError, match="timeout_s must be a number of seconds"):
                codex.models(timeout_s=no_number)
        assert peer.received == 0


# --- requests


def test_every_kind_of_call_ends_with_its_deadline_while_the_runtime_hangs(model: OfflineModel) -> None:
    with Codex(model.config(request_timeout_s=LONG_S)) as codex:
        thread = codex.thread_start()
        interrupting = (codex.thread_start()).turn("Hello?")
        jobs = [
            lambda: codex.models(timeout_s=SHORT_S),
            lambda: codex.request("model/list", {}, timeout_s=SHORT_S),
            lambda: codex.rpc.model.list(timeout_s=SHORT_S),
            lambda: codex.thread_start(timeout_s=SHORT_S),
            lambda: codex.account(timeout_s=SHORT_S),
            lambda: codex.fs_watch("/", timeout_s=SHORT_S),
            lambda: codex.process_spawn(["true"], timeout_s=SHORT_S),
            lambda: thread.read(timeout_s=SHORT_S),
            lambda: thread.turn("Hello?", timeout_s=SHORT_S),
            lambda: thread.goal("Hello?", timeout_s=SHORT_S),
            # One that has none by default: it is answered when work ends.
            lambda: codex.request("mcpServer/tool/call", {}, timeout_s=SHORT_S),
            lambda: interrupting.interrupt(timeout_s=SHORT_S),
        ]

        def is_in_time(job: Any) -> None:
            begun = time.monotonic()
            message = "Raise timeout_s if the runtime is merely slow"
            with pytest.raises(RequestTimeoutError, match=message) as late:
                job()
            # It is this deadline and no longer one that has passed, however busy the machine is.
            assert late.value.timeout_s == SHORT_S
            assert took(begun) < LONG_S

        with stopped(codex.pid):
            together(*(lambda job=job: is_in_time(job) for job in jobs))


def test_a_deadline_counts_from_the_call_also_while_it_waits_for_admission(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        # The window is full of what is never answered.
        waiting = [Background(codex.models) for _ in range(32)]
        for _ in range(32):
            expected(peer, "model/list")
        with pytest.raises(RequestTimeoutError, match="could not be sent") as failure:
            codex.models(timeout_s=SHORT_S)
        assert not failure.value.was_sent
        assert failure.value.timeout_s == SHORT_S
        assert isinstance(failure.value, TimeoutError)
        assert codex.stats()["requests_waiting"] == 0
    for one in waiting:
        with pytest.raises(CodexError):
            one.result()


def test_a_longer_deadline_stands_in_the_place_of_the_configs(peer: ScriptedPeer) -> None:
    with Codex(config(peer, request_timeout_s=SHORT_S)) as codex:
        listing = Background(lambda: codex.models(timeout_s=LONG_S))
        request = expected(peer, "model/list")
        with pytest.raises(RequestTimeoutError, match=r"Raise CodexConfig\.request_timeout_s"):
            codex.account()
        expected(peer, "account/read")
        peer.answer(request, {"data": []})
        assert (listing.result()).data == []


def test_without_any_limit_the_answer_may_take_its_time(peer: ScriptedPeer) -> None:
    with Codex(config(peer, request_timeout_s=SHORT_S)) as codex:
        listing = Background(lambda: codex.models(timeout_s=math.inf))
        request = expected(peer, "model/list")
        with pytest.raises(RequestTimeoutError):
            codex.account()
        expected(peer, "account/read")
        peer.answer(request, {"data": []})
        assert (listing.result()).data == []


@pytest.mark.parametrize("passed", [0, -1])
def test_a_deadline_that_has_passed_ends_the_call_at_once(peer: ScriptedPeer, passed: float) -> None:
    with Codex(config(peer)) as codex:
        with pytest.raises(RequestTimeoutError):
            codex.models(timeout_s=passed)


def test_a_thread_that_is_started_too_late_is_let_go_of(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        with pytest.raises(
            RequestTimeoutError, match="a thread that it may still start is unsubscribed from"
        ):
            codex.thread_start(timeout_s=SHORT_S)
        peer.answer(expected(peer, "thread/start"), {"thread": {"id": "late"}})
        assert (expected(peer, "thread/unsubscribe"))["params"] == {"threadId": "late"}


def test_a_turn_that_is_started_too_late_is_interrupted(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        thread = thread_of(codex, peer)
        with pytest.raises(RequestTimeoutError, match="a turn that it may still start is interrupted"):
            thread.turn("go", timeout_s=SHORT_S)
        peer.answer(expected(peer, "turn/start"), started("late"))
        peer.send(event("turn/started", "t", "late"))
        assert (expected(peer, "turn/interrupt"))["params"]["turnId"] == "late"


def test_listing_mcp_servers_has_a_deadline(peer: ScriptedPeer) -> None:
    with Codex(config(peer, request_timeout_s=SHORT_S)) as codex:
        with pytest.raises(RequestTimeoutError):
            codex.rpc.mcp_server_status.list()


def test_a_wait_for_an_end_can_be_begun_again(model: OfflineModel) -> None:
    with Codex(model.config()) as codex, codex.command_exec(list(CAT)) as command:
        with pytest.raises(WaitTimeoutError, match="The program is not over after"):
            command.wait(timeout_s=SHORT_S)
        command.close_stdin()
        assert (command.wait(timeout_s=LONG_S)).exit_code == 0


def test_the_low_level_client_has_deadlines(peer: ScriptedPeer) -> None:
    with CodexClient(config(peer)) as low:
        low.initialize(timeout_s=LONG_S)
        with pytest.raises(RequestTimeoutError):
            low.thread_start(timeout_s=SHORT_S)
        expected(peer, "thread/start")
        with pytest.raises(WaitTimeoutError):
            low.next_notification(timeout_s=SHORT_S)
        with pytest.raises(WaitTimeoutError, match="Turn u is not over"):
            low.wait_for_turn_completed("u", timeout_s=SHORT_S)
        peer.answers["turn/start"] = started("u")
        pieces = low.stream_text("t", "go", idle_timeout_s=SHORT_S)
        with pytest.raises(TurnTimeoutError, match="Nothing of turn u has arrived"):
            for _ in pieces:
                pass


def test_a_deadline_holds_behind_other_consumers_too(peer: ScriptedPeer) -> None:
    with CodexClient(config(peer)) as low:
        low.initialize()
        first = Background(low.next_notification)
        while not low._state.unscoped._begun:  # type: ignore[union-attr]
            sleep(0.001)
        with pytest.raises(WaitTimeoutError):
            low.next_notification(timeout_s=SHORT_S)
        peer.answers["turn/start"] = started("u")
        low.turn_start("t", "go")
        turn = TurnHandle(low, "t", "u")
        patient, hasty = turn.stream(), turn.stream(idle_timeout_s=SHORT_S)
        reading = Background(patient.__next__)
        while not turn._cursor._begun:
            sleep(0.001)
        with pytest.raises(TurnTimeoutError):
            hasty.__next__()
        peer.send(event("turn/completed", "t", "u"), {"method": "warning", "params": {"message": "Careful."}})
        assert (reading.result()).method == "turn/completed"
        assert (first.result()).method == "warning"


def test_two_greetings_have_a_deadline_each(peer: ScriptedPeer) -> None:
    hello = peer.answers.pop("initialize")
    with CodexClient(config(peer)) as low:
        first = Background(low.initialize)
        request = expected(peer, "initialize")
        with pytest.raises(RequestTimeoutError):
            low.initialize(timeout_s=SHORT_S)
        peer.answer(request, hello)
        first.result()


def test_a_low_level_client_that_is_not_greeted_in_time_is_ended(peer: ScriptedPeer) -> None:
    del peer.answers["initialize"]
    with CodexClient(config(peer)) as low:
        with pytest.raises(RequestTimeoutError):
            low.initialize(timeout_s=SHORT_S)
        expected(peer, "initialize")
        peer.expect_end()


# --- turns


def test_a_run_that_takes_too_long_is_stopped_and_says_what_it_had(model: OfflineModel) -> None:
    model.reset(Answer(Message("First."), Pause(LONG_S), Message("Second.")))
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        begun = time.monotonic()
        with pytest.raises(TurnTimeoutError, match=r"is not over after 1\.5 s") as failure:
            thread.run("Go on.", timeout_s=1.5)
        assert 1.4 < took(begun) < 10
        partial = failure.value.partial
        assert partial is not None
        assert partial.status is TurnStatus.in_progress
        assert partial.final_response == "First."
        assert [item.root.type for item in partial.items] == ["userMessage", "agentMessage"]
        assert (failure.value.thread_id, failure.value.turn_id) == (thread.id, partial.id)
        assert (failure.value.timeout_s, failure.value.is_idle) == (1.5, False)
        assert isinstance(failure.value, TimeoutError)
        model.reset(None)
        # The next turn waits until the one that was given up is over.
        assert (thread.run("Still there?", timeout_s=LONG_S)).final_response == "Still there?"
        turns = (thread.read(include_turns=True)).thread.turns
        assert [one.status for one in turns] == [TurnStatus.interrupted, TurnStatus.completed]


def test_the_end_of_a_turns_time_waits_for_no_runtime(model: OfflineModel) -> None:
    model.reset(Answer(Pause(LONG_S), Message("late")))
    with Codex(model.config(request_timeout_s=LONG_S)) as codex:
        thread = codex.thread_start()
        with thread.turn("Go on.") as turn:
            with stopped(codex.pid):
                begun = time.monotonic()
                with pytest.raises(TurnTimeoutError):
                    turn.run(timeout_s=SHORT_S)
                # No turn of it is known yet, and none is waited for.
                with pytest.raises(TurnTimeoutError) as failure:
                    thread.run("And this?", timeout_s=SHORT_S)
                assert took(begun) < LONG_S / 5
        assert (failure.value.turn_id, failure.value.partial, failure.value.last_error) == ("", None, None)


def test_a_run_whose_start_is_not_answered_has_the_requests_own_deadline_too(
    peer: ScriptedPeer,
) -> None:
    with Codex(config(peer, request_timeout_s=SHORT_S)) as codex:
        thread = thread_of(codex, peer)
        with pytest.raises(RequestTimeoutError, match=r"Raise CodexConfig\.request_timeout_s") as failure:
            thread.run("go", timeout_s=LONG_S)
        assert failure.value.__cause__ is None


def test_others_who_hold_a_turn_keep_it_when_the_time_of_one_is_over(model: OfflineModel) -> None:
    model.hold()
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        detached = thread.turn("Go on.")
        joined = thread.turn("The same.")
        assert joined.id == detached.id
        with pytest.raises(TurnTimeoutError):
            joined.run(timeout_s=SHORT_S)
        model.release()
        assert (detached.run()).status is TurnStatus.completed


def test_a_goal_that_takes_too_long_is_paused(model: OfflineModel) -> None:
    model.reset(Answer(Pause(LONG_S), Message("late")))
    with Codex(model.config(features={"goals": True})) as codex:
        thread = codex.thread_start()
        with pytest.raises(TurnTimeoutError) as failure:
            thread.run_goal("Go on.", timeout_s=1.5)
        assert failure.value.partial is not None
        assert failure.value.turn_id == failure.value.partial.id
        # The next turn waits for both.
        model.reset(None)
        assert (thread.run("Still there?", timeout_s=LONG_S)).final_response == "Still there?"
        stored = (codex.rpc.thread.goal.get(thread_id=thread.id)).goal
        assert stored is not None
        assert stored.status is ThreadGoalStatus.paused
        turns = (thread.read(include_turns=True)).thread.turns
        assert [one.status for one in turns] == [TurnStatus.interrupted, TurnStatus.completed]


# --- silence


def test_a_silent_turn_is_given_up_and_one_that_writes_is_not(model: OfflineModel) -> None:
    # Deltas, which a run filters, for longer than it may be silent.
    model.reset(Answer(Message(["word "] * 12, chunk_delay_s=0.25), Pause(LONG_S), Message("late")))
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        begun = time.monotonic()
        with pytest.raises(TurnTimeoutError, match=r"Nothing of turn .* has arrived for 1 s") as failure:
            thread.run("Go on.", idle_timeout_s=1)
        assert took(begun) > 3.5
        assert failure.value.is_idle
        assert failure.value.partial is not None
        assert failure.value.partial.final_response == "word " * 12


def test_a_silent_stream_of_a_plain_turn_can_be_read_on(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        turn = turn_of(codex, peer)
        events = turn.stream(idle_timeout_s=SHORT_S)
        assert (events.__next__()).method == "turn/started"
        with pytest.raises(TurnTimeoutError) as failure:
            events.__next__()
        assert (failure.value.turn_id, failure.value.partial) == ("u", None)
        peer.send(delta("t", "u", "more"), event("turn/completed", "t", "u"))
        assert [one.method for one in events] == ["item/agentMessage/delta", "turn/completed"]
        # Nothing was interrupted.
        assert peer.received == 0


def test_time_stands_still_while_a_person_or_a_tool_is_asked(peer: ScriptedPeer) -> None:
    asked, answered = Marks(), Marks()

    def handler(method: str, params: Any) -> dict[str, Any]:
        asked.reach(method)
        answered.wait(method)
        return {"contentItems": [], "success": True}

    with CodexClient(config(peer), approval_handler=handler) as low:
        low.initialize()
        peer.answers["turn/start"] = started("u")
        low.turn_start("t", "go")
        turn = TurnHandle(low, "t", "u")
        running = Background(lambda: turn.run(idle_timeout_s=SHORT_S))
        ids = {"threadId": "t", "turnId": "u", "callId": "c", "tool": "look", "arguments": {}}
        peer.send({"id": 0, "method": "item/tool/call", "params": ids})
        asked.wait("item/tool/call")
        sleep(3 * SHORT_S)
        answered.reach("item/tool/call")
        expected(peer, None)
        begun = time.monotonic()
        with pytest.raises(TurnTimeoutError):
            running.result()
        # The answer counts as an arrival.
        assert took(begun) > SHORT_S / 2


def test_a_silent_goal_is_given_up(model: OfflineModel) -> None:
    model.reset(Answer(Message(["word "] * 8, chunk_delay_s=0.25), Pause(LONG_S), Message("late")))
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        goal = thread.goal("Go on.")
        begun = time.monotonic()
        with pytest.raises(TurnTimeoutError, match=f"Nothing of turn {goal.id} has arrived") as failure:
            goal.run(idle_timeout_s=0.8)
        assert took(begun) > 1
        assert isinstance(failure.value.partial, GoalResult)
        while (thread.read(include_turns=True)).thread.turns[0].status is TurnStatus.in_progress:
            pass
        stored = (codex.rpc.thread.goal.get(thread_id=thread.id)).goal
        assert stored is not None
        assert stored.status is ThreadGoalStatus.paused


def test_a_silent_stream_in_a_block_gives_the_turn_up(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex, turn_of(codex, peer) as turn:
        with pytest.raises(TurnTimeoutError):
            for _ in turn.stream_text(idle_timeout_s=SHORT_S):
                pass
        assert (expected(peer, "turn/interrupt"))["params"]["turnId"] == "u"


def test_a_slow_consumer_does_not_time_itself_out(peer: ScriptedPeer) -> None:
    peer.answers["model/list"] = {"data": []}
    with Codex(config(peer)) as codex:
        turn = turn_of(codex, peer)
        events = turn.stream(idle_timeout_s=SHORT_S)
        assert (events.__next__()).method == "turn/started"
        peer.send(delta("t", "u", "more"), event("turn/completed", "t", "u"))
        codex.models()  # they have arrived
        sleep(2 * SHORT_S)
        assert [one.method for one in events] == ["item/agentMessage/delta", "turn/completed"]


# --- what goes wrong meanwhile


def test_retries_are_logged_and_stand_in_the_error_that_ends_the_turn(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    model.reset(Answer("Half an ans", Disconnect()))
    settings = model.config()
    retries = "model_providers.offline.stream_max_retries=2"
    settings.config_overrides = (*settings.config_overrides, retries)
    with Codex(settings) as codex:
        thread = codex.thread_start()
        with pytest.raises(TurnFailedError, match="tried again 2 times; the last: Reconnecting") as failure:
            thread.run("Go on.")
    ours = [record for record in caplog.records if record.name == "codex_app_server"]
    assert [record.levelno for record in ours] == [logging.WARNING] * 2
    assert all("the runtime tries again: Reconnecting" in record.getMessage() for record in ours)
    assert [one.will_retry for one in failure.value.errors] == [True, True, False]
    assert failure.value.last_error is failure.value.errors[-1]
    caplog.clear()


def test_a_retry_is_logged_while_it_is_waited_for(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    with Codex(config(peer)) as codex:
        turn = turn_of(codex, peer)
        running = Background(lambda: turn.run(timeout_s=LONG_S))
        trouble = {"message": "Reconnecting... 1/5", "additionalDetails": "the stream was cut"}
        peer.send(event("error", "t", "u", error=trouble, willRetry=True))
        peer.answers["model/list"] = {"data": []}
        while not caplog.records:
            codex.models()
        assert "Reconnecting... 1/5: the stream was cut" in caplog.text
        peer.send(event("turn/completed", "t", "u"))
        assert (running.result()).error is None
    caplog.clear()


def test_a_turn_that_runs_out_of_time_has_its_last_error(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    with Codex(config(peer)) as codex:
        turn = turn_of(codex, peer)
        peer.send(event("error", "t", "u", error={"message": "Reconnecting... 1/5"}, willRetry=True))
        with pytest.raises(TurnTimeoutError, match=r"Its last error: Reconnecting\.\.\. 1/5") as failure:
            turn.run(timeout_s=1)
        assert failure.value.last_error is not None
        assert failure.value.last_error.error.message == "Reconnecting... 1/5"
    caplog.clear()


def test_a_usage_limit_is_logged(model: OfflineModel, caplog: pytest.LogCaptureFixture) -> None:
    model.reset(Answer(HttpFailure(429, type="usage_limit_reached")))
    with Codex(model.config()) as codex:
        with pytest.raises(TurnFailedError, match="usage limit"):
            (codex.thread_start()).run("Go on.")
    assert "has met a limit: You" in caplog.text
    caplog.clear()


def test_a_turn_that_completes_after_a_final_error_carries_it(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        turn = turn_of(codex, peer)
        peer.send(
            event("error", "t", "u", error={"message": "the history is lost"}, willRetry=False),
            event("turn/completed", "t", "u"),
        )
        result = turn.run()
        assert result.status is TurnStatus.completed
        assert result.error is not None
        assert result.error.message == "the history is lost"


# --- races of steering and interrupting


def test_steering_or_interrupting_what_is_over_has_an_error_of_its_own(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        turn = thread.turn("Hello?")
        turn.run()
        with pytest.raises(TurnNotRunningError) as failure:
            turn.steer("More.")
        assert isinstance(failure.value, InvalidRequestError)
        assert failure.value.method == "turn/steer"
        with pytest.raises(TurnNotRunningError):
            turn.interrupt()
        ids = {"threadId": thread.id, "turnId": turn.id}
        with pytest.raises(TurnNotRunningError):
            codex.request("turn/interrupt", ids)
        with pytest.raises(InvalidRequestError, match="missing field"):
            codex.request("turn/interrupt")
        with pytest.raises(TurnNotRunningError):
            codex.rpc.turn.interrupt(thread_id=thread.id, turn_id=turn.id)


def test_that_holds_whatever_the_runtime_says(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        turn = turn_of(codex, peer)
        peer.send(event("turn/completed", "t", "u"))
        turn.run()
        steering = Background(lambda: turn.steer("More."))
        request = expected(peer, "turn/steer")
        peer.refuse(request, -32600, "words of tomorrow")
        with pytest.raises(TurnNotRunningError, match="words of tomorrow"):
            steering.result()


def test_a_turn_that_takes_no_input_says_so(model: OfflineModel) -> None:
    model.hold()
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        review = codex.request(
            "review/start", {"threadId": thread.id, "target": {"type": "custom", "instructions": "look"}}
        )
        with TurnHandle(codex, thread.id, review["turn"]["id"]) as turn:
            model.wait_for_requests(1)
            with pytest.raises(TurnNotSteerableError):
                turn.steer("More.")
        model.release()


@pytest.mark.parametrize("timeout_s", [0, -1, 1e-9])
def test_nothing_is_sent_once_the_deadline_has_passed(model: OfflineModel, timeout_s: float) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        thread.run("Once.")
        for call in (
            lambda: thread.delete(timeout_s=timeout_s),
            lambda: thread.archive(timeout_s=timeout_s),
            lambda: thread.turn("Never.", timeout_s=timeout_s),
            lambda: codex.thread_start(timeout_s=timeout_s),
            lambda: codex.thread_resume(thread.id, sandbox=Sandbox.read_only, timeout_s=timeout_s),
            lambda: codex.models(timeout_s=timeout_s),
            lambda: codex.request("model/list", {}, timeout_s=timeout_s),
            lambda: codex.rpc.thread.delete(thread_id=thread.id, timeout_s=timeout_s),
            lambda: codex.command_exec(["true"], timeout_s=timeout_s),
        ):
            with pytest.raises(RequestTimeoutError, match="sent") as raised:
                call()
            assert not raised.value.was_sent
        with pytest.raises(TurnTimeoutError):
            thread.run("Never.", timeout_s=timeout_s)
        assert [one.id for one in codex.threads()] == [thread.id]
    assert len(model.requests) == 1


def test_a_turn_is_interrupted_though_the_deadline_has_passed(model: OfflineModel) -> None:
    model.hold()
    with Codex(model.config()) as codex:
        turn = (codex.thread_start()).turn("Go on.")
        with contextlib.suppress(RequestTimeoutError):
            turn.interrupt(timeout_s=0)
        assert (turn.run()).status is TurnStatus.interrupted
        model.release()


def test_an_interrupt_that_is_done_again_has_no_effect(model: OfflineModel) -> None:
    model.hold()
    with Codex(model.config()) as codex:
        turn = (codex.thread_start()).turn("Go on.")
        together(*[turn.interrupt] * 8)
        assert (turn.run()).status is TurnStatus.interrupted
        ids = {"threadId": turn.thread_id, "turnId": turn.id}
        again = lambda: codex.request("turn/interrupt", ids, timeout_s=LONG_S / 5)  # noqa: E731
        by_name = lambda: codex.rpc.turn.interrupt(thread_id=turn.thread_id, turn_id=turn.id)  # noqa: E731
        together(turn.interrupt, turn.interrupt, again, by_name)
        model.release()
