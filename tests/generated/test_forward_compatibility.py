"""What a newer runtime adds or changes is kept as typed values, and no caller's mistake is."""

from __future__ import annotations

import copy
import json
import pickle
import threading
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, RootModel, ValidationError

from codex_app_server.generated import v2_all as v2
from codex_app_server.generated._base import OpenEnum, ProtocolModel, UnknownVariant

CLASSES: list[type] = [getattr(v2, name) for name in v2.__all__]

MESSAGE = {"type": "agentMessage", "id": "m", "text": "hello"}


def completed(item: Any) -> Any:
    return {"item": item, "threadId": "t", "turnId": "u", "completedAtMs": 1}


def dump(value: BaseModel) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_unset=True)


def unlisted(kind: Any, text: str = "fromTomorrow") -> Any:
    return kind(text)


# -- fields


def test_unknown_fields_are_kept_readable_and_written_back() -> None:
    raw = completed({**MESSAGE, "newField": {"deep": [1]}}) | {"alsoNew": None}
    event = v2.ItemCompletedNotification.model_validate(raw)
    assert event.model_extra == {"alsoNew": None}
    assert isinstance(event.item.root, v2.AgentMessageThreadItem)
    assert event.item.root.model_extra == {"newField": {"deep": [1]}}
    assert dump(event) == raw
    assert event.model_dump_json(by_alias=True, exclude_unset=True) == json.dumps(
        dump(event), separators=(",", ":")
    )


def test_every_model_keeps_unknown_fields() -> None:
    models = [c for c in CLASSES if issubclass(c, ProtocolModel)]
    assert len(models) > 1000
    assert {c.model_config.get("extra") for c in models} == {"allow"}


# -- enums

OPEN = [c for c in CLASSES if issubclass(c, OpenEnum)]


@pytest.mark.parametrize("kind", OPEN)
def test_an_unlisted_value_is_a_member_that_keeps_its_text(kind: type[OpenEnum]) -> None:
    listed = list(kind)
    member = unlisted(kind)
    assert isinstance(member, kind)
    assert (member.value, member.name, member.is_known) == ("fromTomorrow", "fromTomorrow", False)
    assert repr(member) == f"<{kind.__name__}.fromTomorrow: 'fromTomorrow'>"
    for twin in (unlisted(kind), copy.copy(member), copy.deepcopy(member), again(member)):
        assert twin == member
        assert hash(twin) == hash(member)
        assert {member: 1}[twin] == 1
        assert type(twin) is kind
    assert member != unlisted(kind, "other")
    assert member not in listed
    assert list(kind) == listed
    assert all(known.is_known and kind(known.value) is known is again(known) for known in kind)


