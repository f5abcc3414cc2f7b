"""What the native side builds without validation is what validation builds, and it builds nothing else."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from codex_app_server import Codex
from codex_app_server._incoming import decoding, fast
from codex_app_server._native import Decoder
from codex_app_server._sync import stream
from codex_app_server.generated import v2_all as v2
from codex_app_server.generated.notifications import payload_model
from codex_app_server.models import Notification, UnknownNotification
from codex_app_server.testing import OfflineModel
from tests.native.wire import caught_up, connected, finish, start_turn
from tests.peer import ScriptedPeer

IDS = {"threadId": "t", "turnId": "u"}
MESSAGE = {
    "type": "agentMessage",
    "id": "msg_1",
    "text": "hello ✓",
    "phase": None,
    "memoryCitation": None,
    "delivery": None,
    "questions": None,
}


DELTAS = [method for method in fast.METHODS if method.lower().endswith("delta")]


def model_of(method: str) -> type[BaseModel]:
    model = payload_model(method)
    assert model is not None
    return model


def sample_of(method: str) -> dict[str, Any]:
    fields = fast.fields_of(model_of(method))
    assert fields is not None
    return fast.sample(fields)


class Native:
    """A decoder of one method that notes whether it was asked to validate."""

    def __init__(self, method: str) -> None:
        self.method, self.model, self.validated = method, model_of(method), 0
        self.decoder = Decoder(Notification, self.validate)
        fast.use(self.decoder, method, self.model)

    def validate(self, method: str, params: bytes) -> Any:
        assert method == self.method
        self.validated += 1
        try:
            return self.model.model_validate_json(params, strict=True)
        except ValidationError:
            return "refused"

    def __call__(self, params: bytes) -> Any:
        return self.decoder.decode(self.method, [params])[0].payload

    def agrees(self, params: bytes) -> bool:
        """Compares with validation; True where the payload was built natively."""
        before = self.validated
        found, expected = self(params), self.validate(self.method, params)
        self.validated -= 1
        assert found == expected, params
        if isinstance(expected, BaseModel):
            assert fast.difference(found, expected) == "", params
        return self.validated == before


@pytest.mark.parametrize("method", fast.METHODS)
def test_every_hot_event_is_built_natively_and_equals_the_validated_one(method: str) -> None:
    native = Native(method)
    assert native.agrees(json.dumps(sample_of(method)).encode())
    assert native.agrees(json.dumps(sample_of(method), ensure_ascii=False, indent=1).encode())
    assert native.validated == 0


@pytest.mark.parametrize("phase", [None, "commentary", "final_answer"])
def test_a_message_is_built_natively_in_every_listed_phase(phase: str | None) -> None:
    native = Native("item/completed")
    params = {"item": {**MESSAGE, "phase": phase}, **IDS, "completedAtMs": 1}
    assert native.agrees(json.dumps(params).encode())
    item = native(json.dumps(params).encode()).item
    assert type(item) is v2.ThreadItem
    assert type(item.root) is v2.AgentMessageThreadItem
    assert item.root.phase is (None if phase is None else v2.MessagePhase(phase))


OTHER_ITEMS: list[Any] = [
    {**MESSAGE, "delivery": "async"},
    {**MESSAGE, "delivery": "fromTomorrow"},
    {**MESSAGE, "phase": "fromTomorrow"},
    {**MESSAGE, "questions": [{}]},
    {**MESSAGE, "fromTomorrow": {"a": 1}},
    {**MESSAGE, "text": None},
    {key: value for key, value in MESSAGE.items() if key != "phase"},
    {key: value for key, value in MESSAGE.items() if key != "text"},
    {"id": "msg_1", **MESSAGE} | {"type": "agentMessage"},
    {"text": "the tag comes late", **{k: v for k, v in MESSAGE.items() if k != "text"}},
    {"type": "plan", "id": "p", "text": "x"},
    {"type": "hologram"},
    {},
    [],
    None,
    "agentMessage",
]


@pytest.mark.parametrize("item", OTHER_ITEMS)
def test_an_item_that_is_not_just_text_is_validated(item: Any) -> None:
    native = Native("item/completed")
    params = {"item": item, **IDS, "completedAtMs": 1}
    assert not native.agrees(json.dumps(params).encode())


VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**63 - 1,
    2**63,
    10**30,
    1.5,
    1e400,
    "",
    "x",
    '\u2028\x00\\"\n',
]
VALUES += ["\U0001f600", "a" * 5000, [], {}, [1], {"type": "agentMessage"}, MESSAGE, {"a": {"b": [None]}}]


def mutated(value: Any, chance: random.Random) -> Any:
    """A value with one thing changed in it somewhere."""
    if not isinstance(value, dict) or not value or chance.random() < 0.1:
        return chance.choice(VALUES)
    key = chance.choice(list(value))
    changed = dict(value)
    what = chance.randrange(6)
    if what == 0:
        del changed[key]
    elif what == 1:
        changed[chance.choice(["extra", "item_id", "root", "", key.upper()])] = chance.choice(VALUES)
    elif what == 2:
        entries = list(changed.items())
        chance.shuffle(entries)
        changed = dict(entries)
    else:
        changed[key] = mutated(value[key], chance)
    return changed


def spelled(value: Any, chance: random.Random) -> bytes:
    """Its JSON in one of many spellings, sometimes a broken or a strange one."""
    text = json.dumps(
        value, ensure_ascii=chance.random() < 0.5, separators=chance.choice([(",", ":"), (" , ", " : ")])
    )
    encoded = text.encode("utf-8", "surrogatepass")
    what = chance.randrange(12)
    if what == 0:
        encoded = encoded[: chance.randrange(len(encoded) + 1)]
    elif what == 1:
        place = chance.randrange(len(encoded) + 1)
        encoded = (
            encoded[:place] + chance.choice([b"\xff", b"\\ud800", b" ", b"\n", b"\x00"]) + encoded[place:]
        )
    elif what == 2 and isinstance(value, dict) and value:
        key = chance.choice(list(value))
        again = json.dumps({key: chance.choice(VALUES)}).encode()
        encoded = encoded[:-1] + b"," + again[1:]
    elif what == 3:
        encoded += chance.choice([b" ", b"{}", b"x"])
    return encoded


def lines(method: str, count: int) -> Iterator[bytes]:
    chance = random.Random(f"20261120 {method}")
    for _ in range(count):
        value: Any = sample_of(method)
        for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
            value = mutated(value, chance)
        yield spelled(value, chance)


@pytest.mark.parametrize("method", fast.METHODS)
def test_whatever_comes_is_what_validation_makes_of_it(method: str) -> None:
    native = Native(method)
    built = [native.agrees(line) for line in lines(method, 1500)]
    assert 150 < sum(built) < 1200, "both ways are taken"


def test_what_every_turn_of_the_real_runtime_has_is_built_natively(monkeypatch: pytest.MonkeyPatch) -> None:
    raw: list[tuple[str, bytes]] = []
    noting = Decoder(Notification, lambda method, params: raw.append((method, params)))
    monkeypatch.setattr(stream, "decoder", lambda: noting)
    with OfflineModel() as model, Codex(model.config()) as codex:
        turn = codex.thread_start().turn("Hello?")
        assert [event.method for event in turn.stream()][-1] == "turn/completed"
    hot = [(method, params) for method, params in raw if method in fast.METHODS]
    assert [method for method, _ in hot if not method.startswith("item/")] == [
        "turn/started",
        "thread/tokenUsage/updated",
        "turn/completed",
    ]
    assert [method for method, _ in hot if method.startswith("item/")] == [
        *("item/started", "item/completed"),  # the prompt
        *("item/started", "item/agentMessage/delta", "item/completed"),
    ]
    for method, params in hot:
        assert Native(method).agrees(params), params


def batched(lines: list[tuple[str, str]]) -> list[Any]:
    """The events of a turn, given as methods and params, which are drained together."""
    with ScriptedPeer() as peer, connected(peer) as connection:
        call = start_turn(connection, "t")
        peer.answer(peer.expect("turn/start"), {"turn": {"id": "u"}})
        finish(call)
        subscription = call.take_subscription()
        peer.send_raw("".join(f'{{"method":"{m}","params":{p}}}\n' for m, p in lines).encode())
        caught_up(connection, peer)
        events: list[Any] = []
        while len(events) < len(lines):
            events += subscription.drain(decoding.decoder())
    return events


def spoil(value: Any) -> None:
    """Change everything that can be changed in a model, as far down as it goes."""
    if isinstance(value, list):
        for part in value:
            spoil(part)
        value.append("more")
    elif isinstance(value, BaseModel):
        for part in list(value.__dict__.values()):
            spoil(part)
        value.__dict__.update(dict.fromkeys(value.__dict__, "changed"))
        value.__pydantic_fields_set__.clear()
        if value.__pydantic_extra__ is not None:
            value.__pydantic_extra__["more"] = 1


@pytest.mark.parametrize("method", fast.METHODS)
def test_events_of_a_batch_share_nothing_that_can_be_changed(method: str) -> None:
    params = json.dumps(sample_of(method)).encode()
    native = Native(method)
    first, *others = (event.payload for event in native.decoder.decode(method, [params] * 4))
    assert native.validated == 0
    untouched = model_of(method).model_validate_json(params)
    spoil(first)
    assert [fast.difference(other, untouched) for other in others] == ["", "", ""]


TEXTS = ['""', '"a"', '"ab"', r'"a\""', r'"a\\"', r'"\u0061"', r'"\u0061b"', '"ab "', '"\u2713"', "null", "7"]
NUMBERS = ["1", "12", "-1", '"1"', "1.0"]


def alike(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Runs of lines that differ from the one before in one member: strings that begin alike, or are equal but
    written differently, in every field, time and again."""
    while True:
        method = chance.choice(DELTAS)
        kinds = {wire: kind for wire, _, kind in fast.fields_of(model_of(method)) or ()}
        values = {wire: TEXTS if kind == "str" else NUMBERS for wire, kind in kinds.items()}
        order = chance.sample(sorted(kinds), len(kinds))
        members = {wire: chance.choice(values[wire]) for wire in order}
        for _ in range(chance.randrange(1, 10)):
            changed = chance.choice(order)
            members |= {changed: chance.choice(values[changed])}
            members |= {"threadId": '"t"', "turnId": '"u"'}
            end = chance.choice(["", "", "", " ", ',"delta":"twice"', ',"more":1'])
            yield method, "{" + ",".join(f'"{wire}":{members[wire]}' for wire in order) + end + "}"


