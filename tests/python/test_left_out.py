"""Nulls for what is left out: taken out where the type has none of its own, kept where it has."""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, TypeAdapter
from typing_extensions import TypeAliasType

from codex_app_server._output_types import rules
from codex_app_server._output_types.output_type import output_type_of
from codex_app_server._output_types.strict import strict
from tests.outputs import Colour, Odd, Tree, follows, read
from tests.random_types import Maker


class Left(BaseModel):
    kind: Literal["left"] = "left"
    x: int = 1


class Right(BaseModel):
    kind: Literal["right"] = "right"
    x: int | None


Side = Annotated[Left | Right, Field(discriminator="kind")]


class Number(BaseModel):
    x: int = 0
    y: int


class Text(BaseModel):
    x: int | None
    y: str


class Several(BaseModel):
    x: int | None
    y: list[str]


class OfLeft(BaseModel):
    x: int = 1
    side: Left


class OfRight(BaseModel):
    x: int | None
    side: Right


class Done(BaseModel):
    note: str = "fine"


class Failed(BaseModel):
    reason: str = "unknown"


Half = TypeAliasType("Half", Done | int)


class Only(enum.Enum):
    THIS = "this"


class Leaf(BaseModel):
    height: int = 1


class Noted(BaseModel):
    note: str = ""
    low: int


class Silent(BaseModel):
    note: str | None
    high: int


class Ratio(BaseModel):
    share: float = 0.5
    note: str = ""


class Odds(BaseModel):
    number: int = "weird"  # type: ignore[assignment]
    code: int


class Key(BaseModel):
    key: SecretStr = SecretStr("right")
    door: int


class Docked(BaseModel):
    at: Annotated[Leaf, Field(description="Where")] | None
    or_: Annotated[Leaf, Field(description="Where else")] | int = 3


class Shelf(BaseModel):
    what: Leaf | Done = Done()


class Listed(BaseModel):
    odd: Odd = Odd.WORD
    word: Literal["a", None] = "a"
    either: int | Literal["none", None] = 1
    colour: Colour = Colour.RED


class Node(BaseModel):
    children: list[Node | Leaf] = []
    weight: int | None = 5


@dataclasses.dataclass
class Plain:
    inner: list[Leaf | None] = dataclasses.field(default_factory=list)
    maybe: Leaf | None = None


# In a union of classes nothing is left out: of a null nobody could tell which class it is of.
UNIONS: dict[str, tuple[Any, Any, Any]] = {
    "a null behind a mark": (Side, {"kind": "right", "x": None}, Right(x=None)),
    "a mark with a default": (Side, {"kind": "left", "x": 1}, Left()),
    "told apart by a number and a text": (Number | Text, {"x": None, "y": "a"}, Text(x=None, y="a")),
    "told apart by a text and a list": (Number | Several, {"x": None, "y": ["a"]}, Several(x=None, y=["a"])),
    "told apart by what is deeper": (
        *(OfLeft | OfRight, {"x": None, "side": {"kind": "right", "x": None}}),
        OfRight(x=None, side=Right(x=None)),
    ),
    "lists that are told apart by their names": (
        *(list[Noted] | list[Silent], [{"note": None, "high": 1}]),
        [Silent(note=None, high=1)],
    ),
    "of classes of which nothing is required": (Done | Failed, {"reason": "unknown"}, Failed()),
    "of such classes, in a list": (
        *(list[Done | Failed], [{"reason": "unknown"}, {"note": "fine"}]),
        [Failed(), Done()],
    ),
    "of lists of such classes": (list[Done] | list[Failed], [{"reason": "unknown"}], [Failed()]),
    "in a tree": (
        Node,
        {"children": [{"height": 1}, {"children": [], "weight": None}], "weight": None},
        Node(children=[Leaf(), Node(weight=None)], weight=None),
    ),
    "of a float that is written as a whole number": (Ratio | Leaf, {"share": 1, "note": ""}, Ratio(share=1)),
}
# There is one class that it can be of.
NO_UNIONS: dict[str, tuple[Any, Any, Any]] = {
    "of a list and a model": (list[Leaf] | Leaf, [{"height": None}], [Leaf()]),
    "of a model and nothing": (Leaf | None, {"height": None}, Leaf()),
    "of a model and a number": (Leaf | int | str, {"height": None}, Leaf()),
    "of a model with a description": (Docked, {"at": {"height": None}, "or_": None}, Docked(at=Leaf())),
    "of a default that is not checked": (Odds, {"number": None, "code": 1}, Odds(code=1)),
    "of a default that the schema hides": (Key, {"key": None, "door": 1}, Key(door=1)),
    "of values of which null is one": (
        *(Listed, {"odd": None, "word": None, "either": None, "colour": None}),
        Listed(odd=Odd.NOTHING, word=None, either=None),
    ),
    "in a dataclass": (
        Plain,
        {"inner": [None, {"height": None}], "maybe": {"height": None}},
        Plain([None, Leaf()], Leaf()),
    ),
    "in a dataclass that is left out": (Plain, {"inner": None, "maybe": None}, Plain()),
    "a union that is left out": (Shelf, {"what": None}, Shelf()),
}


