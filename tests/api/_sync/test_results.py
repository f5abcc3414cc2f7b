# Made from _async/test_results.py by `python scripts/make_sync.py`; do not edit.

"""`handle.result()`: what a turn or a goal came to, after or beside the handle's stream."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from pydantic import BaseModel

from codex_app_server import (
    Codex,
    CodexConfig,
    GoalResult,
    OutputValidationError,
    StreamClosedError,
    StreamOverflowError,
    Thread,
    TransportClosedError,
    TurnFailedError,
    TurnHandle,
    TurnTimeoutError,
)
from codex_app_server._concurrency.deadline import Expired, Patience
from codex_app_server._native import Subscription
from codex_app_server._sync import outcome
from codex_app_server.testing import Answer, FunctionCall, Message, OfflineModel, ResponseFailure, Stall
from codex_app_server.types import TurnStatus
from tests.api._sync.concurrency import Background, expected, together
from tests.leaks import assert_idle
from tests.peer import ScriptedPeer, delta, event, started

WORDS = ["One ", "two ", "three."]
REACHED = FunctionCall("update_goal", {"status": "complete"})


class Report(BaseModel):
    """What a goal is asked for."""

    passed: int
    failed: int = 0


def config(peer: ScriptedPeer, **fields: Any) -> CodexConfig:
    peer.answers |= {
        "thread/start": {"thread": {"id": "t"}},
        "turn/start": started("u"),
        "model/list": {"data": []},
    }
    return CodexConfig(launch_args_override=peer.argv, **fields)


def message(text: str) -> dict[str, Any]:
    item = {"type": "agentMessage", "id": "msg_1", "text": text, "phase": None}
    return event("item/completed", "t", "u", item=item, completedAtMs=1)


# --- on the real runtime


def test_unread_it_is_what_run_gives(model: OfflineModel) -> None:
    model.reset(Answer(Message(WORDS)))
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        ran = thread.run("Go.")
        turn = thread.turn("Go.")
        result = turn.result()
        assert (result.final_response, result.status) == (ran.final_response, ran.status)
        assert [item.root.type for item in result.items] == [item.root.type for item in ran.items]
        assert result.usage is not None
        # Asked again it is the same, and what was not read is there to be read.
        assert turn.result() == result
        assert "".join([piece for piece in turn.stream_text()]) == "".join(WORDS)
        assert turn.result() == result


@pytest.mark.parametrize("how", ["stream", "stream_text", "break"])
def test_it_comes_after_whatever_has_read(how: str, model: OfflineModel) -> None:
    model.reset(Answer(Message(WORDS)))
    with Codex(model.config()) as codex:
        turn = (codex.thread_start()).turn("Go.")
        if how == "stream_text":
            assert "".join([piece for piece in turn.stream_text()]) == "".join(WORDS)
        else:
            for one in turn.stream():
                if how == "break":
                    break
                last = one.method
            assert how == "break" or last == "turn/completed"
        result = turn.result()
        assert result.final_response == "".join(WORDS)
        assert [item.root.type for item in result.items] == ["userMessage", "agentMessage"]


def test_after_run_the_result_is_what_that_gave(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        turn = (codex.thread_start()).turn("Go.")
        assert (turn.run()).final_response == "Go."
        with pytest.raises(StreamClosedError, match="what it gives or raises is the result"):
            turn.result()
        # Of one that was streamed first, there is a result besides.
        other = (codex.thread_start()).turn("Go.")
        assert [piece for piece in other.stream_text()]
        assert (other.result()).final_response == "Go."


def test_it_comes_beside_a_reader_who_misses_nothing(model: OfflineModel) -> None:
    model.reset(Answer(Message(WORDS)))
    with Codex(model.config()) as codex:
        turn = (codex.thread_start()).turn("Go.")
        events = turn.stream()
        first = next(events)
        # The reader, which is this very task, reads on when the turn is over.
        result = turn.result()
        rest = [one.method for one in events]
        assert result.final_response == "".join(WORDS)
        assert (first.method, rest[-1]) == ("turn/started", "turn/completed")
        assert rest.count("item/agentMessage/delta") == len(WORDS)


def test_a_reader_may_come_after_who_waits_for_the_result(model: OfflineModel) -> None:
    model.reset(Answer(Message(WORDS)))
    model.hold()
    with Codex(model.config()) as codex:
        turn = (codex.thread_start()).turn("Go.")
        waiting = Background(turn.result)
        also = Background(turn.result)

        def read() -> str:
            return "".join([piece for piece in turn.stream_text()])

        reading = Background(read)
        model.wait_for_requests(1)
        model.release()
        assert reading.result() == "".join(WORDS)
        assert waiting.result() == also.result()


def test_a_failed_turn_raises_each_time(model: OfflineModel) -> None:
    model.reset(Answer(ResponseFailure("server_error", "Oops.")))
    with Codex(model.config()) as codex:
        turn = (codex.thread_start()).turn("Go.")
        assert [one.method for one in turn.stream()][-1] == "turn/completed"
        for _ in range(2):
            with pytest.raises(TurnFailedError) as failed:
                turn.result()
            assert failed.value.errors


def test_a_typed_turn_gives_its_output_after_a_stream(model: OfflineModel) -> None:
    model.reset('{"passed": 3, "failed": null}')
    with Codex(model.config()) as codex:
        turn = (codex.thread_start()).turn("Go.", output_type=Report)
        assert [piece for piece in turn.stream_text()]
        assert (turn.result()).output == Report(passed=3)


def test_a_goal_gives_its_result_after_and_beside_its_stream(model: OfflineModel) -> None:
    model.reset(["On the way.", Answer(Message("There."), REACHED), "Done."])
    with Codex(model.config()) as codex:
        goal = (codex.thread_start()).goal("Win.")
        events = goal.stream()
        assert next(events).method == "turn/started"
        beside = goal.result()
        assert [one.method for one in events][-1] == "turn/completed"
        assert isinstance(beside, GoalResult)
        assert (beside.id, beside.is_reached, beside.final_response) == (goal.id, True, "Done.")
        assert [item.root.type for item in beside.items] == ["agentMessage"] * 3
        assert goal.result() == beside
        assert_idle(codex.stats)


def test_a_goal_is_asked_for_its_output_in_a_turn_of_its_own(model: OfflineModel) -> None:
    model.reset([Answer(Message("There."), REACHED), "Done.", '{"passed": 7, "failed": 1}'])
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        result = thread.run_goal("Win.", output_type=Report)
        assert result.output == Report(passed=7, failed=1)
        assert (result.final_response, result.is_reached) == ("Done.", True)
        asked = model.requests[-1]
        assert asked.prompt == "The goal is reached. Report its result."
        assert asked.body["text"]["format"]["schema"]["required"] == ["passed", "failed"]
        assert "format" not in model.requests[0].body["text"]
        assert len((thread.read(include_turns=True)).thread.turns) == 2


def test_what_a_goal_came_to_is_not_lost_with_its_report(model: OfflineModel) -> None:
    model.reset([Answer(Message("There."), REACHED), "Done.", "no report"])
    with Codex(model.config()) as codex:
        goal = (codex.thread_start()).goal("Win.", output_type=Report)
        with pytest.raises(OutputValidationError, match="no Report") as failed:
            goal.run()
        assert failed.value.text == "no report"
        assert isinstance(failed.value.result, GoalResult)
        assert failed.value.result.final_response == "Done."
        assert (goal.result()).final_response == "Done."


def test_a_report_that_fails_or_is_late_leaves_what_the_goal_came_to(model: OfflineModel) -> None:
    failing = Answer(ResponseFailure("server_error", "Oops."))
    model.reset([Answer(Message("There."), REACHED), "Done.", failing])
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        with pytest.raises(OutputValidationError, match="has failed") as failed:
            thread.run_goal("Win.", output_type=Report)
        assert failed.value.result.final_response == "Done."
        assert isinstance(failed.value.__cause__, TurnFailedError)
        model.reset([Answer(Message("There."), REACHED), "Done.", Answer("{", Stall())])
        goal = thread.goal("Win again.", output_type=Report)
        with pytest.raises(TurnTimeoutError) as late:
            goal.run(idle_timeout_s=2.0)
        assert isinstance(late.value.partial, GoalResult)
        assert late.value.partial.final_response == "Done."
        model.release()


def test_a_goal_that_is_not_reached_has_no_output(model: OfflineModel) -> None:
    blocked = FunctionCall("update_goal", {"status": "blocked"})
    model.reset(
        [Answer(Message("No way."), blocked), "Stuck.", Answer(Message("No."), blocked), "Stuck."] * 3
    )
    with Codex(model.config()) as codex:
        with pytest.raises(OutputValidationError, match="status is blocked") as failed:
            (codex.thread_start()).run_goal("Win.", output_type=Report)
        assert failed.value.text is None
        assert isinstance(failed.value.result, GoalResult)


# --- forced


def test_after_a_break_only_what_a_result_needs_is_kept(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        turn = (codex.thread_start()).turn("Go.")
        peer.send(event("turn/started", "t", "u"))
        for _ in turn.stream():
            break
        peer.send(*(delta("t", "u", "x" * 1000) for _ in range(1000)), message("Hello."))
        codex.models()
        assert codex.stats()["mailbox_bytes"] < 10_000
        peer.send(event("turn/completed", "t", "u"))
        assert (turn.result()).final_response == "Hello."
        del turn
        gc.collect()
        assert codex.stats()["mailbox_bytes"] == 0


def test_what_was_read_is_kept_for_it_once_and_goes_with_the_handle(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        turn = (codex.thread_start()).turn("Go.")
        peer.send(event("turn/started", "t", "u"), delta("t", "u", "x" * 10_000), message("y" * 10_000))
        peer.send(event("turn/completed", "t", "u"))
        assert len([one for one in turn.stream()]) == 4
        assert 10_000 < codex.stats()["mailbox_bytes"] < 12_000
        assert (turn.result()).final_response == "y" * 10_000
        # It is folded from objects from now on.
        assert codex.stats()["mailbox_bytes"] == 0
        assert (turn.result()).final_response == "y" * 10_000
        peer.answers["turn/start"] = started("v")
        other = (codex.thread_start()).turn("Go.")
        item = {"type": "agentMessage", "id": "msg_2", "text": "y", "phase": None}
        peer.send(event("item/completed", "t", "v", item=item, completedAtMs=1))
        peer.send(event("turn/completed", "t", "v"))
        assert [one for one in other.stream_text()] == []
        assert codex.stats()["mailbox_bytes"] > 0
        del other
        gc.collect()
        assert codex.stats()["mailbox_bytes"] == 0


def test_dropped_deltas_never_fail_it(peer: ScriptedPeer) -> None:
    with Codex(config(peer, turn_budget_bytes=64 * 1024)) as codex:
        turn = (codex.thread_start()).turn("Go.")
        events = turn.stream()
        waiting = Background(turn.result)
        peer.send(event("turn/started", "t", "u"))
        peer.send(*(delta("t", "u", "x" * 1000) for _ in range(200)), message("Hello."))
        peer.send(event("turn/completed", "t", "u"))
        assert (waiting.result()).final_response == "Hello."
        with pytest.raises(StreamOverflowError):
            assert [one for one in events]
        assert (turn.result()).final_response == "Hello."


def test_a_result_that_may_lack_items_says_so_each_time(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        del peer.answers["turn/start"]
        thread = codex.thread_start()
        starting = Background(lambda: thread.turn("Go."))
        request = expected(peer, "turn/start")
        for number in range(31):
            peer.send(event("turn/started", "t", f"turn-{number}"))
        peer.answer(request, started("u"))
        turn = starting.result()
        peer.send(event("turn/started", "t", "u"), event("turn/completed", "t", "u"))
        for _ in range(2):
            with pytest.raises(StreamOverflowError, match="include_turns=True"):
                turn.result()


def test_a_result_that_may_lack_items_says_so_also_when_its_time_is_over(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "_REST_S", 30.0)
    with Codex(config(peer)) as codex:
        del peer.answers["turn/start"]
        thread = codex.thread_start()
        starting = Background(lambda: thread.turn("Go."))
        request = expected(peer, "turn/start")
        for number in range(31):
            peer.send(event("turn/started", "t", f"turn-{number}"))
        peer.answer(request, started("u"))
        turn = starting.result()
        # More than is taken at once.
        peer.send(
            event("turn/started", "t", "u"), *[message("More.")] * 300, event("turn/completed", "t", "u")
        )
        codex.models()
        for timeout_s in (0, None):
            with pytest.raises(StreamOverflowError, match="include_turns=True"):
                turn.result(timeout_s=timeout_s)


def test_what_a_result_keeps_costs_no_reader_its_deltas(peer: ScriptedPeer) -> None:
    fields = {"turn_budget_bytes": 1 << 20, "total_budget_bytes": 1 << 20}
    with Codex(config(peer, **fields)) as codex:
        turn = (codex.thread_start()).turn("Go.")
        peer.send(event("turn/started", "t", "u"))
        events = turn.stream()
        for _ in range(8):
            peer.send(delta("t", "u", "x"), message("y" * (256 << 10)))
            methods = []
            while "item/completed" not in methods:
                methods.append(next(events).method)
            assert "item/agentMessage/delta" in methods
        peer.send(event("turn/completed", "t", "u"))
        assert len((turn.result()).items) == 8


def test_the_result_after_a_run_that_gave_none_says_what_ended_it(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        turn = (codex.thread_start()).turn("Go.")
        running = Background(turn.run)
        peer.send(event("turn/started", "t", "u"))
        peer.exit(3)
        for waiting in (running.result, turn.result):
            with pytest.raises(TransportClosedError, match="exit code 3"):
                waiting()


def test_its_time_may_be_over_and_the_turn_goes_on(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        turn = (codex.thread_start()).turn("Go.")
        peer.send(event("turn/started", "t", "u"), message("Half."))
        codex.models()
        with pytest.raises(TurnTimeoutError) as over:
            turn.result(timeout_s=0.01)
        assert over.value.partial is not None
        assert over.value.partial.final_response == "Half."
        with pytest.raises(TurnTimeoutError) as silent:
            turn.result(idle_timeout_s=0.01)
        assert silent.value.is_idle
        peer.send(event("turn/completed", "t", "u"))
        assert (turn.result()).final_response == "Half."
        codex.models()
        assert peer.received == 0


def test_who_waits_beside_another_is_told_what_was_collected(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        turn = (codex.thread_start()).turn("Go.")
        peer.send(event("turn/started", "t", "u"))
        waiting = Background(turn.result)
        while (waited := turn._cursor._outcome.value) is None or not waited._begun:
            codex.models()
        # It has taken what was there, and an item alone does not wake it.
        codex.models()
        peer.send(message("Half."))
        codex.models()
        with pytest.raises(TurnTimeoutError) as over:
            turn.result(timeout_s=0.01)
        assert over.value.partial is not None
        assert over.value.partial.final_response == "Half."
        peer.send(message("All."), event("turn/completed", "t", "u"))
        assert [item.root.text for item in (waiting.result()).items] == ["Half.", "All."]


def test_a_run_whose_handle_is_closed_as_its_time_ends_says_that_it_is_over(
    peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Codex(config(peer)) as codex:
        turn = (codex.thread_start()).turn("Go.")
        check = Patience.check

        def closing(self: Patience, subscription: Subscription) -> None:
            try:
                check(self, subscription)
            except Expired:
                turn._cursor.close()
                raise

        monkeypatch.setattr(Patience, "check", closing)
        with pytest.raises(TurnTimeoutError):
            turn.run(timeout_s=0.01)


def test_it_holds_the_turn_in_no_way(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        with (codex.thread_start()).turn("Go.") as turn:
            peer.send(event("turn/started", "t", "u"))
            waiting = Background(turn.result)
            for _ in turn.stream():
                break
        # Left by its block, and wanted by nobody else.
        request = expected(peer, "turn/interrupt")
        peer.answer(request, {})
        peer.send(event("turn/completed", "t", "u", status="interrupted"))
        assert (waiting.result()).status is TurnStatus.interrupted


def test_a_follower_who_has_stopped_to_read_holds_nothing_and_hears_the_end(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        thread = codex.thread_start()
        with thread.turn("Go."):
            follower = TurnHandle(codex, "t", "u")
            peer.send(event("turn/started", "t", "u"))
            for _ in follower.stream():
                break
        peer.answer(expected(peer, "turn/interrupt"), {})
        peer.send(event("turn/completed", "t", "u", status="interrupted"))
        assert (follower.result()).status is TurnStatus.interrupted


def test_a_closed_handle_has_no_result(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        thread = codex.thread_start()
        for asked_before in (True, False):
            turn = thread.turn("Go.")
            if asked_before:
                with pytest.raises(TurnTimeoutError):
                    turn.result(timeout_s=0.01)
            turn.close()
            with pytest.raises(StreamClosedError, match="include_turns=True"):
                turn.result()


def test_the_end_of_the_connection_ends_the_wait(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        turn = (codex.thread_start()).turn("Go.")
        waiting = Background(turn.result)
        peer.send(event("turn/started", "t", "u"))
        peer.exit(3)
        with pytest.raises(TransportClosedError, match="exit code 3"):
            waiting.result()
        with pytest.raises(TransportClosedError):
            turn.result()


def test_many_results_are_waited_for_at_once(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:

        def one(thread: Thread) -> str | None:
            turn = thread.turn("Hello.")
            return (turn.result()).final_response

        threads = [codex.thread_start() for _ in range(8)]
        jobs = [lambda thread=thread: one(thread) for thread in threads]
        assert together(*jobs) == ["Hello."] * 8
