"""A call's arguments and context: how they are taken, and what the model is told of those that do not fit."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import math
import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from codex_app_server.tools import Tool, ToolContext
from codex_app_server.tools._signature import WrongArgumentsError


def called(given: Callable[..., Any], arguments: Any = None, **named: Any) -> Any:
    """What a tool gives back for a call of the model's."""
    made = given if isinstance(given, Tool) else Tool(given)
    bound = made.signature.bind(named if arguments is None else arguments, None)
    return made.function(*bound.args, **bound.kwargs)


def told(given: Callable[..., Any], arguments: Any = None, **named: Any) -> str:
    """What the model reads about arguments that do not fit."""
    with pytest.raises(WrongArgumentsError) as caught:
        called(given, arguments, **named)
    return str(caught.value)


# --- contexts


class Request:
    """As much of a `ToolCall` as a context needs."""

    class params:
        thread_id = "t"
        turn_id = "u"

    call_id = "c"
    tool = "look_up"
    settled = False

    def wait_settled(self, timeout_s: float | None) -> bool:
        self.waited_s = timeout_s
        return self.settled


def with_context(context: ToolContext, word: str) -> str:
    return f"{context.thread_id} {word}"


def with_typed_context(context: ToolContext[Any], word: str) -> str:
    return f"{context.thread_id} {word}"


def with_keyword_context(*, context: ToolContext, word: str) -> str:
    return f"{context.thread_id} {word}"


class Library:
    def method(self, context: ToolContext, word: str) -> str:
        return f"{context.thread_id} {word}"


@pytest.mark.parametrize(
    "given",
    [
        with_context,
        with_typed_context,
        with_keyword_context,
        Library().method,
        functools.partial(with_context),
    ],
)
def test_a_context_is_given_and_not_shown(given: Callable[..., Any]) -> None:
    made = Tool(given)
    assert [*made.input_schema["properties"]] == ["word"]
    assert "ToolContext" not in json.dumps(made.spec)
    context: ToolContext[Any] = ToolContext._of("the client", Request())  # type: ignore[arg-type]
    bound = made.signature.bind({"word": "x"}, context)
    assert made.function(*bound.args, **bound.kwargs) == "t x"
    # The model cannot give one either.
    with pytest.raises(WrongArgumentsError, match="context: Extra inputs"):
        made.signature.bind({"word": "x", "context": {}}, context)


def test_a_context_tells_the_call_and_whether_somebody_waits() -> None:
    request = Request()
    context: ToolContext[str] = ToolContext._of("the client", request)  # type: ignore[arg-type]
    told_of = (context.client, context.thread_id, context.turn_id, context.call_id, context.tool)
    assert told_of == ("the client", "t", "u", "c", "look_up")
    assert context.cancelled is False
    assert context.wait_cancelled(0.5) is False
    assert request.waited_s == 0.5
    # For a test of a tool one is made by hand.
    alone = ToolContext("the client", thread_id="t")
    assert (alone.client, alone.thread_id, alone.cancelled, alone.wait_cancelled(0)) == (
        "the client",
        "t",
        False,
        False,
    )
    request.settled = True
    assert context.cancelled is True
    assert context.wait_cancelled(0.5) is True
    assert repr(context) == "ToolContext(tool='look_up', thread_id='t', call_id='c')"


# --- arguments that fit


class Point(BaseModel):
    x: int
    y: int = 0


@dataclasses.dataclass
class Size:
    width: int
    height: int = 1


class Berth(TypedDict, total=False):
    name: str


class Colour(enum.Enum):
    red = "r"
    blue = "b"


def taking(annotation: Any, *default: Any) -> Tool[..., Any]:
    """A tool with one parameter, which it gives back."""

    def take(value: Any = None) -> Any:
        return value

    take.__annotations__ = {"value": annotation}
    take.__defaults__ = default or None
    return Tool(take)


