"""The JSON schema of a tool's arguments as it is sent: what the runtime would drop of it stands in words.

What the runtime drops was measured: `docs/design/tools.md`. Each schema here must hold nothing that the model
is to know and that vanishes on the way.
"""

from __future__ import annotations

import dataclasses
import decimal
import enum
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union

import pytest
from pydantic import BaseModel, Field, RootModel, SecretStr, StringConstraints, WithJsonSchema
from typing_extensions import TypeAliasType, TypedDict

from codex_app_server.tools import Tool
from codex_app_server.tools._shown import MOST_BYTES

ABSENT: Any = object()


def tool_of(annotation: Any, default: Any = ABSENT) -> Tool[..., Any]:
    """A tool whose one parameter is this."""

    def take(value: Any) -> Any:
        return value

    take.__annotations__ = {"value": annotation}
    take.__defaults__ = None if default is ABSENT else (default,)
    return Tool(take)


def sent(annotation: Any, default: Any = ABSENT) -> dict[str, Any]:
    """The schema of a parameter as it is sent."""
    schema = tool_of(annotation, default).input_schema
    json.dumps(schema, allow_nan=False)
    node: dict[str, Any] = schema["properties"]["value"]
    return node


def said(annotation: Any, default: Any = ABSENT) -> str:
    """What is said of a parameter, in words."""
    return str(sent(annotation, default).get("description", ""))


# --- types


class Colour(enum.Enum):
    red = "r"
    blue = "b"


class Level(enum.IntEnum):
    low = 1
    high = 2


