"""Events that are built natively, against validation, over lines that are changed in every way."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_app_server import _decode
from codex_app_server._native import Decoder
from codex_app_server.generated.notifications import payload_model
from codex_app_server.models import Notification, UnknownNotification
from tests.native.wire import connected, finish, start_turn
from tests.peer import ScriptedPeer


def fields(method: str) -> list[tuple[str, str, Any]]:
    model = payload_model(method)
    assert model is not None
    found = _decode._flat_fields(model)
    assert found is not None
    return found


# JSON texts, not values: escapes, numbers and white space are what differs between parsers.
SPACE = st.sampled_from(["", "", "", " ", "\n\t "])
ESCAPES = [
    r"\u0061",
    r"\"",
    r"\\",
    r"\/",
    r"\n",
    r"\ud83d\ude00",
    r"\ud83d",
    r"\udc00x",
    r"\u0000",
    "😀",
    "\u2028",
]
TEXT = st.one_of(
    st.text(max_size=8).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.text(max_size=8).map(json.dumps),
    st.lists(st.sampled_from([*ESCAPES, "a", "ab"]), max_size=6).map(lambda parts: f'"{"".join(parts)}"'),
)
INTEGER = st.one_of(st.integers(-(2**63), 2**63 - 1).map(str), st.sampled_from(["0", "-0", "7"]))
BIG = st.sampled_from([str(2**63), str(-(2**63) - 1), str(2**64), "1" + "0" * 40, "1" + "0" * 5000])
ODD = st.one_of(
    BIG,
    st.sampled_from(
        [
            "null",
            "true",
            "1.0",
            "1.5",
            "1e3",
            "1e999",
            "[]",
            "{}",
            '["a"]',
            '{"delta": "x"}',
            '"12"',
            '"x"',
        ]
    ),
)
BROKEN = st.sampled_from(["", "01", "+1", "'a'", '"a', '"\t"', r'"\x"', r'"\u12"', "nul", "[1,", '"a" "b"'])

CHANGES = ["value", "missing", "extra", "twice", "order", "broken", "escaped key"]


@st.composite
def params(draw: st.DrawFn, method: str) -> str:
    """The params of `method`, right or wrong."""
    members = [
        (json.dumps(wire), draw(TEXT if kind == "str" else INTEGER)) for wire, _, kind in fields(method)
    ]
    for change in draw(st.lists(st.sampled_from(CHANGES), max_size=2)):
        at = draw(st.integers(0, max(len(members) - 1, 0)))
        if change == "extra":
            members.insert(at, (draw(TEXT), draw(st.one_of(TEXT, INTEGER, ODD))))
        elif change == "order":
            members = draw(st.permutations(members))
        elif not members:
            continue
        elif change == "missing":
            del members[at]
        elif change == "twice":
            members.append((members[at][0], draw(st.one_of(TEXT, INTEGER, ODD))))
        elif change == "value":
            members[at] = (members[at][0], draw(st.one_of(TEXT, INTEGER, ODD)))
        elif change == "broken":
            members[at] = (members[at][0], draw(BROKEN))
        elif change == "escaped key":
            key = json.loads(members[at][0])
            members[at] = (f'"\\u{ord(key[0]):04x}{json.dumps(key[1:])[1:]}' if key else '""', members[at][1])
    gap = draw(SPACE)
    return "{" + ",".join(f"{gap}{key}{gap}:{gap}{value}{gap}" for key, value in members) + "}"


def check(method: str, text: str, event: Any) -> None:
    """The event is what validation makes of `text`, or unknown where validation refuses."""
    assert type(event) is Notification
    assert event.method == method
    model = payload_model(method)
    assert model is not None
    try:
        validated = model.model_validate_json(text)
    except ValueError:
        assert isinstance(event.payload, UnknownNotification)
        try:
            raw = json.loads(text)
        except ValueError:
            raw = {"raw": text}
        assert event.payload.params == raw
    else:
        assert _decode._difference(event.payload, validated) == ""


@pytest.mark.parametrize("method", _decode.FAST_METHODS)
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_whatever_comes_the_native_side_and_validation_agree(method: str, data: st.DataObject) -> None:
    text = data.draw(params(method))
    check(method, text, _decode.decoder().decode(method, text.encode()))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_is_right_is_built_natively(data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(_decode.FAST_METHODS))
    values = {
        wire: data.draw(st.text(max_size=9) if kind == "str" else st.integers(-(10**17), 10**17))
        for wire, _, kind in fields(method)
    }

    def refuse(*_: Any) -> Any:
        raise AssertionError("validated, not built natively")

    decoder = Decoder(Notification, refuse)
    _decode._use_fast_path(decoder, method)
    text = json.dumps(values, ensure_ascii=data.draw(st.booleans()))
    check(method, text, decoder.decode(method, text.encode()))


def test_what_repeats_within_a_batch_is_not_confused() -> None:
    # Strings that begin alike, or are equal but written differently, in every field, time and again.
    dice = random.Random(7)
    texts = ['""', '"a"', '"ab"', r'"a\""', r'"a\\"', r'"\u0061"', r'"\u0061b"', '"ab "', "null", "7"]
    lines = []
    for _ in range(2000):
        method = dice.choice(_decode.FAST_METHODS)
        members = {
            wire: dice.choice(texts) if kind == "str" else dice.choice(["1", "12", "-1", '"1"', "1.0"])
            for wire, _, kind in fields(method)
        }
        members |= {"threadId": '"t"', "turnId": '"u"'}
        order = dice.sample(sorted(members), len(members))
        lines.append((method, "{" + ",".join(f'"{wire}":{members[wire]}' for wire in order) + "}"))
    with ScriptedPeer() as peer, connected(peer) as connection:
        call = start_turn(connection, "t")
        peer.answer(peer.expect("turn/start"), {"turn": {"id": "u"}})
        finish(call)
        subscription = call.take_subscription()
        peer.send_raw("".join(f'{{"method":"{m}","params":{p}}}\n' for m, p in lines).encode())
        events: list[Any] = []
        while len(events) < len(lines):
            assert subscription.wait(20)
            events += subscription.drain(_decode.decoder(), 256)
    for (method, text), event in zip(lines, events, strict=True):
        check(method, text, event)
