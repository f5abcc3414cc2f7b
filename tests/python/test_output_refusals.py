"""Types that no result can be of: what is refused, at which place, and why."""

from __future__ import annotations

import collections
import enum
import functools
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Annotated, Any, Literal, NamedTuple

import pydantic
import pytest
from pydantic import BaseModel, Field, RootModel, create_model
from typing_extensions import TypeAliasType, TypedDict

from codex_app_server._output_types import wanted_output
from codex_app_server._output_types.output_type import output_type_of
from codex_app_server._output_types.strict import NotStrictError, strict
from codex_app_server.errors import InvalidInputError, InvalidInputTypeError, OutputValidationError
from tests import outputs
from tests.outputs import read


class Pair(NamedTuple):
    first: int
    second: str


class WithPair(BaseModel):
    at: tuple[int, str]


class WithNamedPair(BaseModel):
    at: Pair


class WithMapping(BaseModel):
    name: str
    counts: dict[str, int]


class WithDeepMapping(BaseModel):
    groups: list[list[dict[str, str]]]


class WithOptionalMapping(BaseModel):
    counts: Mapping[str, int] | None = None


class WithPatterns(BaseModel):
    counts: dict[Annotated[str, Field(pattern="^a")], int]


class WithKeys(BaseModel):
    counts: dict[Literal["a", "b"], int]


class WithCounter(BaseModel):
    counts: collections.Counter[str]


class Holder(BaseModel):
    children: list[Holder] = []
    inner: WithMapping


class WithAny(BaseModel):
    known: int
    other: Any


class WithAnyInUnion(TypedDict):
    other: list[int | Any]


class WithBareList(BaseModel):
    some: list  # type: ignore[type-arg]


class WithCallable(BaseModel):
    call: collections.abc.Callable[[int], int]


class WithNot(BaseModel):
    number: Annotated[int, Field(json_schema_extra={"not": {"const": 3}})]


class WithAllOf(BaseModel):
    number: Annotated[int, Field(json_schema_extra={"allOf": [{"minimum": 1}, {"maximum": 2}]})]


class values(BaseModel):
    counts: dict[str, int]


Nested = TypeAliasType("Nested", "int | dict[str, Nested]")


MAPPING = "a mapping has names that the schema does not; use a list of objects with a name and a value"
KEYS = "a mapping has names that the schema does not; use a list of objects with a name"
TUPLE = "the items of a tuple have types of their own, which the format cannot say; use a model"
ANYTHING = "any value is allowed there; name a type"

# A type, its name in the message, the place in it, and the reason.
REFUSED: dict[str, tuple[Any, str, str, str]] = {
    "a tuple": (tuple[int, str], "tuple[int, str]", "", TUPLE),
    "a tuple in a model": (WithPair, "WithPair", "at", TUPLE),
    "a named tuple": (Pair, "Pair", "", TUPLE),
    "a named tuple in a model": (WithNamedPair, "WithNamedPair", "Pair", TUPLE),
    "a list of named tuples": (list[Pair], "list[Pair]", "Pair", TUPLE),
    "a mapping": (dict[str, int], "dict[str, int]", "", MAPPING),
    "a mapping of models": (dict[str, outputs.Berth], "dict[str, Berth]", "", MAPPING),
    "a mapping in a list": (list[dict[str, int]], "list[dict[str, int]]", "[]", MAPPING),
    "a mapping in a model": (WithMapping, "WithMapping", "counts", MAPPING),
    "a mapping in lists in a model": (WithDeepMapping, "WithDeepMapping", "groups[][]", MAPPING),
    "a mapping that is optional": (WithOptionalMapping, "WithOptionalMapping", "counts", MAPPING),
    "a mapping in a model of a model": (Holder, "Holder", "WithMapping.counts", MAPPING),
    "a mapping with patterns for names": (WithPatterns, "WithPatterns", "counts", KEYS),
    "a mapping with names that are listed": (WithKeys, "WithKeys", "counts", KEYS),
    "a mapping in a model of the wrapper's name": (list[values], "list[values]", "values.counts", MAPPING),
    "a counter": (WithCounter, "WithCounter", "counts", MAPPING),
    "a mapping in an alias": (Nested, "Nested", "Nested", MAPPING),
    "a mapping in a root model": (RootModel[dict[str, int]], "RootModel[dict[str, int]]", "", MAPPING),
    "a mapping in an adapter": (pydantic.TypeAdapter(dict[str, int]), "dict[str, int]", "", MAPPING),
    "anything": (Any, "Any", "", ANYTHING),
    "an object": (object, "object", "", ANYTHING),
    "anything in a model": (WithAny, "WithAny", "other", ANYTHING),
    "anything in a union in a list": (WithAnyInUnion, "WithAnyInUnion", "other[]", ANYTHING),
    "a list of anything": (list, "list", "[]", ANYTHING),
    "a list of anything in a model": (WithBareList, "WithBareList", "some[]", ANYTHING),
    "a generic model of nothing": (outputs.Page, "Page", "items[]", ANYTHING),
    "a value of JSON": (pydantic.JsonValue, "JsonValue", "", ANYTHING),
    "what a value must not be": (WithNot, "WithNot", "number", "`not` has no strict form"),
    "all of several": (WithAllOf, "WithAllOf", "number", "`allOf` has no strict form"),
    "too many fields": (
        create_model("Wide", **dict.fromkeys((f"f{n}" for n in range(5001)), (int, ...))),  # type: ignore[call-overload]
        *("Wide", "", "5001 parameters exceeds limit of 5000"),
    ),
    "too many values": (
        enum.Enum("Many", {f"m{n}": f"v{n}" for n in range(1001)}),
        *("Many", ""),
        "Expected at most 1000 enum values in total within a single schema when using structured outputs, "
        "but received 1001",
    ),
    "a large enum of long values": (
        enum.Enum("Long", {f"m{n}": f"{n:0>100}" for n in range(251)}),
        *("Long", ""),
        "an enum of more than 250 values has 25100 characters, which exceeds the limit of 15000",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_type_that_cannot_be_strict_is_refused_with_the_place_and_the_reason(name: str) -> None:
    wanted, shown, place, reason = REFUSED[name]
    with pytest.raises(InvalidInputError) as caught:
        wanted_output(wanted, None)
    where = f" at {place}" if place else ""
    assert str(caught.value) == f"output_type {shown} has no strict schema{where}: {reason}."
    assert type(caught.value) is InvalidInputError


@pytest.mark.parametrize("anything", [True, False, {}, None])
def test_a_schema_that_is_none_is_anything(anything: Any) -> None:
    with pytest.raises(NotStrictError) as caught:
        strict({"type": "object", "properties": {"a": {"type": "array", "items": anything}}})
    assert (caught.value.place, caught.value.reason) == ("a[]", ANYTHING)


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (Annotated[outputs.Berth, Field(description="Where")], "Berth"),
        (outputs.Berth | None, "Berth | None"),
        (list[outputs.Page[outputs.Berth]], "list[Page[Berth]]"),
        (Literal["a.b"], "Literal['a.b']"),
        (pydantic.TypeAdapter(list[outputs.Berth]), "list[Berth]"),
    ],
)
def test_a_type_is_called_what_a_reader_calls_it(wanted: Any, name: str) -> None:
    assert output_type_of(wanted).name == name


