"""Types of results: which schema is sent for each, and how what comes back is read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import ConfigDict, TypeAdapter

from codex_app_server._output_types import rules, wanted_output
from codex_app_server._output_types.output_type import OutputType, output_type_of
from codex_app_server._output_types.strict import strict
from codex_app_server.errors import InvalidInputError
from tests import outputs
from tests.outputs import CASES, follows, read


def adapter_of(wanted: Any) -> TypeAdapter[Any]:
    return wanted if isinstance(wanted, TypeAdapter) else TypeAdapter(wanted)


# --- types that are taken


@pytest.mark.parametrize("name", CASES)
def test_the_schema_is_one_that_the_service_takes(name: str) -> None:
    assert list(rules.problems(output_type_of(CASES[name].wanted).schema)) == []


@pytest.mark.parametrize("name", CASES)
def test_what_follows_the_schema_is_read_as_the_value(name: str) -> None:
    wanted, written, value = CASES[name]
    schema = output_type_of(wanted).schema
    assert follows(schema, schema, written)
    got = read(wanted, written)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize("name", CASES)
def test_a_value_that_is_written_in_full_is_read_as_the_same(name: str) -> None:
    wanted, written, value = CASES[name]
    dumped = json.loads(adapter_of(wanted).dump_json(value, by_alias=True, round_trip=True))
    assert read(wanted, dumped if written.keys() != {"value"} else {"value": dumped}) == value


@dataclass
class Voyage:
    miles: int
    days: int = field(init=False, default=3)


def test_a_field_that_is_not_given_to_its_dataclass_is_not_asked_for() -> None:
    schema = output_type_of(Voyage).schema
    assert schema["properties"] == {"miles": {"type": "integer"}}
    assert schema["required"] == ["miles"]
    assert read(Voyage, {"miles": 1}).days == 3


def test_the_schema_of_a_model_closes_objects_and_requires_all() -> None:
    assert output_type_of(outputs.Boat).schema == {
        "type": "object",
        "description": "A boat in the harbour.",
        "properties": {
            "name": {"type": "string"},
            "berth": {"$ref": "#/$defs/Berth"},
            "former": {
                "type": ["array", "null"],
                "items": {"$ref": "#/$defs/Berth"},
                "description": "Default: [].",
            },
        },
        "required": ["name", "berth", "former"],
        "additionalProperties": False,
        "$defs": {
            "Berth": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "depth_m": {"type": "number"}},
                "required": ["name", "depth_m"],
                "additionalProperties": False,
            }
        },
    }


def properties_of(wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = output_type_of(wanted).schema["properties"]
    return found


def test_what_may_be_left_out_may_be_null_and_has_its_default_in_words() -> None:
    null = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert properties_of(outputs.Options) == {
        "count": {"type": ["integer", "null"], "description": "Default: 3."},
        "words": {"type": ["array", "null"], "items": {"type": "string"}},
        "maybe": {**null, "description": "Default: 5."},
        "nothing": null,
        "asked": null,
    }


def test_limits_that_the_service_knows_stay_and_others_become_words() -> None:
    assert properties_of(outputs.Limits) == {
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "share": {
            "type": ["number", "null"],
            "exclusiveMinimum": 0,
            "exclusiveMaximum": 1,
            "description": "Default: 0.5.",
        },
        "even": {"type": "integer", "multipleOf": 2},
        "code": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "word": {
            "type": ["string", "null"],
            "description": 'Length: at least 2. Length: at most 5. Default: "ab".',
        },
        "looks": {"type": "string", "description": "Matches the regular expression ^(?=a)."},
        "few": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
    }


def test_formats_that_the_service_knows_stay_and_others_become_words() -> None:
    formats = {name: each.get("format") for name, each in properties_of(outputs.Times).items()}
    assert formats == {"day": "date", "at": "date-time", "clock": "time", "span": "duration"}
    kinds = properties_of(outputs.Kinds)
    assert {
        name: kinds[name] for name in ("uuid", "v4", "v6", "network", "data", "path", "pattern", "flag")
    } == {
        "uuid": {"type": "string", "format": "uuid"},
        "v4": {"type": "string", "format": "ipv4"},
        "v6": {"type": "string", "format": "ipv6"},
        "network": {"type": "string", "description": "Format: ipv4network."},
        "data": {"type": "string", "description": "Format: binary."},
        "path": {"type": "string", "description": "Format: path."},
        "pattern": {"type": "string", "description": "Format: regex."},
        "flag": {"type": "boolean"},
    }


def test_a_reference_with_a_description_is_a_union_of_one() -> None:
    berth = {"$ref": "#/$defs/Berth"}
    assert properties_of(outputs.Described) == {
        "at": {"anyOf": [berth], "description": "Where it lies"},
        "spare": {
            "anyOf": [berth, {"type": "null"}],
            "description": 'Where it may lie. Default: {"name": "B", "depth_m": 1.0}.',
        },
    }


def test_enums_and_literals_list_their_values_with_their_type() -> None:
    schema = output_type_of(outputs.Painted).schema
    assert schema["$defs"]["Colour"] == {"type": "string", "enum": ["red", "blue"]}
    assert schema["$defs"]["Rank"] == {"type": "integer", "enum": [1, 2]}
    assert schema["properties"]["number"] == {"type": "integer", "enum": [1, 2]}
    assert schema["properties"]["only"] == {"type": "string", "const": "this"}
    word = {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]}
    assert schema["properties"]["word"] == {**word, "description": 'Default: "a".'}
    assert output_type_of(list[outputs.Odd]).schema["$defs"]["Odd"] == {
        "type": ["integer", "string", "null"],
        "enum": [1, "x", None],
    }


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"enum": ["a", "b"]}, "string"),
        ({"enum": [1, True, 0.5]}, ["integer", "boolean", "number"]),
        ({"const": None}, "null"),
        ({"const": "a"}, "string"),
    ],
)
def test_values_without_a_type_get_theirs(given: Any, kind: Any) -> None:
    made = strict({"type": "object", "properties": {"a": given}, "required": ["a"]}).schema
    assert made["properties"]["a"] == {"type": kind, **given}
    assert list(rules.problems(made)) == []


def test_what_is_no_object_travels_in_one() -> None:
    assert output_type_of(list[int]).schema == {
        "type": "object",
        "properties": {"value": {"type": "array", "items": {"type": "integer"}}},
        "required": ["value"],
        "additionalProperties": False,
    }


def test_the_definitions_of_a_wrapped_type_stand_at_the_root() -> None:
    schema = output_type_of(list[outputs.Berth]).schema
    assert schema["properties"] == {"value": {"type": "array", "items": {"$ref": "#/$defs/Berth"}}}
    assert list(schema["$defs"]) == ["Berth"]


def test_a_model_that_refers_to_itself_is_an_object_at_the_root() -> None:
    schema = output_type_of(outputs.Tree).schema
    assert schema["type"] == "object"
    assert schema["properties"] == schema["$defs"]["Tree"]["properties"]


def test_a_union_by_a_tag_is_a_plain_one_for_the_service() -> None:
    assert properties_of(outputs.Pet) == {
        "value": {"anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]}
    }


def test_what_a_type_gives_is_made_once() -> None:
    assert output_type_of(outputs.Boat) is output_type_of(outputs.Boat)


def test_a_union_is_read_in_its_own_order_whatever_was_asked_before() -> None:
    class First(outputs.Berth):
        pass

    class Second(outputs.Berth):
        pass

    written = {"value": {"name": "A", "depth_m": 4.5}}
    assert type(read(First | Second, written)) is First
    assert type(read(Second | First, written)) is Second


def test_the_models_own_strictness_allows_what_json_has_no_type_for() -> None:
    class Strict(outputs.Times):
        model_config = ConfigDict(strict=True)

    written = CASES["dates and times"].written
    assert read(Strict, written).model_dump() == CASES["dates and times"].value.model_dump()


# --- what is given for a turn


def test_without_a_type_a_schema_goes_as_it_is() -> None:
    schema = {"anything": object()}
    assert wanted_output(None, schema) == (None, schema)
    assert wanted_output(None, None) == (None, None)


def test_a_type_brings_its_schema() -> None:
    wanted, schema = wanted_output(outputs.Berth, None)
    assert isinstance(wanted, OutputType)
    assert schema == wanted.schema


def test_a_type_and_a_schema_together_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"^output_type and output_schema .* give one of them\.$"):
        wanted_output(outputs.Berth, {})
