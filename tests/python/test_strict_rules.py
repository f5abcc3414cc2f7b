"""The rules of strict output formats: what passes, and what is refused, where and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from codex_app_server._output_types import rules

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}


def of(**properties: Any) -> Schema:
    """An object as the service wants it."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nested(levels: int) -> Schema:
    schema = of()
    for _ in range(levels - 1):
        schema = of(inner=schema)
    return schema


ACCEPTED: dict[str, Schema] = {
    "no properties": of(),
    "each simple type": of(
        a=TEXT, b={"type": "number"}, c={"type": "integer"}, d={"type": "boolean"}, e={"type": "null"}
    ),
    "titles and descriptions": {**of(a={**TEXT, "title": "A", "description": "The a."}), "title": "All"},
    "text with a pattern and a format": of(a={**TEXT, "pattern": "^a+$"}, b={**TEXT, "format": "date-time"}),
    "every format": of(**{each.replace("-", "_"): {**TEXT, "format": each} for each in rules.FORMATS}),
    "numbers with limits": of(
        a={"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        b={"type": "integer", "maximum": 9, "exclusiveMinimum": 0, "multipleOf": 3},
    ),
    "a list with limits": of(a={"type": "array", "items": TEXT, "minItems": 1, "maxItems": 3}),
    "an enum and a constant": of(a={**TEXT, "enum": ["x", "y"]}, b={**TEXT, "const": "z"}),
    "null among the types": of(a={"type": ["string", "null"]}),
    "an enum with null": of(a={"type": ["string", "null"], "enum": ["x", None]}),
    "a choice": of(a={"anyOf": [TEXT, of(b=TEXT), {"type": "null"}]}),
    "a definition": {**of(a={"$ref": "#/$defs/B"}), "$defs": {"B": of(c=TEXT)}},
    "a definition that is a choice of itself": {
        **of(a={"$ref": "#/$defs/Tree"}),
        "$defs": {"Tree": of(next={"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]})},
    },
    "a reference to the root": of(a={"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
    "as many levels as may be": nested(rules.MOST_LEVELS),
    "as many values as may be": of(a={**TEXT, "enum": [str(n) for n in range(rules.MOST_ENUM_VALUES)]}),
}

REFUSED: dict[str, tuple[Any, rules.Place | None, str]] = {
    "no schema": (None, None, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'."),
    "a list at the root": (
        {"type": "array", "items": TEXT},
        None,
        "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'.",
    ),
    "a choice at the root": (
        {"anyOf": [of()]},
        None,
        "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
    ),
    "further properties at the root": (
        {"type": "object", "properties": {}, "required": []},
        (),
        "'additionalProperties' is required to be supplied and to be false.",
    ),
    "further properties deeper": (
        of(a={**of(), "additionalProperties": True}),
        ("properties", "a"),
        "'additionalProperties' is required to be supplied and to be false.",
    ),
    "further properties in a list": (
        of(a={"type": "array", "items": {**of(), "additionalProperties": TEXT}}),
        ("properties", "a", "items"),
        "'additionalProperties' is required to be supplied and to be false.",
    ),
    "further properties in a choice": (
        of(a={"anyOf": [TEXT, {"type": "object"}]}),
        ("properties", "a", "anyOf", "1"),
        "'additionalProperties' is required to be supplied and to be false.",
    ),
    "further properties in a definition": (
        {**of(), "$defs": {"B": {"type": "object"}}},
        ("$defs", "B"),
        "'additionalProperties' is required to be supplied and to be false.",
    ),
    "a property that may be left out": (
        {**of(a=TEXT, b=TEXT), "required": ["a"]},
        (),
        "'required' is required to be supplied and to be an array including every key in properties. "
        "Missing 'b'.",
    ),
    "a required property that is none": (
        {**of(a=TEXT), "required": ["a", "b"]},
        (),
        "Extra required key 'b' supplied.",
    ),
    "a default": (of(a={**TEXT, "default": "x"}), ("properties", "a"), "'default' is not permitted."),
    "the length of a text": (
        of(a={**TEXT, "minLength": 1}),
        ("properties", "a"),
        "'minLength' is not permitted.",
    ),
    "a number's limit on a text": (
        of(a={**TEXT, "minimum": 1}),
        ("properties", "a"),
        "'minimum' is not permitted.",
    ),
    "a list without doubles": (
        of(a={"type": "array", "items": TEXT, "uniqueItems": True}),
        ("properties", "a"),
        "'uniqueItems' is not permitted.",
    ),
    "all of several": (
        of(a={"type": "string", "allOf": [TEXT]}),
        ("properties", "a"),
        "'allOf' is not permitted.",
    ),
    "one of several": (
        of(a={"type": "string", "oneOf": [TEXT]}),
        ("properties", "a"),
        "'oneOf' is not permitted.",
    ),
    "properties by a pattern": (
        {**of(), "patternProperties": {"^a": TEXT}},
        (),
        "'patternProperties' is not permitted.",
    ),
    "definitions below the root": (
        of(a={**of(), "$defs": {"B": TEXT}}),
        ("properties", "a"),
        "'$defs' is not permitted.",
    ),
    "a format that is unknown": (
        of(a={**TEXT, "format": "uri"}),
        ("properties", "a"),
        "'uri' is not a valid format.",
    ),
    "a pattern that looks ahead": (
        of(a={**TEXT, "pattern": "^(?=a)"}),
        ("properties", "a"),
        "lookaround is not permitted in 'pattern'.",
    ),
    "a pattern that looks back": (
        of(a={**TEXT, "pattern": "(?<!a)b"}),
        ("properties", "a"),
        "lookaround is not permitted in 'pattern'.",
    ),
    "no type": (of(a={}), ("properties", "a"), "schema must have a 'type' key."),
    "an enum without a type": (of(a={"enum": ["x"]}), ("properties", "a"), "schema must have a 'type' key."),
    "a type that is unknown": (
        of(a={"type": "date"}),
        ("properties", "a"),
        "'date' is not valid under any of the given schemas.",
    ),
    "true in place of a schema": (of(a=True), ("properties", "a"), "schema must be an object."),
    "a list of anything": (of(a={"type": "array"}), ("properties", "a"), "array schema missing items."),
    "a tuple": (
        of(a={"type": "array", "items": [TEXT]}),
        ("properties", "a", "items"),
        "schema must be an object.",
    ),
    "a reference with company": (
        {**of(a={"$ref": "#/$defs/B", "description": "The b."}), "$defs": {"B": of()}},
        ("properties", "a"),
        "$ref cannot have keywords {'description'}.",
    ),
    "a reference to nothing": (
        of(a={"$ref": "#/$defs/B"}),
        ("properties", "a"),
        "reference to component '#/$defs/B' which was not found in the schema.",
    ),
    "a reference to older definitions": (
        of(a={"$ref": "#/definitions/B"}),
        ("properties", "a"),
        "reference to component '#/definitions/B' which was not found in the schema.",
    ),
    "a level too many": (nested(11), None, "11 levels of nesting exceeds limit of 10."),
    "a property too many": (
        of(**{f"p{n}": TEXT for n in range(5001)}),
        None,
        "5001 parameters exceeds limit of 5000.",
    ),
    "a value too many": (
        of(a={**TEXT, "enum": list(map(str, range(600)))}, b={**TEXT, "enum": list(map(str, range(401)))}),
        None,
        "Expected at most 1000 enum values in total within a single schema when using structured outputs, "
        "but received 1001.",
    ),
    "a large enum of long values": (
        of(a={**TEXT, "enum": [f"{n:0>100}" for n in range(251)]}),
        None,
        "an enum of more than 250 values has 25100 characters, which exceeds the limit of 15000.",
    ),
    "names that are too long": (
        of(**{f"{n:0>1000}": TEXT for n in range(121)}),
        None,
        "names and values of 121000 characters exceed the limit of 120000.",
    ),
}


@pytest.mark.parametrize("schema", ACCEPTED.values(), ids=ACCEPTED)
def test_a_schema_that_follows_the_rules_has_no_problems(schema: Mapping[str, Any]) -> None:
    assert list(rules.problems(schema)) == []


@pytest.mark.parametrize(("schema", "place", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_schema_that_breaks_a_rule_has_that_problem_and_no_other(
    schema: Any, place: rules.Place | None, reason: str
) -> None:
    assert list(rules.problems(schema)) == [(place, reason)]


def test_every_problem_is_told_in_the_order_of_the_schema() -> None:
    schema = of(a={"type": "array"}, b={**TEXT, "default": "x"})
    del schema["additionalProperties"]
    places = [place for place, _ in rules.problems(schema)]
    assert places == [(), ("properties", "a"), ("properties", "b")]