def test_what_repeats_within_a_batch_is_not_confused() -> None:
    lines = list(islice(alike(random.Random(7)), 4000))
    events = batched(lines)
    for (method, text), event in zip(lines, events, strict=True):
        try:
            expected = model_of(method).model_validate_json(text, strict=True)
        except ValidationError:
            assert event.payload == UnknownNotification(json.loads(text))
        else:
            assert fast.difference(event.payload, expected) == "", text


# -- what is described


class Flat(BaseModel):
    model_config = ConfigDict(extra="allow")

    text: str


class Constrained(BaseModel):
    text: Annotated[str, Field(min_length=1)]


class Deep(BaseModel):
    parts: dict[str, str]


class Checked(BaseModel):
    text: str

    @field_validator("text")
    @classmethod
    def _is_short(cls, text: str) -> str:
        assert len(text) < 9
        return text


class Stripped(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)

    text: str


class Nothing(BaseModel):
    pass


class Around(BaseModel):
    text: str
    nothing: Nothing


@pytest.mark.parametrize("model", [Checked, Stripped, Around])
def test_a_model_that_has_a_say_of_its_own_is_not_simple(model: type[BaseModel]) -> None:
    assert fast.fields_of(model) is None


def test_a_model_that_is_not_simple_has_no_fast_path(caplog: pytest.LogCaptureFixture) -> None:
    assert fast.fields_of(Flat) == [("text", "text", "str")]
    assert fast.fields_of(Constrained) is None
    assert fast.fields_of(Deep) is None
    decoder = Decoder(Notification, lambda *_: "validated")
    with caplog.at_level(logging.INFO, "codex_app_server"):
        fast.use(decoder, "warning", Deep)
    assert "warning is decoded by validation: Deep is not simple" in caplog.text
    assert decoder.decode("warning", [b'{"parts": {}}'])[0].payload == "validated"


