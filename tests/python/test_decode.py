"""From bytes to events: known, unknown, and built natively."""

from __future__ import annotations

import copy
import json
from typing import Any, cast

import pytest

from codex_app_server import AsyncNotificationStream, NotificationStream
from codex_app_server._incoming import decoding
from codex_app_server._incoming.decoding import payload_as
from codex_app_server._incoming.result import completed_turn, raise_if_failed
from codex_app_server._native import notification_methods
from codex_app_server._outgoing.notification_methods import classes
from codex_app_server.errors import ParseError, TurnFailedError
from codex_app_server.generated.notifications import payload_model
from codex_app_server.generated.v2_all import (
    AgentMessageDeltaNotification,
    ModelListResponse,
    ThreadNameUpdatedNotification,
    TurnCompletedNotification,
)
from codex_app_server.models import Notification, UnknownNotification, UnknownValue

DELTA = {"threadId": "t", "turnId": "u", "itemId": "i", "delta": '✓ \U0001f600 " \\ \n'}


def decode(method: str, params: Any) -> Notification:
    (event,) = decoding.decoder().decode(method, [json.dumps(params).encode()])
    assert type(event) is Notification
    return event


def test_an_event_has_its_method_and_its_model() -> None:
    event = decode("item/agentMessage/delta", DELTA)
    assert event == Notification(
        "item/agentMessage/delta", AgentMessageDeltaNotification.model_validate(DELTA)
    )


def test_a_hot_event_with_a_field_of_tomorrow_keeps_it() -> None:
    payload: Any = decode("item/agentMessage/delta", {**DELTA, "mood": "good"}).payload
    assert payload.delta == DELTA["delta"]
    assert payload.model_extra == {"mood": "good"}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("brand/new", {"threadId": "t", "x": [1, None]}),
        ("item/agentMessage/delta", {"threadId": "t", "delta": 1}),
        ("item/agentMessage/delta", {**DELTA, "delta": None}),
        ("turn/started", {"threadId": "t"}),
        ("warning", []),
        ("warning", None),
    ],
)
def test_what_is_unknown_or_does_not_fit_is_an_unknown_notification(method: str, params: Any) -> None:
    assert decode(method, params) == Notification(method, UnknownNotification(params))


def test_a_payload_that_is_not_even_json_does_not_raise() -> None:
    assert decoding.payload("brand/new", b'{"a": \xff') == UnknownNotification({"raw": '{"a": �'})
    assert decoding.payload("brand/new", b"") == UnknownNotification({})


def test_every_notification_of_the_schema_has_a_model() -> None:
    assert [method for method in notification_methods() if payload_model(method) is None] == []


def test_an_answer_is_its_generated_model() -> None:
    answer = decoding.answer("model/list", b'{"data": [], "nextCursor": "c"}')
    assert (type(answer).__name__, answer.next_cursor) == ("ModelListResponse", "c")


def test_an_answer_with_a_changed_field_keeps_the_rest_typed() -> None:
    raw = {"data": [{"id": "m", "hidden": "sometimes"}, 5], "nextCursor": 7, "more": [1]}
    answer: Any = decoding.answer("model/list", json.dumps(raw).encode())
    assert type(answer) is ModelListResponse
    answer = cast("Any", answer)
    assert (answer.data[0].id, answer.data[0].hidden, answer.data[1]) == (
        "m",
        UnknownValue("sometimes"),
        UnknownValue(5),
    )
    assert (answer.next_cursor, answer.model_extra) == (UnknownValue(7), {"more": [1]})
    assert answer.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False) == raw


def test_a_required_field_that_is_missing_is_an_unknown_value_that_is_not_written_back() -> None:
    answer: Any = decoding.answer("model/list", b'{"nextCursor": "c"}')
    assert (answer.data, answer.next_cursor) == (UnknownValue(None), "c")
    assert answer.model_dump(by_alias=True, exclude_unset=True) == {"nextCursor": "c"}


@pytest.mark.parametrize("raw", [[], None, "text", 5])
def test_an_answer_that_is_no_object_is_an_unknown_value(raw: Any) -> None:
    assert decoding.answer("model/list", json.dumps(raw).encode()) == UnknownValue(raw)