def again(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - made one line above


def test_unlisted_values_equal_text_only_where_listed_ones_do() -> None:
    assert v2.TurnStatus.completed != "completed"
    assert unlisted(v2.TurnStatus) != "fromTomorrow"
    assert v2.PlanType.free == "free"
    assert unlisted(v2.PlanType) == "fromTomorrow"
    assert unlisted(v2.TurnStatus) != unlisted(v2.MessagePhase)


def test_an_unlisted_value_that_is_spelled_like_a_members_name_is_not_that_member() -> None:
    member = unlisted(v2.TurnStatus, "in_progress")
    assert member is not v2.TurnStatus.in_progress
    assert member != v2.TurnStatus.in_progress
    assert not member.is_known
    assert again(member).value == "in_progress"


def test_unlisted_values_of_a_hostile_peer_are_not_collected() -> None:
    tables = ("_value2member_map_", "_member_map_", "_member_names_")
    before = [len(getattr(v2.TurnStatus, table)) for table in tables]
    for number in range(1000):
        unlisted(v2.TurnStatus, f"value-{number}")
    assert [len(getattr(v2.TurnStatus, table)) for table in tables] == before


def test_unlisted_values_made_by_many_threads_are_equal() -> None:
    barrier = threading.Barrier(8)
    made: list[Any] = []

    def make() -> None:
        barrier.wait()
        made.extend(unlisted(v2.TurnStatus, f"v{number}") for number in range(200))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1600
    assert len(set(made)) == 200


def test_an_unlisted_value_inside_a_payload_round_trips() -> None:
    raw = {"threadId": "t", "turn": {"id": "u", "items": [], "status": "paused"}}
    event = v2.TurnCompletedNotification.model_validate(raw)
    assert event.turn.status == unlisted(v2.TurnStatus, "paused")
    assert dump(event) == raw
    assert again(event) == event == copy.deepcopy(event)
    assert v2.TurnCompletedNotification.model_validate_json(json.dumps(raw)) == event


@pytest.mark.parametrize("value", [5, None, ["completed"], {"a": 1}])
def test_an_enum_takes_no_other_type_than_text(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a valid TurnStatus"):
        v2.TurnStatus(value)


def test_a_set_of_one_string_takes_others_where_the_runtime_says_it() -> None:
    raw = completed({**MESSAGE, "delivery": "sync"})
    event = v2.ItemCompletedNotification.model_validate(raw)
    assert isinstance(event.item.root, v2.AgentMessageThreadItem)
    assert event.item.root.delivery == v2.AgentMessageDelivery("sync")
    assert dump(event) == raw


def test_what_only_the_caller_says_is_checked() -> None:
    assert issubclass(v2.SortDirection, Enum)
    assert not issubclass(v2.SortDirection, OpenEnum)
    with pytest.raises(ValueError, match="'upwards' is not a valid SortDirection"):
        v2.SortDirection("upwards")
    with pytest.raises(ValidationError, match="sortDirection"):
        v2.ThreadListParams.model_validate({"sortDirection": "upwards"})


# -- unions

CHANGED: list[dict[str, Any]] = [
    {"type": "hologram", "id": "1", "pixels": [[1, 2]]},
    {"type": "hologram"},
    {"type": 5, "id": "1"},
    {"id": "1", "text": "no tag"},
    {**MESSAGE, "text": {"markdown": "hello"}},
    {"type": "agentMessage", "id": "lost its text"},
]


@pytest.mark.parametrize("raw", CHANGED)
def test_an_item_that_is_not_understood_is_kept_as_unknown(raw: dict[str, Any]) -> None:
    event = v2.ItemCompletedNotification.model_validate(completed(raw))
    item = event.item.root
    assert type(item) is v2.UnknownThreadItem
    assert isinstance(item, UnknownVariant)
    assert item.type == raw.get("type")
    assert {key: getattr(item, key) for key in raw} == raw
    assert dump(event) == completed(raw)
    assert again(event) == event == copy.deepcopy(event)
    assert event == v2.ItemCompletedNotification.model_validate_json(json.dumps(completed(raw)))


def test_an_unknown_item_does_not_touch_its_neighbours() -> None:
    raw = {"id": "u", "status": "completed", "items": [MESSAGE, CHANGED[0], MESSAGE]}
    turn = v2.Turn.model_validate(raw)
    assert [type(item.root).__name__ for item in turn.items] == [
        "AgentMessageThreadItem",
        "UnknownThreadItem",
        "AgentMessageThreadItem",
    ]
    assert dump(turn) == raw


def test_a_changed_part_makes_only_the_innermost_union_unknown() -> None:
    raw = {"type": "userMessage", "id": "1", "content": [{"type": "smell", "of": "rain"}]}
    item = v2.ThreadItem.model_validate(raw).root
    assert isinstance(item, v2.UserMessageThreadItem)
    assert isinstance(item.content[0].root, v2.UnknownUserInput)


UNIONS = [
    c.__name__.removeprefix("Unknown").removesuffix("Variant")
    for c in CLASSES
    if issubclass(c, UnknownVariant)
]


@pytest.mark.parametrize("name", UNIONS)
def test_every_union_that_the_runtime_says_has_a_fallback(name: str) -> None:
    raw = {"fromTomorrow": {"a": [1]}, "type": "fromTomorrow"}
    value = getattr(v2, name).model_validate(raw)
    assert isinstance(value.root, UnknownVariant)
    assert value.root.fromTomorrow == {"a": [1]}
    assert dump(value) == raw


def test_an_error_that_is_not_listed_is_kept_as_text_or_map() -> None:
    error = {"message": "x", "codexErrorInfo": "brandNew"}
    found = v2.TurnError.model_validate(error)
    assert found.codex_error_info == v2.CodexErrorInfo(unlisted(v2.CodexErrorInfoValue, "brandNew"))
    for info in ({"brandNew": {"code": 5}}, {"httpConnectionFailed": "changed"}):
        found = v2.TurnError.model_validate({**error, "codexErrorInfo": info})
        assert found.codex_error_info is not None
        assert found.codex_error_info.root == info
        assert dump(found) == {**error, "codexErrorInfo": info}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("on-request", v2.AskForApprovalValue.on_request),
        ("fromTomorrow", v2.AskForApprovalValue("fromTomorrow")),
        ({"someday": {"a": 1}}, v2.UnknownAskForApproval.model_validate({"someday": {"a": 1}})),
    ],
)
def test_strings_and_objects_of_one_union_stay_apart(raw: Any, expected: Any) -> None:
    value = v2.AskForApproval.model_validate(raw)
    assert value.root == expected
    assert type(value.root) is type(expected)
    assert dump(value) == raw