@pytest.mark.parametrize("name", [*UNIONS, *NO_UNIONS])
def test_a_null_is_taken_out_only_where_the_type_has_none(name: str) -> None:
    wanted, written, value = {**UNIONS, **NO_UNIONS}[name]
    output = output_type_of(wanted)
    document = written if "value" not in output.schema["properties"] else {"value": written}
    assert follows(output.schema, output.schema, document)
    got = read(wanted, document)
    assert got == value
    assert type(got) is type(value)


NOTHING = object()


def properties_of(wanted: Any) -> Any:
    return output_type_of(wanted).schema["properties"]


def nullable(wanted: Any) -> dict[str, set[str]]:
    """By the name of a definition, its properties that may be null."""
    schema = output_type_of(wanted).schema
    return {
        name: {each for each, node in definition["properties"].items() if follows(schema, node, None)}
        for name, definition in schema["$defs"].items()
        if "properties" in definition
    }


def test_what_can_be_reached_from_a_union_is_written_out() -> None:
    assert nullable(OfLeft) == {"Left": {"x"}}
    assert nullable(OfLeft | OfRight) == {"Left": set(), "OfLeft": set(), "OfRight": {"x"}, "Right": {"x"}}
    assert nullable(list[OfLeft] | list[Leaf]) == {"Left": set(), "Leaf": set(), "OfLeft": set()}
    assert nullable(list[OfLeft] | Leaf) == {"Left": {"x"}, "Leaf": {"height"}, "OfLeft": {"x"}}
    assert nullable(Side) == {"Left": set(), "Right": {"x"}}
    assert nullable(Half | Failed) == {"Done": set(), "Failed": set()}
    assert properties_of(Node)["children"]["type"] == "array"


def test_objects_that_have_no_name_are_written_out_too() -> None:
    def union(depth: int) -> dict[str, Any]:
        inner: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}}
        for _ in range(depth):
            items = {"type": "array", "items": {"anyOf": [inner, {"type": "null"}]}}
            inner = {"type": "object", "properties": {"b": items}}
        return {"anyOf": [inner, {"type": "object", "properties": {}}]}

    for depth in range(3):
        made = strict({"type": "object", "properties": {"u": union(depth)}, "required": ["u"]})
        assert not made.absent, depth
    assert strict({"type": "object", "properties": {"u": union(0)["anyOf"][0]}}).absent


def test_what_stands_in_a_union_is_written_out_elsewhere_too() -> None:
    class Both(BaseModel):
        first: OfLeft
        second: OfLeft | Done = Done()

    assert nullable(Both) == {"OfLeft": set(), "Left": set(), "Done": set()}
    first = {"x": 1, "side": {"kind": "left", "x": 1}}
    assert read(Both, {"first": first, "second": None}) == Both(first=OfLeft(side=Left()))


