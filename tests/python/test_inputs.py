"""What a turn can be given, and how it looks on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from codex_app_server import (
    ExternalMessage,
    ImageInput,
    LocalImageInput,
    MentionInput,
    SkillInput,
    TextInput,
)
from codex_app_server._outgoing.inputs import input_items, turn_input
from codex_app_server.errors import InvalidInputError, InvalidInputTypeError
from codex_app_server.generated.v2_all import FunctionCallOutputContentItem

HELLO = {"type": "text", "text": "hello"}


@pytest.mark.parametrize(
    ("given", "wire"),
    [
        ("hello", [HELLO]),
        (TextInput("hello"), [HELLO]),
        ([TextInput("hello")], [HELLO]),
        (ImageInput("data:x"), [{"type": "image", "url": "data:x"}]),
        (LocalImageInput("/a.png"), [{"type": "localImage", "path": "/a.png"}]),
        (SkillInput("n", "/SKILL.md"), [{"type": "skill", "name": "n", "path": "/SKILL.md"}]),
        (MentionInput("n", "app://x"), [{"type": "mention", "name": "n", "path": "app://x"}]),
        (
            [ImageInput("data:x"), TextInput("")],
            [{"type": "image", "url": "data:x"}, {"type": "text", "text": ""}],
        ),
        ([TextInput(""), TextInput("hello")], [{"type": "text", "text": ""}, HELLO]),
        (" ", [{"type": "text", "text": " "}]),
    ],
)
def test_inputs_are_put_in_wire_form(given: Any, wire: list[dict[str, Any]]) -> None:
    assert input_items(given) == wire
    assert turn_input(given) == {"input": wire}


@pytest.mark.parametrize("given", ["", [], TextInput(""), [TextInput(""), TextInput("")]])
def test_an_empty_prompt_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInputError, match="empty"):
        turn_input(given)


@pytest.mark.parametrize("given", [None, 3, b"x", {"type": "text"}, ("a",), [3], [None], [[]]])
def test_a_wrong_type_is_refused_and_the_right_ones_are_named(given: Any) -> None:
    with pytest.raises(InvalidInputTypeError, match="TextInput"):
        turn_input(given)


def test_text_in_a_list_is_told_to_be_a_text_input() -> None:
    with pytest.raises(InvalidInputTypeError, match=r"write text as TextInput"):
        turn_input(["hello"])


@pytest.mark.parametrize("given", [TextInput(3), ImageInput(None), SkillInput("n", 3)])  # type: ignore[arg-type]
def test_fields_of_inputs_are_text(given: Any) -> None:
    with pytest.raises(InvalidInputTypeError, match="must be a str"):
        turn_input(given)


@pytest.mark.parametrize(
    "given", [ImageInput(""), LocalImageInput(""), SkillInput("", "/s"), MentionInput("n", "")]
)
def test_fields_other_than_text_are_not_empty(given: Any) -> None:
    with pytest.raises(InvalidInputError, match="empty"):
        turn_input(given)


def test_an_external_message_is_the_output_of_a_tool() -> None:
    message = ExternalMessage("tool", "content", namespace="ns")
    assert turn_input(message) == {
        "input": [],
        "toolOutput": {"name": "tool", "output": "content", "namespace": "ns"},
    }
    assert turn_input(ExternalMessage("tool", ""))["toolOutput"] == {"name": "tool", "output": ""}


def test_an_external_message_takes_content_items_as_dicts_and_as_models() -> None:
    item = {"type": "input_text", "text": "x"}
    model = FunctionCallOutputContentItem.model_validate(item)
    assert turn_input(ExternalMessage("tool", [item, model]))["toolOutput"]["output"] == [item, item]  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (ExternalMessage("", "x"), InvalidInputError),
        (ExternalMessage(3, "x"), InvalidInputTypeError),  # type: ignore[arg-type]
        (ExternalMessage("t", 3), InvalidInputTypeError),  # type: ignore[arg-type]
        (ExternalMessage("t", b"x"), InvalidInputTypeError),  # type: ignore[arg-type]
        (ExternalMessage("t", [3]), InvalidInputTypeError),  # type: ignore[list-item]
        (ExternalMessage("t", "x", namespace=3), InvalidInputTypeError),  # type: ignore[arg-type]
    ],
)
def test_an_external_message_is_checked(message: ExternalMessage, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"ExternalMessage|content item"):
        turn_input(message)


def test_an_external_message_is_no_way_to_steer() -> None:
    with pytest.raises(InvalidInputTypeError):
        input_items(ExternalMessage("tool", "x"))