def test_a_literal_beside_an_enum_wins_over_it() -> None:
    assert v2.ReasoningSummary.model_validate("none").root == "none"
    assert v2.ReasoningSummary.model_validate("auto").root is v2.ReasoningSummaryValue.auto
    other = v2.ReasoningSummary.model_validate("long").root
    assert other == v2.ReasoningSummaryValue("long")


def test_two_variants_of_one_tag_are_told_apart_by_their_fields() -> None:
    by_url = v2.UserInput.model_validate({"type": "image", "url": "u"}).root
    by_id = v2.UserInput.model_validate({"type": "image", "fileId": "f"}).root
    assert (type(by_url), type(by_id)) == (v2.ImageUserInput, v2.FileIdUserInput)


def test_a_wrong_variant_from_the_caller_names_the_tags_it_could_have() -> None:
    with pytest.raises(ValidationError, match="does not match any of the expected tags: 'apiKey'"):
        v2.LoginAccountParams.model_validate({"type": "password"})
    with pytest.raises(ValidationError, match=r"apiKey\n  Field required"):
        v2.LoginAccountParams.model_validate({"type": "apiKey"})
    with pytest.raises(ValidationError, match="Unable to extract tag using discriminator 'type'"):
        v2.LoginAccountParams.model_validate({})


def test_instances_are_accepted_as_they_are() -> None:
    unknown = v2.UnknownThreadItem.model_validate({"type": "x"})
    for made in (v2.AgentMessageThreadItem.model_validate(MESSAGE), unknown):
        assert v2.ThreadItem(made).root is made
        assert v2.ThreadItem.model_validate(made).root is made


def test_comparing_the_tag_narrows_the_union_for_type_checkers() -> None:
    # The type checkers of `make lint` refuse `text` here unless the comparison narrows.
    item = v2.ThreadItem.model_validate(MESSAGE)
    root = item.root
    assert root.type == "agentMessage"
    assert root.text == MESSAGE["text"]


def test_a_model_is_usable_from_many_threads_at_its_first_use() -> None:
    class Inner(ProtocolModel):
        item: v2.ThreadItem

    class Outer(RootModel[list[Inner]]):
        model_config = {"defer_build": True}

    barrier = threading.Barrier(8)
    found: list[Any] = []

    def read() -> None:
        barrier.wait()
        found.append(Outer.model_validate([{"item": MESSAGE}]))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(value == found[0] for value in found)
