"""Folding a turn's events into its result."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codex_app_server import TurnResult
from codex_app_server._incoming import decoding
from codex_app_server._incoming.result import TurnCollector, TurnErrors
from codex_app_server.errors import StreamClosedError, TurnFailedError
from codex_app_server.generated.v2_all import TurnStatus
from codex_app_server.models import Notification, UnknownNotification, UnknownValue


def event(method: str, **params: Any) -> Notification:
    return Notification(method, decoding.payload(method, json.dumps({"threadId": "t", **params}).encode()))


def item(**fields: Any) -> Notification:
    return event("item/completed", turnId="u", completedAtMs=1, item={"id": "i", **fields})


def message(text: str, phase: str | None = None) -> Notification:
    return item(type="agentMessage", text=text, phase=phase)


def usage(total: int) -> Notification:
    names = ("inputTokens", "cachedInputTokens", "outputTokens", "reasoningOutputTokens")
    tokens = {"totalTokens": total, **dict.fromkeys(names, 0)}
    return event(
        "thread/tokenUsage/updated",
        turnId="u",
        tokenUsage={"total": tokens, "last": tokens, "modelContextWindow": None},
    )


def completed(status: str = "completed", **fields: Any) -> Notification:
    times = {"startedAt": 1, "completedAt": 2, "durationMs": 5}
    return event("turn/completed", turn={"id": "u", "items": [], "status": status, **times, **fields})


def fold(*events: Notification) -> TurnResult:
    collector = TurnCollector("t", "u")
    collector.add(events)
    return collector.result()


@pytest.mark.parametrize(
    ("messages", "response"),
    [
        ([], None),
        ([("one", None)], "one"),
        ([("one", None), ("two", None)], "two"),
        ([("one", None), ("", None)], ""),
        ([("thinking", "commentary")], None),
        ([("thinking", "commentary"), ("done", "final_answer"), ("by the way", None)], "done"),
        ([("one", "final_answer"), ("two", "final_answer"), ("more", "commentary")], "two"),
        ([("one", None), ("", "final_answer")], ""),
        ([("one", None), ("two", "of tomorrow")], "one"),
    ],
)
def test_the_final_response_is_the_last_final_answer_or_else_the_last_plain_message(
    messages: list[tuple[str, str | None]], response: str | None
) -> None:
    result = fold(*(message(text, phase) for text, phase in messages), completed())
    assert result.final_response == response
    assert len(result.items) == len(messages)


def test_the_result_has_the_turns_own_fields_and_the_last_usage() -> None:
    result = fold(usage(1), usage(2), completed())
    assert (result.id, result.status, result.error) == ("u", TurnStatus.completed, None)
    assert (result.started_at, result.completed_at, result.duration_ms) == (1, 2, 5)
    assert result.usage is not None
    assert result.usage.total.total_tokens == 2


def test_items_of_the_completed_turn_itself_are_a_summary_and_not_collected() -> None:
    summary = {"type": "agentMessage", "id": "i", "text": "x", "phase": None}
    assert fold(completed(items=[summary])).items == []


def test_other_events_are_passed_over() -> None:
    delta = event("item/agentMessage/delta", turnId="u", itemId="i", delta="x")
    error = event("error", turnId="u", willRetry=False, error={"message": "e"})
    assert fold(delta, error, event("of/tomorrow"), completed()).items == []


def test_an_interrupted_turn_is_a_result() -> None:
    result = fold(message("part"), completed("interrupted"))
    assert (result.status, result.final_response) == (TurnStatus.interrupted, "part")


def test_a_failed_turn_raises_with_all_that_is_known() -> None:
    failure = {"message": "boom", "codexErrorInfo": "usageLimitExceeded", "additionalDetails": "more"}
    with pytest.raises(TurnFailedError) as caught:
        fold(message("x"), completed("failed", error=failure))
    error = caught.value
    assert str(error) == "boom"
    assert (error.thread_id, error.turn_id) == ("t", "u")
    assert error.error is not None
    assert error.error.additional_details == "more"
    assert error.codex_error_info is not None
    assert error.codex_error_info.model_dump(mode="json") == "usageLimitExceeded"


@pytest.mark.parametrize("failure", [None, {"message": ""}])
def test_a_failed_turn_without_words_says_its_status(failure: Any) -> None:
    with pytest.raises(TurnFailedError, match="turn failed with status failed"):
        fold(completed("failed", error=failure))


def test_a_status_of_tomorrow_is_a_result() -> None:
    assert fold(completed("paused")).status.value == "paused"


def test_an_item_of_tomorrow_stays_among_the_items() -> None:
    result = fold(item(type="hologram", depth=3), completed())
    assert result.items[0].model_dump(mode="json", by_alias=True)["depth"] == 3


@pytest.mark.parametrize("text", [{"type": "agentMessage"}, {"type": "agentMessage", "text": {"new": 1}}])
def test_a_message_of_tomorrow_is_no_response_and_no_error(text: dict[str, Any]) -> None:
    result = fold(message("known"), item(**text), completed())
    assert result.final_response == "known"
    assert len(result.items) == 2


def test_a_failed_turn_whose_error_is_of_another_type_still_raises() -> None:
    with pytest.raises(TurnFailedError, match="boom"):
        fold(completed("failed", error="boom"))


def test_a_completed_turn_that_does_not_fit_its_model_still_ends_the_run() -> None:
    end = completed(durationMs="5 seconds", error={"message": "odd"})
    assert isinstance(end.payload, UnknownNotification)
    result = fold(message("done"), end)
    assert (result.id, result.status, result.final_response) == ("u", TurnStatus.completed, "done")
    assert result.error is not None
    assert result.error.message == "odd"


def test_an_item_in_an_event_that_does_not_fit_its_model_is_kept() -> None:
    odd = event(
        "item/completed",
        turnId="u",
        completedAtMs="now",
        item={"type": "agentMessage", "id": "i", "text": "kept", "phase": None},
    )
    assert isinstance(odd.payload, UnknownNotification)
    assert fold(odd, completed()).final_response == "kept"


@pytest.mark.parametrize("params", [{"threadId": "t", "note": 1}, {"item": 5}, [], None])
def test_an_event_without_an_item_is_in_the_result_as_it_came(params: Any) -> None:
    odd = Notification("item/completed", UnknownNotification(params))
    found: Any = fold(odd, completed()).items[0]
    expected = params["item"] if params and "item" in params else params
    raw = found.root if isinstance(found, UnknownValue) else found.model_dump(exclude_unset=True)
    assert raw == expected


def test_usage_with_a_changed_field_keeps_the_others() -> None:
    odd = event(
        "thread/tokenUsage/updated",
        turnId="u",
        tokenUsage={"total": {"totalTokens": 7, "inputTokens": "six"}, "last": {}},
    )
    usage: Any = fold(odd, completed()).usage
    assert (usage.total.total_tokens, usage.total.input_tokens) == (7, UnknownValue("six"))


def test_usage_that_is_no_usage_at_all_leaves_the_last_known_one() -> None:
    odd = event("thread/tokenUsage/updated", turnId="u", tokenUsage="many")
    result = fold(usage(3), odd, completed())
    assert result.usage is not None
    assert result.usage.total.total_tokens == 3


@pytest.mark.parametrize("turn", [None, [], {}, {"status": {"kind": "completed"}}])
def test_a_turn_that_ends_in_an_unknown_way_has_a_result(turn: Any) -> None:
    end = Notification("turn/completed", UnknownNotification({"turn": turn}))
    result = fold(message("done"), end)
    assert (result.id, result.final_response) == ("u", "done")
    assert isinstance(result.status, UnknownValue)


def test_a_turn_whose_end_another_consumer_read_has_no_result() -> None:
    with pytest.raises(StreamClosedError, match="another consumer"):
        fold(message("x"))
    collector = TurnCollector("t", "u")
    assert not collector.is_complete
    collector.add([completed()])
    assert collector.is_complete


def trouble(message: str, will_retry: bool = False, **fields: Any) -> Notification:
    return event("error", turnId="u", willRetry=will_retry, error={"message": message, **fields})


def test_a_turn_that_went_on_after_an_error_has_the_last_that_was_not_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    result = fold(trouble("one"), trouble("two"), trouble("three", will_retry=True), completed())
    assert result.error is not None
    assert result.error.message == "two"
    caplog.clear()
    assert fold(trouble("again", will_retry=True), completed()).error is None
    caplog.clear()
    # The turn's own comes first.
    own = fold(trouble("one"), completed(error={"message": "own"})).error
    assert own is not None
    assert own.message == "own"


def test_the_error_of_one_of_a_goals_turns_is_not_the_goals() -> None:
    collector = TurnCollector("t", "u", of_goal=True)
    collector.add([trouble("one"), completed()])
    assert collector.result().error is None


def test_of_many_errors_the_last_sixteen_are_kept() -> None:
    errors = TurnErrors("u", is_told=True)
    for number in range(20):
        errors.note(trouble(str(number)))
    assert [one.error.message for one in errors.events] == [str(number) for number in range(4, 20)]


def test_an_error_that_does_not_fit_its_model_is_kept_with_what_fits() -> None:
    odd = event("error", turnId="u", willRetry=False, error={"message": "odd", "codexErrorInfo": 5}, x=1)
    stranger = Notification("error", UnknownNotification({"willRetry": False, "error": {"message": "odd"}}))
    for one in (odd, stranger):
        error = fold(one, completed()).error
        assert error is not None
        assert error.message == "odd"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (trouble("Reconnecting", will_retry=True), "Turn u: the runtime tries again: Reconnecting"),
        (trouble("Enough", codexErrorInfo="usageLimitExceeded"), "Turn u has met a limit: Enough"),
        (trouble("Enough", codexErrorInfo="rateLimitExceeded"), "Turn u has met a limit: Enough"),
        (trouble("Enough", codexErrorInfo="sessionBudgetExceeded"), "Turn u has met a limit: Enough"),
        (trouble("boom", codexErrorInfo="internalServerError"), None),
        (trouble("boom"), None),
    ],
)
def test_what_makes_the_program_wait_is_logged_unless_somebody_is_told(
    error: Notification, said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    TurnErrors("u", is_told=True).note(error)
    assert caplog.messages == []
    TurnErrors("u").note(error)
    assert caplog.messages == ([] if said is None else [said])
    assert {record.name for record in caplog.records} <= {"codex_app_server"}
    caplog.clear()


def test_a_turn_that_takes_too_long_has_what_came_of_it_until_then() -> None:
    collector = TurnCollector("t", "u")
    collector.add([message("so far"), usage(3), trouble("slow", will_retry=False)])
    late = collector.timed_out(1.5, False)
    assert str(late) == "Turn u is not over after 1.5 s (timeout_s). Its last error: slow"
    assert (late.thread_id, late.turn_id, late.timeout_s, late.is_idle) == ("t", "u", 1.5, False)
    assert [one.error.message for one in late.errors] == ["slow"]
    partial = late.partial
    assert partial is not None
    assert (partial.id, partial.status, partial.final_response) == ("u", TurnStatus.in_progress, "so far")
    assert (partial.started_at, partial.completed_at, partial.duration_ms) == (None, None, None)
    silent = TurnCollector("t", "u").timed_out(2, True)
    assert str(silent) == "Nothing of turn u has arrived for 2 s (idle_timeout_s)."
    assert silent.is_idle