@pytest.mark.parametrize("result", [b"not json", b'{"data": \xff}', b"[" * 100_000])
def test_an_answer_that_cannot_be_read_keeps_its_text(result: bytes) -> None:
    answer = decoding.answer("model/list", result)
    assert answer.model_extra == {"raw": result.decode("utf-8", "replace")}


def test_the_thread_id_of_an_answer_needs_nothing_else_to_fit() -> None:
    assert decoding.opened("thread/start", b'{"thread": {"id": "t", "turns": 3}}').id == "t"


@pytest.mark.parametrize(
    "result", [b"{}", b'{"thread": null}', b'{"thread": {"id": 3}}', b'{"thread": {"id": ""}}', b"[]", b"x"]
)
def test_an_answer_without_a_thread_id_is_a_typed_error(result: bytes) -> None:
    with pytest.raises(ParseError, match="thread/start"):
        decoding.opened("thread/start", result)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


# Pydantic reads 200 levels, and Python's json some thousand; how many depends on the stack.
@pytest.mark.parametrize("more", [nested(210), nested(5_000), nested(100_000), "7" * 5_000])
def test_a_turn_that_failed_has_failed_whatever_else_its_end_says(more: str) -> None:
    turn = (
        b'{"id": "u", "status": "failed", "items": [], "error": {"message": "no"}, "more": %s}'
        % more.encode()
    )
    (event,) = decoding.decoder().decode("turn/completed", [b'{"threadId": "t", "turn": %s}' % turn])
    completed = completed_turn(event)
    assert (completed.id, completed.status.value, completed.error.message) == ("u", "failed", "no")
    with pytest.raises(TurnFailedError, match="no"):
        raise_if_failed("t", completed.id, completed)


@pytest.mark.parametrize("more", [nested(210), nested(5_000), nested(100_000)])
def test_an_answer_is_read_however_deep_it_nests(more: str) -> None:
    thread = b'{"thread": {"id": "t", "more": %s}}' % more.encode()
    assert decoding.opened("thread/start", thread).id == "t"
    answer: Any = decoding.answer(
        "model/list", b'{"data": [], "nextCursor": "c", "more": %s}' % more.encode()
    )
    assert (type(answer), answer.data, answer.next_cursor) == (ModelListResponse, [], "c")
    answer = decoding.answer("model/list", b'{"data": %s, "nextCursor": "c"}' % more.encode())
    assert answer.next_cursor == "c"


def test_half_a_surrogate_pair_is_replaced_wherever_it_stands() -> None:
    answer: Any = decoding.answer("model/list", rb'{"data": [], "nextCursor": "\ud800", "x\udfff": 1}')
    assert (answer.next_cursor, answer.model_extra) == ("\ufffd", {"x\ufffd": 1})
    event = decoding.payload("brand/new", rb'{"a": ["\ud83d\ude00 \ude00"]}')
    assert event == UnknownNotification({"a": ["\U0001f600 \ufffd"]})


CHANGED = Notification(
    "thread/name/updated", UnknownNotification({"threadId": "t", "threadName": 7, "new": 1})
)


def test_a_payload_that_was_promised_by_its_class_is_of_that_class() -> None:
    payload = payload_as(ThreadNameUpdatedNotification, CHANGED)
    assert type(payload) is ThreadNameUpdatedNotification
    assert payload.thread_id == "t"
    assert payload.thread_name == UnknownValue(7)  # type: ignore[comparison-overlap]
    assert payload.model_extra == {"new": 1}
    nothing: Any = UnknownNotification(None)  # type: ignore[arg-type]
    empty = payload_as(ThreadNameUpdatedNotification, Notification("thread/name/updated", nothing))
    assert empty.thread_id == UnknownValue(None)  # type: ignore[comparison-overlap]
    assert payload_as(ThreadNameUpdatedNotification, Notification("x", payload)) is payload


@pytest.mark.parametrize("stream", [NotificationStream, AsyncNotificationStream])
def test_a_stream_of_a_class_gives_that_class_and_one_of_a_name_what_came(stream: Any) -> None:
    def made(*kinds: Any) -> Notification:
        listening = stream.__new__(stream)
        listening._classes = classes(kinds)
        event: Notification = listening._made(copy.copy(CHANGED))
        return event

    assert type(made(ThreadNameUpdatedNotification).payload) is ThreadNameUpdatedNotification
    assert made("thread/name/updated") == CHANGED
    assert made(TurnCompletedNotification, "thread/name/updated") == CHANGED