@pytest.mark.parametrize(
    ("annotation", "given", "taken"),
    [
        (int, "5", 5),
        (int, 5.0, 5),
        (float, 5, 5.0),
        (float, "0.5", 0.5),
        (bool, "true", True),
        (bool, 0, False),
        (str, "text", "text"),
        (date, "2026-11-28", date(2026, 11, 28)),
        (datetime, "2026-11-28T12:00:00Z", datetime(2026, 11, 28, 12, tzinfo=timezone.utc)),
        (timedelta, "PT5M", timedelta(minutes=5)),
        (Decimal, "1.10", Decimal("1.10")),
        (uuid.UUID, "12345678-1234-5678-1234-567812345678", uuid.UUID("12345678123456781234567812345678")),
        (Path, "/x/y", Path("/x/y")),
        (bytes, "text", b"text"),
        (Colour, "r", Colour.red),
        (Literal["a", 1], 1, 1),
        (set[int], [1, 2, "2"], {1, 2}),
        (frozenset[str], ["a"], frozenset("a")),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple[int, ...], [1, "2"], (1, 2)),
        (list[Point], [{"x": "1"}], [Point(x=1)]),
        (dict[str, int], {"a": "1"}, {"a": 1}),
        (Size, {"width": 2}, Size(2, 1)),
        (Berth, {"name": "B2"}, {"name": "B2"}),
        ("int | None", None, None),
        ("Point | None", {"x": 1}, Point(x=1)),
        ("int | str", "5", "5"),
        (Any, {"any": [1, None]}, {"any": [1, None]}),
        (object, [1], [1]),
        (int, 12345678901234567890123, 12345678901234567890123),
        (float, math.inf, math.inf),
    ],
)
def test_arguments_are_taken_as_what_the_function_wants(annotation: Any, given: Any, taken: Any) -> None:
    value = called(taking(annotation), value=given)
    assert value == taken
    assert type(value) is type(taken)


def test_what_is_left_out_is_the_functions_own_default() -> None:
    made: list[int] = []

    def look_up(
        word: Any = made,
        by_field: int = Field(default=5, ge=1),
        by_factory: list[int] = Field(default_factory=list),  # noqa: B008
        untouched: int = "no number",  # type: ignore[assignment]
    ) -> Any:
        return word, by_field, by_factory, untouched

    first, second = called(look_up), called(look_up)
    assert first[0] is made
    assert first[1:] == (5, [], "no number")
    # Made anew for each call.
    assert first[2] is not second[2]


def test_an_annotation_and_a_default_that_differ_are_as_python_has_them() -> None:
    def look_up(word: Annotated[int, Field(default=7, ge=1)] = 9) -> int:
        return word

    assert called(look_up) == look_up()
    assert Tool(look_up).input_schema["properties"]["word"]["description"] == "At least 1. Default: 9."


@pytest.mark.parametrize(
    ("arguments", "taken"),
    [
        ({"word": "x", "limit": None}, ("x", 3, None)),
        ({"word": "x", "limit": None, "other": None}, ("x", 3, None)),
        ({"word": "x", "other": 4}, ("x", 3, 4)),
        ({"word": "x", "limit": 1, "other": None}, ("x", 1, None)),
    ],
)
def test_null_for_what_may_be_left_out_is_left_out(arguments: dict[str, Any], taken: Any) -> None:
    def look_up(word: str, limit: int = 3, other: int | None = 5) -> Any:
        return word, limit, other

    # `other` may be null by itself, so null is what it is; left out, it is 5.
    expected = taken if "other" in arguments else (*taken[:2], 5)
    assert called(look_up, arguments) == expected


def test_a_parameter_with_another_name_has_its_default() -> None:
    def look_up(word: str, limit: Annotated[int, Field(alias="max-count")] = 3) -> int:
        return limit

    node = Tool(look_up).input_schema["properties"]["max-count"]
    assert node == {"type": "integer", "description": "Default: 3."}
    assert called(look_up, {"word": "x"}) == 3
    assert called(look_up, {"word": "x", "max-count": 1}) == 1