@pytest.mark.parametrize(
    ("annotation", "node"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (Any, {}),
        (object, {}),
        (list, {"type": "array", "items": {}}),
        (dict, {"type": "object", "additionalProperties": {}}),
        (list[str], {"type": "array", "items": {"type": "string"}}),
        (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Mapping[str, Any], {"type": "object", "additionalProperties": {}}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal[1, "a", None], {"enum": [1, "a", None]}),
        (Literal["a"], {"type": "string", "const": "a"}),
        ("int | None", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045
        (Union[int, str], {"anyOf": [{"type": "integer"}, {"type": "string"}]}),  # noqa: UP007
        ("list[dict[str, list[int]]]", {"type": "array", "items": {
            "type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}}}),
    ],
)  # fmt: skip
def test_a_type_is_sent_as_its_schema(annotation: Any, node: dict[str, Any]) -> None:
    made = sent(annotation)
    # A dict of anything is the same with true, or with nothing said of its values.
    if made.get("additionalProperties") is True:
        made["additionalProperties"] = {}
    assert made == node


@pytest.mark.parametrize(("kind", "values"), [(Colour, ["r", "b"]), (Level, [1, 2])])
def test_an_enum_is_its_values(kind: Any, values: list[Any]) -> None:
    schema = tool_of(kind).input_schema
    assert schema["properties"]["value"]["$ref"] == f"#/$defs/{kind.__name__}"
    assert schema["$defs"][kind.__name__]["enum"] == values


def test_a_parameter_without_an_annotation_is_anything() -> None:
    def take(value, other=None):  # type: ignore[no-untyped-def]
        return value, other

    schema = Tool(take).input_schema
    assert schema["required"] == ["value"]
    assert schema["properties"]["value"] == {}


def test_a_function_without_parameters_takes_an_empty_object() -> None:
    def take() -> None: ...

    assert Tool(take).input_schema == {"type": "object", "properties": {}, "additionalProperties": False}


def test_what_may_be_left_out_is_not_required() -> None:
    def take(
        a: int,
        b: int = 1,
        c: int | None = None,
        d: int = Field(default=2),
        e: int = Field(),
        f: list[int] = Field(default_factory=list),  # noqa: B008
        *,
        g: int,
        h: int = 3,
    ) -> None: ...

    assert Tool(take).input_schema["required"] == ["a", "e", "g"]


# --- what vanishes is said


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotated[int, Field(ge=1)], "At least 1."),
        (Annotated[int, Field(gt=1)], "More than 1."),
        (Annotated[float, Field(le=2.5)], "At most 2.5."),
        (Annotated[float, Field(lt=2.5)], "Less than 2.5."),
        (Annotated[int, Field(ge=1, le=10)], "At least 1. At most 10."),
        (Annotated[int, Field(multiple_of=5)], "A multiple of 5."),
        (Annotated[str, Field(min_length=1)], "Length: at least 1."),
        (Annotated[str, Field(max_length=5)], "Length: at most 5."),
        (Annotated[str, Field(pattern=r"^\d{4}$")], r"Matches the regular expression ^\d{4}$."),
        (Annotated[str, StringConstraints(max_length=5)], "Length: at most 5."),
        (Annotated[list[int], Field(min_length=1)], "Items: at least 1."),
        (Annotated[list[int], Field(max_length=5)], "Items: at most 5."),
        (set[int], "No item twice."),
        (Annotated[dict[str, int], Field(min_length=1)], "Entries: at least 1."),
        (Annotated[dict[str, int], Field(max_length=5)], "Entries: at most 5."),
        (date, "Format: date."),
        (datetime, "Format: date-time."),
        (time, "Format: time."),
        (timedelta, "Format: duration."),
        (Path, "Format: path."),
        (Annotated[str, Field(examples=["B2", "A1"])], 'Examples: "B2", "A1".'),
        (list[Annotated[int, Field(ge=1)]], "Each item: At least 1."),
        (list[date], "Each item: Format: date."),
        (list[list[Annotated[int, Field(ge=1)]]], "Each item: Each item: At least 1."),
        (dict[str, Annotated[int, Field(ge=1)]], "Each value: At least 1."),
        ("Annotated[int, Field(ge=1)] | None", "At least 1."),
        ("list[date] | None", "Each item: Format: date."),
        ("date | Annotated[int, Field(ge=1)]", "Format: date. At least 1."),
        (tuple[int, str], "A list of 2 items in this order: integer, string."),
        (
            tuple[float, Annotated[str, Field(max_length=2)]],
            "A list of 2 items in this order: number, string Length: at most 2..",
        ),
    ],
)
def test_a_bound_is_said(annotation: Any, words: str) -> None:
    # Of a place's own sentences, how they are joined does not matter.
    assert said(annotation).replace("..", ".") == words.replace("..", ".")


@pytest.mark.parametrize(
    ("default", "words"),
    [
        (3, "Default: 3."),
        (0, "Default: 0."),
        ("", 'Default: "".'),
        ("B2", 'Default: "B2".'),
        ("ä", 'Default: "ä".'),
        (True, "Default: true."),
        (False, "Default: false."),
        ([], "Default: []."),
        ({"a": [1]}, 'Default: {"a": [1]}.'),
        ((1, 2), "Default: [1, 2]."),
        (date(2026, 11, 28), 'Default: "2026-11-28".'),
        (Colour.red, 'Default: "r".'),
        (None, ""),
        (SecretStr("hunter2"), 'Default: "**********".'),
        (object(), ""),
        (len, ""),
    ],
)
def test_a_default_is_said_if_the_model_could_read_it(default: Any, words: str) -> None:
    made = tool_of(Any, default)
    assert str(made.input_schema["properties"]["value"].get("description", "")) == words
    assert "required" not in made.input_schema
    assert "hunter2" not in json.dumps(made.spec)


@pytest.mark.parametrize("default", [math.inf, -math.inf, math.nan, [math.inf], {"a": math.nan}])
@pytest.mark.parametrize("by_field", [False, True])
def test_a_default_that_json_has_no_number_for_is_sent_all_the_same(default: Any, by_field: bool) -> None:
    node = sent(Any, Field(default=default) if by_field else default)
    # In some words, or in none.
    assert node.get("default") is None or isinstance(node["default"], (str, list, dict))


def test_a_default_that_nobody_could_read_is_no_warning() -> None:
    # Warnings are errors here.
    assert sent(Any, Field(default=object())) == {}


def test_sentences_stand_behind_the_description() -> None:
    node = sent(Annotated[int, Field(ge=1, description="How many")], 3)
    assert node["description"] == "How many. At least 1. Default: 3."
    assert (node["type"], node["minimum"]) == ("integer", 1)
    for end in ".!?:;":
        node = sent(Annotated[int, Field(ge=1, description=f"How many{end}")])
        assert node["description"] == f"How many{end} At least 1."


class Book(BaseModel):
    title: str
    pages: int


def test_titles_are_not_sent_but_a_parameter_may_be_called_title() -> None:
    def take(title: str, book: Book) -> None: ...

    made = json.dumps(Tool(take).input_schema)
    assert made.count('"title"') == 4  # two properties, and that they are required
    assert "Title" not in made


# --- tuples


def test_a_tuple_is_a_list_of_what_its_places_hold() -> None:
    node = sent(tuple[int, str])
    assert node["items"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert "prefixItems" not in node


class Point(NamedTuple):
    longitude: float
    latitude: float


class Tide(NamedTuple):
    hour: int
    depth: float = 0.5


def test_the_places_of_a_named_tuple_are_said() -> None:
    words = said(Point).lower()
    assert "2 items" in words
    assert words.index("longitude") < words.index("latitude")


def test_a_place_that_may_be_left_out_is_not_demanded() -> None:
    words = said(Tide).lower()
    assert "1 to 2 items" in words
    assert "hour" in words
    assert "0.5" in words


@pytest.mark.parametrize(
    ("annotation", "path"),
    [
        ("tuple[int, str] | None", ("anyOf", 0)),
        (dict[str, tuple[int, str]], ("additionalProperties",)),
        (list[tuple[int, str]], ("items",)),
    ],
)
def test_a_tuple_deeper_inside_is_a_list_of_what_its_places_hold(
    annotation: Any, path: tuple[Any, ...]
) -> None:
    node: Any = sent(annotation)
    assert "A list of 2 items in this order: integer, string." in node["description"]
    for key in path:
        node = node[key]
    assert node["items"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert "prefixItems" not in node


def test_a_schema_that_is_only_true_is_sent_as_an_object() -> None:
    # Shown as a text otherwise.
    given = {"type": "array", "items": True}
    assert sent(Annotated[list[Any], WithJsonSchema(given)]) == {"type": "array", "items": {}}


def test_an_empty_tuple_is_said_to_be_empty() -> None:
    assert "at most 0" in said(tuple[()])


# --- models


class Berth(BaseModel):
    """A place for a boat."""

    name: Annotated[str, Field(pattern="^[A-Z][0-9]$", description="Its name")]
    depth: Annotated[float, Field(gt=0)] = 4.5
    free: bool = True


class Boat(BaseModel):
    name: str
    berths: list[Berth] = []


@dataclasses.dataclass
class Size:
    """How large it is."""

    length: float
    width: Annotated[float, Field(gt=0)] = 2.0


class Order(TypedDict, total=False):
    """What is ordered."""

    amount: Annotated[int, Field(ge=1)]


class Harbour(BaseModel):
    """A harbour."""

    name: str
    near: list[Harbour] = []


def defined(annotation: Any) -> dict[str, Any]:
    """The definitions that are sent for a parameter."""
    definitions: dict[str, Any] = tool_of(annotation).input_schema["$defs"]
    return definitions


def test_a_model_is_sent_with_the_words_of_its_fields() -> None:
    assert defined(Berth)["Berth"] == {
        "type": "object",
        "description": "A place for a boat.",
        "properties": {
            "name": {
                "type": "string",
                "pattern": "^[A-Z][0-9]$",
                "description": "Its name. Matches the regular expression ^[A-Z][0-9]$.",
            },
            "depth": {
                "type": "number",
                "exclusiveMinimum": 0,
                "description": "More than 0. Default: 4.5.",
            },
            "free": {"type": "boolean", "description": "Default: true."},
        },
        "required": ["name"],
    }


@pytest.mark.parametrize(
    "annotation",
    [Boat, list[Berth], "Berth | None", dict[str, Berth], tuple[Berth, int], "list[Berth] | None"],
)
def test_a_model_is_found_wherever_it_stands(annotation: Any) -> None:
    words = defined(annotation)["Berth"]["properties"]["name"]["description"]
    assert words == "Its name. Matches the regular expression ^[A-Z][0-9]$."


@pytest.mark.parametrize(("kind", "field", "words"), [
    (Size, "width", "More than 0. Default: 2.0."),
    (Order, "amount", "At least 1."),
])  # fmt: skip
def test_dataclasses_and_typed_dicts_are_models(kind: Any, field: str, words: str) -> None:
    assert defined(kind)[kind.__name__]["properties"][field]["description"] == words


@pytest.mark.parametrize("annotation", [Berth, "Berth | None", list[Berth], dict[str, Berth]])
def test_the_description_of_a_definition_stands_beside_the_reference(annotation: Any) -> None:
    # Behind a reference, the model does not get to see it.
    assert said(annotation).startswith("A place for a boat.")


def test_a_parameters_own_description_is_stronger_than_its_types() -> None:
    assert said(Annotated[Berth, Field(description="Where to go.")]) == "Where to go."


def test_a_recursive_model_is_sent_once() -> None:
    schema = tool_of(Harbour).input_schema
    assert [*schema["$defs"]] == ["Harbour"]
    near = schema["$defs"]["Harbour"]["properties"]["near"]
    assert near["items"] == {"$ref": "#/$defs/Harbour"}
    assert near["description"] == "A harbour. Default: []."


class Word(RootModel[Annotated[str, Field(max_length=5)]]):
    pass


Short = TypeAliasType("Short", Annotated[str, Field(max_length=5)])


@pytest.mark.parametrize("annotation", [Word, Short, "Word | None", "Short | None"])
def test_a_bound_behind_a_reference_is_said(annotation: Any) -> None:
    assert "Length: at most 5." in said(annotation)


@pytest.mark.parametrize("annotation", [list[Word], list[Short], dict[str, Word]])
def test_a_bound_behind_the_reference_of_each_item_is_said(annotation: Any) -> None:
    assert "Each" in said(annotation)
    assert "Length: at most 5." in said(annotation)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (dict[Annotated[str, Field(max_length=3)], int], ["Length: at most 3."]),
        (dict[Annotated[str, Field(pattern="^[a-z]+$")], int], ["^[a-z]+$"]),
        (
            dict[Annotated[str, Field(pattern="^[a-z]+$")], Annotated[int, Field(ge=1)]],
            ["^[a-z]+$", "At least 1."],
        ),
        (dict[date, int], ["Format: date."]),
    ],
)
def test_what_the_keys_of_a_dict_must_be_is_said(annotation: Any, words: list[str]) -> None:
    for word in words:
        assert word in said(annotation)


def test_the_values_of_a_dict_have_their_type_whatever_its_keys_are() -> None:
    node = sent(dict[Annotated[str, Field(pattern="^[a-z]+$")], int])
    assert node["additionalProperties"] == {"type": "integer"}


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


def test_a_tagged_union_is_a_union() -> None:
    node = sent(Annotated[Cat | Dog, Field(discriminator="kind")])
    assert node["oneOf"] == [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]
    assert "discriminator" not in node


def test_what_a_model_forbids_besides_is_sent() -> None:
    class Closed(BaseModel, extra="forbid"):
        name: str

    assert defined(Closed)["Closed"]["additionalProperties"] is False


# --- nothing vanishes

VANISHING = {
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
    *("pattern", "format", "minItems", "maxItems", "minProperties", "maxProperties", "default", "examples"),
}


class Everything(BaseModel):
    bounds: Annotated[int, Field(ge=17, lt=4711)]
    text: Annotated[str, Field(min_length=18, max_length=4712, pattern="^[a-f]+$")]
    items: Annotated[list[Annotated[int, Field(multiple_of=19)]], Field(min_length=20, max_length=4713)]
    table: dict[str, Annotated[list[date], Field(max_length=21)]] = {}
    amount: Annotated[decimal.Decimal, Field(ge=22)] = decimal.Decimal("23.5")
    choice: Annotated[int, Field(ge=24)] | Annotated[str, Field(max_length=25)] | None = None
    place: tuple[Annotated[int, Field(le=26)], time] = (1, time(2))
    nested: Optional[Berth] = None  # noqa: UP045


def keywords(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """What vanishes of a schema, and its value."""
    if isinstance(node, list):
        for each in node:
            yield from keywords(each, path)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if path[-1:] in (("properties",), ("$defs",)):
            yield from keywords(value, (*path, key))
        elif key in VANISHING:
            yield key, value
        else:
            yield from keywords(value, (*path, key))


def test_every_bound_of_a_large_schema_is_said_somewhere() -> None:
    made = tool_of(Everything)
    shown = json.dumps(made.input_schema, ensure_ascii=False)
    words = " ".join(
        part.split('"', 1)[0] for part in shown.replace('\\"', "'").split('"description": "')[1:]
    )
    found = [
        (key, value)
        for key, value in keywords(made.signature.schema)
        if value is not None and key != "minItems"
    ]
    assert len(found) > 15
    for key, value in found:
        text = json.dumps(value, ensure_ascii=False).strip('"').replace('"', "'")
        assert text in words, (key, value)


# --- large schemas


def wide(count: int, length: int) -> Tool[..., Any]:
    """A tool with many parameters that are described at length."""

    def take(**words: str) -> None: ...

    import inspect

    made = [
        inspect.Parameter(f"p{number:03}", inspect.Parameter.KEYWORD_ONLY, annotation=str)
        for number in range(count)
    ]
    take.__signature__ = inspect.Signature(made)  # type: ignore[attr-defined]
    take.__annotations__ = {each.name: Annotated[str, Field(description="ä" * length)] for each in made}
    return Tool(take, description="Does much.")


def compact(made: Tool[..., Any]) -> int:
    """Bytes of its schema, as the runtime counts them."""
    return len(json.dumps(made.input_schema, ensure_ascii=False, separators=(",", ":")).encode())


def test_a_schema_that_is_cut_stands_in_the_description() -> None:
    small, large = wide(20, 50), wide(40, 50)
    assert compact(small) <= MOST_BYTES < compact(large)
    assert small.description == "Does much."
    beginning, _, schema = large.description.partition("\n\nThe arguments follow this JSON schema:\n")
    assert beginning == "Does much."
    assert json.loads(schema) == large.input_schema


def test_the_limit_is_in_bytes_and_met_exactly() -> None:
    """A schema of 5,000 bytes is whole, one of 5,001 is not."""

    def of_bytes(size: int) -> Tool[..., Any]:
        empty = compact(tool_of(Annotated[str, Field(description="x")])) - 1
        made = tool_of(Annotated[str, Field(description="x" * (size - empty))])
        assert compact(made) == size
        return made

    assert MOST_BYTES == 5_000
    assert of_bytes(5_000).description == ""
    assert of_bytes(5_001).description.startswith("The arguments follow this JSON schema:")


def test_schemas_of_one_function_are_made_once() -> None:
    made = tool_of(Berth)
    assert made.spec is made.spec
    assert made.signature is made.signature