def test_what_has_no_json_schema_at_all_says_so() -> None:
    with pytest.raises(InvalidInputError, match=r"^output_type WithCallable has no JSON schema: "):
        output_type_of(WithCallable)


def test_a_name_that_is_not_defined_says_so() -> None:
    with pytest.raises(
        InvalidInputError, match=r"^output_type .*Nowhere.* has no JSON schema: .*not fully defined"
    ):
        output_type_of(list["Nowhere"])  # type: ignore[name-defined]  # noqa: F821


def test_a_refusal_is_not_remembered_when_the_type_is_mended() -> None:
    class Part(BaseModel):
        whole: Whole | None = None

    with pytest.raises(InvalidInputError):
        output_type_of(Part)

    class Whole(BaseModel):
        name: str

    Part.model_rebuild()
    assert "whole" in output_type_of(Part).schema["properties"]


def test_what_json_in_a_text_holds_is_not_judged() -> None:
    class Sent(BaseModel):
        counts: pydantic.Json[WithMapping]

    got = read(Sent, {"counts": '{"name": "a", "counts": {"b": 1}}'})
    assert got.counts == WithMapping(name="a", counts={"b": 1})


NO_TYPES: dict[str, tuple[Any, str]] = {
    "a name": ("Boat", "output_type must be a type, not a str. A JSON schema is given as output_schema."),
    "a schema": (
        {"type": "object"},
        "output_type must be a type, not a dict. A JSON schema is given as output_schema.",
    ),
    "an instance": (
        outputs.Empty(),
        "output_type must be a type, not a Empty. A JSON schema is given as output_schema.",
    ),
    "a number": (5, "output_type 5 is no type that Pydantic knows."),
    "types in a list": (
        [int],
        "output_type must be a type, not a list of types: write list[…] for a list, and TypeAdapter(A | B) "
        "for one of several.",
    ),
    "a class that is unknown": (
        SimpleNamespace,
        "output_type SimpleNamespace is no type that Pydantic knows.",
    ),
}


@pytest.mark.parametrize("name", NO_TYPES)
def test_what_is_no_type_is_refused(name: str) -> None:
    given, message = NO_TYPES[name]
    with pytest.raises(InvalidInputTypeError) as caught:
        output_type_of(given)
    assert str(caught.value) == message


def loads(berth: outputs.Berth, times: int = 1) -> list[outputs.Berth]:
    return [berth] * times


@pytest.mark.parametrize("function", [loads, functools.partial(loads, times=2), outputs.A.model_dump, print])
def test_a_function_is_no_type(function: Any) -> None:
    with pytest.raises(InvalidInputTypeError):
        output_type_of(function)


def test_items_that_would_be_read_later_do_not_pass_unread() -> None:
    with pytest.raises((InvalidInputError, OutputValidationError)):
        read(Iterable[int], {"value": ["no number"]})


def test_a_type_in_place_of_a_schema_is_told_where_it_belongs() -> None:
    with pytest.raises(InvalidInputTypeError, match="given as output_type: output_type=WithPair"):
        wanted_output(None, WithPair)  # type: ignore[arg-type]