def test_what_marks_a_class_is_never_null() -> None:
    for wanted in (Left, Side):
        schema = output_type_of(wanted).schema
        kind = schema.get("$defs", {}).get("Left", schema)["properties"]["kind"]
        assert (kind["type"], kind["const"]) == ("string", "left")

    class Marked(BaseModel):
        mark: Only = Only.THIS

    mark = {"anyOf": [{"$ref": "#/$defs/Only"}], "description": 'Default: "this".'}
    assert properties_of(Marked) == {"mark": mark}


@pytest.mark.parametrize("depth", [1, 50])
def test_nulls_are_taken_out_at_every_depth(depth: int) -> None:
    written: Any = {"name": "0", "children": None, "parent": None, "weight": None}
    expected = Tree(name="0")
    for level in range(1, depth):
        written = {"name": str(level), "children": [written], "parent": None, "weight": None}
        expected = Tree(name=str(level), children=[expected])
    assert read(Tree, written) == expected


class Add(BaseModel):
    left: Sum | int
    note: str = ""
    sign: Literal["+"]


class Multiply(BaseModel):
    left: Sum | int
    note: str = ""
    sign: Literal["*"]


Sum = Annotated[Add | Multiply, Field(discriminator="sign")]


@pytest.mark.timeout(10)
def test_what_is_deep_is_looked_at_once() -> None:
    depth = 60  # not to be read in a lifetime if each level is tried twice
    written: Any = 1
    for _ in range(depth):
        written = {"left": written, "note": "", "sign": "*"}
    got = read(Sum, {"value": written})
    for _ in range(depth):
        assert isinstance(got, Multiply)
        got = got.left
    assert got == 1


def test_a_default_that_json_has_not_is_given_without_a_word() -> None:
    class Unset(BaseModel):
        weight: int = NOTHING  # type: ignore[assignment]

    assert properties_of(Unset) == {"weight": {"type": ["integer", "null"]}}
    assert read(Unset, {"weight": None}).weight is NOTHING


def test_what_was_left_out_is_not_set() -> None:
    got = read(Tree, {"name": "T", "children": None, "parent": None, "weight": None})
    assert got.model_fields_set == {"name", "parent"}


def test_names_that_no_schema_has_stay() -> None:
    made = strict({"type": "object", "properties": {"a": {"type": "integer"}}})
    assert made.without_absent({"a": None, "b": None}) == {"b": None}


@pytest.mark.parametrize(
    "value", [None, "text", [None], {"u": "text", "l": 5}, {"u": {"other": None}}, {"u": [], "l": [None]}]
)
def test_a_value_of_another_shape_stays_as_it_is(value: Any) -> None:
    branch = {"type": "object", "properties": {"a": {"type": "integer"}}}
    union = {"anyOf": [branch, {"type": "integer"}]}
    made = strict({"type": "object", "properties": {"u": union, "l": branch}})
    assert made.without_absent(value) == value


def test_what_is_given_is_not_changed() -> None:
    schema = TypeAdapter(Tree).json_schema()
    before = json.dumps(schema)
    made = strict(schema)
    value: dict[str, Any] = {"name": "T", "children": None, "parent": None, "weight": None}
    assert made.without_absent(value) == {"name": "T", "parent": None}
    assert json.dumps(schema) == before
    assert value == {"name": "T", "children": None, "parent": None, "weight": None}


@pytest.mark.parametrize("seed", range(300))
def test_random_types_are_read_as_they_were_written(seed: int) -> None:
    made = Maker(seed).model(4)
    output = output_type_of(made.hint)
    assert list(rules.problems(output.schema)) == []
    for _ in range(10):
        written, value = made.sample(3)
        assert follows(output.schema, output.schema, written)
        assert read(made.hint, written) == value