def test_null_is_left_out_of_what_a_field_renames() -> None:
    def look_up(limit: int = Field(default=3, alias="max-count")) -> int:
        return limit

    assert called(look_up, {"max-count": None}) == 3
    assert called(look_up, {"max-count": 1}) == 1
    assert "limit: Extra inputs" in told(look_up, limit=1)


def odd(
    _x: int, self_: int, model_config: int, items: int, title: str, schema: int = 0, *, cls: int = 1
) -> Any:
    return _x, self_, model_config, items, title, schema, cls


def annotated_self(self: int, cls: str) -> Any:
    return self, cls


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        (odd, {"_x": 1, "self_": 2, "model_config": 3, "items": 4, "title": "5", "schema": 6, "cls": 7}),
        (annotated_self, {"self": 1, "cls": "x"}),
    ],
)
def test_parameters_have_any_names(given: Callable[..., Any], arguments: dict[str, Any]) -> None:
    assert [*Tool(given).input_schema["properties"]] == [*arguments]
    assert called(given, arguments) == tuple(arguments.values())


# --- arguments that do not fit


def book(berth: str, nights: Annotated[int, Field(ge=1)] = 1, power: bool = False) -> None: ...


FAILED = "The call of book failed, and nothing was done: its arguments do not fit."


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ({}, ["- berth: Field required"]),
        (
            {"berth": "B2", "nights": 0},
            ["- nights: Input should be greater than or equal to 1 (given: 0)"],
        ),
        (
            {"berth": 5, "nights": "many", "colour": "red"},
            [
                "- berth: Input should be a valid string (given: 5)",
                "- nights: Input should be a valid integer, unable to parse string as an integer"
                ' (given: "many")',
                '- colour: Extra inputs are not permitted (given: "red")',
            ],
        ),
        ({"berth": None}, ["- berth: Input should be a valid string (given: null)"]),
        ({"berth": None, "nights": None}, ["- berth: Input should be a valid string (given: null)"]),
        ([1], ["- the arguments: Input should be an object (given: [1])"]),
        ("B2", ['- the arguments: Input should be an object (given: "B2")']),
        (5, ["- the arguments: Input should be an object (given: 5)"]),
    ],
)
def test_the_model_is_told_what_does_not_fit(arguments: Any, lines: list[str]) -> None:
    assert told(book, arguments).split("\n") == [FAILED, *lines]


def test_null_is_no_object_either() -> None:
    with pytest.raises(WrongArgumentsError, match=r"the arguments: .*given: null"):
        Tool(book).signature.bind(None, None)


def test_a_mistake_deep_inside_has_its_place() -> None:
    made = taking(dict[str, list[Point]])
    message = told(made, value={"a": [{"x": 1}, {"x": "one"}]})
    assert "- value.a.1.x: Input should be a valid integer" in message


def test_a_long_value_is_shown_in_part_and_many_mistakes_are_counted() -> None:
    message = told(book, berth="B2", nights="x" * 10_000)
    assert len(message) < 500
    assert "xxx…)" in message
    wrong = {f"extra{number}": number for number in range(25)}
    lines = told(book, berth="B2", **wrong).split("\n")
    assert len(lines) == 12
    assert lines[-1] == "- and 15 more"


def test_a_check_of_the_programs_own_is_told_in_its_words() -> None:
    from pydantic import AfterValidator

    def even(value: int) -> int:
        if value % 2:
            raise ValueError("the tide is even")
        return value

    made = taking(Annotated[int, AfterValidator(even)])
    assert "- value: Value error, the tide is even (given: 3)" in told(made, value=3)
    assert called(made, value=4) == 4


def test_a_text_that_is_no_unicode_does_not_fit() -> None:
    assert "do not fit" in told(book, berth="\ud800")
