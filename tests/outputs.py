"""Types that a turn's result may be of, each with what a model would write for it and the value that this is.

Owns the types, and a check whether a value follows a schema. Used by the tests of `output_type=`, on the
runtime and without it.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import ipaddress
import json
import pathlib
import re
import uuid
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict, Field, RootModel
from typing_extensions import NotRequired, TypeAliasType, TypedDict

from codex_app_server import TurnResult
from codex_app_server._output_types.output_type import output_type_of
from codex_app_server.types import TurnStatus

T = TypeVar("T")


class Berth(BaseModel):
    name: str
    depth_m: float


class Boat(BaseModel):
    """A boat in the harbour."""

    name: str
    berth: Berth
    former: list[Berth] = []


class Options(BaseModel):
    count: int = 3
    words: list[str] = Field(default_factory=list)
    maybe: int | None = 5
    nothing: int | None = None
    asked: int | None


class Tree(BaseModel):
    name: str
    children: list[Tree] = []
    parent: Tree | None = None
    weight: int = 1


class Ask(BaseModel):
    text: str = "Why?"
    replies: list[Reply] = []


class Reply(BaseModel):
    text: str = "So."
    questions: list[Ask] = []
    best: Ask | None = None


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Rank(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Odd(enum.Enum):
    NUMBER = 1
    WORD = "x"
    NOTHING = None


class Painted(BaseModel):
    colour: Colour
    rank: Rank = Rank.LOW
    second: Colour | None = None
    word: Literal["a", "b"] = "a"
    number: Literal[1, 2]
    only: Literal["this"]


class Times(BaseModel):
    day: datetime.date
    at: datetime.datetime
    clock: datetime.time
    span: datetime.timedelta


class Kinds(BaseModel):
    uuid: uuid.UUID
    price: decimal.Decimal
    url: pydantic.HttpUrl
    v4: ipaddress.IPv4Address
    v6: ipaddress.IPv6Address
    network: ipaddress.IPv4Network
    data: bytes
    coded: pydantic.Base64Bytes
    path: pathlib.Path
    pattern: re.Pattern[str]
    flag: bool


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0
    marks: list[str] = dataclasses.field(default_factory=list)


@pydantic.dataclasses.dataclass
class Line:
    start: Point
    end: Point = dataclasses.field(default_factory=lambda: Point(1, 1))


class Movie(TypedDict):
    title: str
    year: NotRequired[int]
    rating: NotRequired[int | None]


class Filter(TypedDict, total=False):
    name: str
    limit: int


class Cat(BaseModel):
    kind: Literal["cat"]
    name: str = "Tom"
    age: int = 1


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str | None
    age: int = 2


class Puppy(BaseModel):
    kind: Literal["puppy"]
    name: str | None = "Rex"
    age: int | None


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
AnyPet = Annotated[Pet | Puppy, Field(discriminator="kind")]


class Household(BaseModel):
    pets: list[AnyPet]
    favourite: Pet | None = None
    contact: int | str | list[str] = "nobody"


class Tide(BaseModel):
    height_m: float
    note: str = "calm"


class Wind(BaseModel):
    speed: int
    gusts: int | None = 7
    note: str = "still"


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: int = 0
    next: str | None = None


class Bags(BaseModel):
    some: list[int]
    once: set[int]
    frozen: frozenset[str]
    many: tuple[int, ...]
    nested: list[list[Berth]] = []


class Limits(BaseModel):
    size: Annotated[int, Field(ge=1, le=9)]
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    even: Annotated[int, Field(multiple_of=2)]
    code: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    word: Annotated[str, Field(min_length=2, max_length=5)] = "ab"
    looks: Annotated[str, Field(json_schema_extra={"pattern": "^(?=a)"})]
    few: Annotated[list[int], Field(min_length=1, max_length=3)]


class Aliases(BaseModel):
    first: int = Field(default=1, alias="firstName")
    second: int = Field(2, validation_alias="secondIn", serialization_alias="secondIn")


class Holds(BaseModel):
    numbers: pydantic.Json[list[int]]
    berth: pydantic.Json[Berth]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    known: int


class AllOpen(BaseModel):
    model_config = ConfigDict(extra="allow")


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    known: int = 1


class Numbers(RootModel[list[int]]):
    pass


class Named(RootModel[Berth]):
    pass


class Square(BaseModel):
    side: int = 2

    @pydantic.computed_field
    def area(self) -> int:
        return self.side**2


class Words(BaseModel):
    """Whose names are words of JSON schema."""

    default: int = 1
    title: str
    properties: int = 2
    items: list[int] = []
    required: bool = True
    type: str = "x"
    value: int | None = 3
    ref: int = Field(default=4, alias="$ref")
    definitions: int = Field(default=5, alias="$defs")
    choice: int = Field(default=6, alias="anyOf")
    constant: int = Field(default=7, alias="const")
    listed: int = Field(default=8, alias="enum")
    odd: int = Field(default=9, alias="a.b/c~d e")


class Empty(BaseModel):
    pass


class Ship(Boat):
    decks: int = 1
    name: str = "Halcyon"


class Described(BaseModel):
    at: Berth = Field(description="Where it lies")
    spare: Berth = Field(Berth(name="B", depth_m=1), description="Where it may lie.")


Nested = TypeAliasType("Nested", "int | list[Nested]")
_BERTH = {"name": "A", "depth_m": 4.5}


def result_of(text: str | None, status: TurnStatus = TurnStatus.completed) -> TurnResult[None]:
    """A turn with this final response."""
    return TurnResult(
        id="u",
        status=status,
        error=None,
        started_at=None,
        completed_at=None,
        duration_ms=None,
        final_response=text,
        items=[],
        usage=None,
    )


def read(wanted: Any, written: Any) -> Any:
    """What a document is read as that a model has written for a type."""
    return output_type_of(wanted).read(result_of(json.dumps(written)))


class Case(NamedTuple):
    """A type, the document that a model writes for it, with null for what may be left out, and its value."""

    wanted: Any
    written: Any
    value: Any


def _wrapped(wanted: Any, written: Any, value: Any) -> Case:
    return Case(wanted, {"value": written}, value)


A = Berth(name="A", depth_m=4.5)
CASES: dict[str, Case] = {
    "a model": Case(Berth, _BERTH, A),
    "models in models": Case(Boat, {"name": "H", "berth": _BERTH, "former": None}, Boat(name="H", berth=A)),
    "optional and default": Case(
        Options,
        {"count": None, "words": None, "maybe": None, "nothing": None, "asked": None},
        Options(maybe=None, asked=None),
    ),
    "optional and default, written": Case(
        Options,
        {"count": 0, "words": [], "maybe": 5, "nothing": 1, "asked": 0},
        Options(count=0, nothing=1, asked=0),
    ),
    "a tree": Case(
        Tree,
        {
            "name": "root",
            "children": [{"name": "leaf", "children": None, "parent": None, "weight": None}],
            "parent": {"name": "up", "children": [], "parent": None, "weight": 3},
            "weight": None,
        },
        Tree(name="root", children=[Tree(name="leaf")], parent=Tree(name="up", weight=3)),
    ),
    "models of each other": Case(
        Ask,
        {
            "text": None,
            "replies": [
                {"text": None, "questions": [{"text": "And?", "replies": None}], "best": None},
                {"text": "No.", "questions": None, "best": {"text": None, "replies": None}},
            ],
        },
        Ask(replies=[Reply(questions=[Ask(text="And?")]), Reply(text="No.", best=Ask())]),
    ),
    "an enum": _wrapped(Colour, "red", Colour.RED),
    "an int enum": _wrapped(Rank, 2, Rank.HIGH),
    "an enum of all kinds": _wrapped(list[Odd], [1, "x", None], [Odd.NUMBER, Odd.WORD, Odd.NOTHING]),
    "enums and literals in a model": Case(
        Painted,
        {"colour": "blue", "rank": None, "second": None, "word": None, "number": 2, "only": "this"},
        Painted(colour=Colour.BLUE, number=2, only="this"),
    ),
    "a literal": _wrapped(Literal["a", 1, None], None, None),
    "dates and times": Case(
        Times,
        {"day": "2026-11-28", "at": "2026-11-28T12:30:00Z", "clock": "08:15:00", "span": "PT90S"},
        Times(
            day=datetime.date(2026, 11, 28),
            at=datetime.datetime(2026, 11, 28, 12, 30, tzinfo=datetime.timezone.utc),
            clock=datetime.time(8, 15),
            span=datetime.timedelta(seconds=90),
        ),
    ),
    "a date": _wrapped(datetime.date, "2026-11-28", datetime.date(2026, 11, 28)),
    "kinds of text": Case(
        Kinds,
        {
            "uuid": "12345678-1234-5678-1234-567812345678",
            "price": "12.50",
            "url": "https://example.com/",
            "v4": "10.0.0.1",
            "v6": "::1",
            "network": "10.0.0.0/8",
            "data": "abc",
            "coded": "YWJj",
            "path": "/a/b",
            "pattern": "^a+$",
            "flag": False,
        },
        Kinds(
            uuid=uuid.UUID("12345678-1234-5678-1234-567812345678"),
            price=decimal.Decimal("12.50"),
            url=pydantic.HttpUrl("https://example.com/"),
            v4=ipaddress.IPv4Address("10.0.0.1"),
            v6=ipaddress.IPv6Address("::1"),
            network=ipaddress.IPv4Network("10.0.0.0/8"),
            data=b"abc",
            coded=b"YWJj",
            path=pathlib.Path("/a/b"),
            pattern=re.compile("^a+$"),
            flag=False,
        ),
    ),
    "a UUID": _wrapped(uuid.UUID, str(uuid.UUID(int=7)), uuid.UUID(int=7)),
    "a decimal": _wrapped(decimal.Decimal, "0.1234567890123456789", decimal.Decimal("0.1234567890123456789")),
    "bytes": _wrapped(bytes, "abc", b"abc"),
    "text": _wrapped(str, 'a "b" \\ \u2028 \U0001f6a2', 'a "b" \\ \u2028 \U0001f6a2'),
    "a number of many digits": _wrapped(int, 123456789012345678901234567890, 123456789012345678901234567890),
    "a truth": _wrapped(bool, True, True),
    "nothing": _wrapped(type(None), None, None),
    "a dataclass": Case(Point, {"x": 1, "y": None, "marks": None}, Point(1)),
    "a dataclass of Pydantic": Case(
        Line, {"start": {"x": 1, "y": 2, "marks": ["m"]}, "end": None}, Line(Point(1, 2, ["m"]))
    ),
    "a TypedDict": Case(Movie, {"title": "M", "year": None, "rating": None}, {"title": "M", "rating": None}),
    "a TypedDict of nothing required": Case(Filter, {"name": None, "limit": 3}, {"limit": 3}),
    "a union": _wrapped(Tide | Wind, {"speed": 3, "gusts": None, "note": "still"}, Wind(speed=3, gusts=None)),
    "a union in a list": _wrapped(
        list[Tide | Wind],
        [{"height_m": 1.5, "note": "calm"}, {"speed": 3, "gusts": 4, "note": "squally"}],
        [Tide(height_m=1.5), Wind(speed=3, gusts=4, note="squally")],
    ),
    "a union of simple types": _wrapped(int | str | list[int], [1, 2], [1, 2]),
    "an optional model": _wrapped(Berth | None, None, None),
    "a union by a tag": _wrapped(Pet, {"kind": "dog", "name": None, "age": 2}, Dog(kind="dog", name=None)),
    "unions in unions, of models with the same fields": Case(
        Household,
        {
            "pets": [
                {"kind": "cat", "name": "Tom", "age": 1},
                {"kind": "dog", "name": None, "age": 2},
                {"kind": "puppy", "name": None, "age": None},
            ],
            "favourite": {"kind": "cat", "name": "Tom", "age": 9},
            "contact": None,
        },
        Household(
            pets=[Cat(kind="cat"), Dog(kind="dog", name=None), Puppy(kind="puppy", name=None, age=None)],
            favourite=Cat(kind="cat", age=9),
        ),
    ),
    "a generic model": Case(
        Page[Boat],
        {"items": [{"name": "H", "berth": _BERTH, "former": None}], "total": None, "next": None},
        Page[Boat](items=[Boat(name="H", berth=A)]),
    ),
    "a generic model in another": Case(
        Page[Page[int]],
        {"items": [{"items": [1], "total": None, "next": "2"}], "total": 1, "next": None},
        Page[Page[int]](items=[Page[int](items=[1], next="2")], total=1),
    ),
    "a list of models": _wrapped(list[Berth], [_BERTH, _BERTH], [A, A]),
    "a list of optional things": _wrapped(
        list[Point | None], [None, {"x": 1, "y": None, "marks": None}], [None, Point(1)]
    ),
    "sets and tuples": Case(
        Bags,
        {"some": [1, 1], "once": [1, 1], "frozen": ["a"], "many": [3], "nested": [[], [_BERTH]]},
        Bags(some=[1, 1], once={1}, frozen=frozenset("a"), many=(3,), nested=[[], [A]]),
    ),
    "a set": _wrapped(set[int], [1, 2, 2], {1, 2}),
    "a tuple of any length": _wrapped(tuple[Colour, ...], ["red"], (Colour.RED,)),
    "limits": Case(
        Limits,
        {"size": 9, "share": None, "even": 4, "code": "ABC", "word": None, "looks": "a", "few": [1]},
        Limits(size=9, even=4, code="ABC", looks="a", few=[1]),
    ),
    "aliases": Case(Aliases, {"firstName": None, "secondIn": 5}, Aliases.model_validate({"secondIn": 5})),
    "an annotated type": _wrapped(Annotated[int, Field(ge=1, description="How many")], 1, 1),
    "JSON in a text": Case(
        Holds,
        {"numbers": "[1, 2]", "berth": '{"name": "A", "depth_m": 4.5}'},
        Holds.model_construct(numbers=[1, 2], berth=A),
    ),
    "extra fields allowed": Case(Open, {"known": 1}, Open(known=1)),
    "nothing but extra fields": Case(AllOpen, {}, AllOpen()),
    "extra fields forbidden": Case(Closed, {"known": None}, Closed()),
    "a root model of a list": _wrapped(Numbers, [1], Numbers([1])),
    "a root model of a model": Case(Named, _BERTH, Named(A)),
    "a computed field": Case(Square, {"side": None}, Square()),
    "names of JSON schema": Case(
        Words,
        {
            **dict.fromkeys(("default", "properties", "items", "required", "type", "value")),
            **dict.fromkeys(("$ref", "$defs", "anyOf", "const", "enum", "a.b/c~d e")),
            "title": "T",
        },
        Words(title="T", value=None),
    ),
    "a model without fields": Case(Empty, {}, Empty()),
    "a model without fields in a union": _wrapped(Empty | Berth, {}, Empty()),
    "a model that inherits": Case(
        Ship, {"name": None, "berth": _BERTH, "former": None, "decks": None}, Ship(berth=A)
    ),
    "descriptions beside references": Case(
        Described, {"at": _BERTH, "spare": None}, Described(at=A, spare=Berth(name="B", depth_m=1))
    ),
    "an alias that refers to itself": _wrapped(Nested, [1, [2, []]], [1, [2, []]]),
    "an adapter": Case(pydantic.TypeAdapter(Berth), _BERTH, A),
    "an adapter of a union": _wrapped(
        pydantic.TypeAdapter(Tide | Wind), {"height_m": 2, "note": "calm"}, Tide(height_m=2)
    ),
}


def follows(schema: dict[str, Any], node: dict[str, Any], value: Any) -> bool:
    """Whether a value follows a node of a strict schema, as far as kinds, names and listed values go."""
    if "$ref" in node:
        return follows(schema, schema["$defs"][node["$ref"].removeprefix("#/$defs/")], value)
    if "anyOf" in node:
        return any(follows(schema, branch, value) for branch in node["anyOf"])
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    kind = next((kind for kind in kinds if _is_of(kind, value)), None)
    if kind is None or value not in node.get("enum", [node.get("const", value)]):
        return False
    if kind == "array":
        return all(follows(schema, node["items"], each) for each in value)
    if kind == "object":
        properties = node["properties"]
        return properties.keys() == value.keys() and all(
            follows(schema, properties[name], each) for name, each in value.items()
        )
    return True


_PYTHON: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def _is_of(kind: str, value: Any) -> bool:
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    return isinstance(value, _PYTHON[kind])