def test_a_kind_that_is_not_known_is_refused() -> None:
    decoder = Decoder(Notification, lambda *_: None)
    kinds: list[Any] = ["float", 3, None, (1, 2), [3], (Flat, []), (Flat, "tag", [("value", Flat, [])])]
    for kind in kinds:
        with pytest.raises((ValueError, TypeError)):
            decoder.add_fast("warning", Flat, [("text", "text", kind)])
    with pytest.raises(ValueError, match="1 to 12 fields"):
        decoder.add_fast("warning", Flat, [("text", "text", "str")] * 13)


# -- the proof


@pytest.mark.parametrize(
    "spoil",
    [
        lambda model: object.__setattr__(model, "__pydantic_fields_set__", set()),
        lambda model: object.__setattr__(model, "__pydantic_extra__", {"x": 1}),
        lambda model: object.__setattr__(model, "__pydantic_extra__", None),
        lambda model: model.__dict__.update(text="other"),
        lambda model: model.__dict__.update(more=1),
    ],
)
def test_a_model_that_differs_in_anything_is_seen(spoil: Any) -> None:
    model = Flat(text="x")
    assert fast.difference(model, Flat(text="x")) == ""
    spoil(model)
    assert fast.difference(model, Flat(text="x")) != ""


def test_a_model_without_a_slot_is_decoded_by_validation(caplog: pytest.LogCaptureFixture) -> None:
    class Odd(BaseModel):
        __pydantic_private__ = None

        text: str

    decoder = Decoder(Notification, lambda *_: "validated")
    with caplog.at_level(logging.WARNING, "codex_app_server"):
        fast.use(decoder, "warning", Odd)
    assert "which is slower" in caplog.text
    caplog.clear()
    assert decoder.decode("warning", [b'{"text": ""}'])[0].payload == "validated"


def test_a_part_that_differs_is_seen() -> None:
    first, second = (v2.ThreadItem.model_validate(MESSAGE) for _ in range(2))
    assert fast.difference(first, second) == ""
    object.__setattr__(first.root, "__pydantic_fields_set__", {"id"})
    assert fast.difference(first, second) != ""


def test_a_difference_switches_the_fast_path_off_with_a_log_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fast, "difference", lambda *_: "it differs")
    decoder = Decoder(Notification, lambda *_: "validated")
    method = "item/agentMessage/delta"
    with caplog.at_level(logging.WARNING, "codex_app_server"):
        fast.use(decoder, method, model_of(method))
    assert "it differs" in caplog.text
    caplog.clear()
    assert decoder.decode(method, [json.dumps(sample_of(method)).encode()])[0].payload == "validated"
