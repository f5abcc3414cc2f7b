"""What obeys the schema is understood as a whole and written back as it came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai_codex.generated.v2_all as official
import pytest
from pydantic import BaseModel, RootModel, TypeAdapter

from codex_app_server.generated import v2_all as ours
from codex_app_server.generated._base import OpenEnum, UnknownVariant
from tests.generated.samples import Sampler, Schema

SAMPLES = 12
SEED = 20261120


def dump(value: Any) -> Any:
    found: Any = TypeAdapter(Any).dump_python(value, mode="json", by_alias=True, exclude_unset=True)
    return found


def inside(value: Any) -> Iterator[Any]:
    """Everything that a value is made of."""
    yield value
    if isinstance(value, RootModel):
        yield from inside(value.root)
    elif isinstance(value, BaseModel):
        for _, field in value:
            yield from inside(field)
    elif isinstance(value, dict):
        for item in value.values():
            yield from inside(item)
    elif isinstance(value, list):
        for item in value:
            yield from inside(item)


# Any string by the schema; only the SDKs list values.
FREE = (ours.CodexErrorInfoValue, ours.ReasoningEffort, ours.ThreadSource)


def unknown(value: Any) -> list[Any]:
    return [
        part
        for part in inside(value)
        if isinstance(part, UnknownVariant)
        or (isinstance(part, OpenEnum) and not part.is_known and not isinstance(part, FREE))
    ]


def read(kind: Any, sample: Any) -> Any:
    return TypeAdapter(kind).validate_python(sample)


@pytest.mark.timeout(300)
def test_every_definition_keeps_what_the_schema_allows(definitions: dict[str, Schema]) -> None:
    sampler = Sampler(definitions, SEED)
    for name, schema in definitions.items():
        for _ in range(SAMPLES):
            sample = sampler.value(schema)
            value = read(getattr(ours, name), sample)
            assert dump(value) == sample, name
            assert not unknown(value), name


@pytest.mark.timeout(300)
def test_both_packages_read_and_write_the_same(stable_definitions: dict[str, Schema]) -> None:
    sampler = Sampler(stable_definitions, SEED)
    compared = 0
    for name, schema in stable_definitions.items():
        if not hasattr(official, name):
            continue
        for _ in range(SAMPLES):
            sample = sampler.value(schema)
            theirs, mine = read(getattr(official, name), sample), read(getattr(ours, name), sample)
            assert type(mine).__name__ == type(theirs).__name__
            assert dump(mine) == dump(theirs), name
            compared += 1
    assert compared > 600 * SAMPLES


def test_json_text_and_python_values_give_equal_models(definitions: dict[str, Schema]) -> None:
    sampler = Sampler(definitions, SEED)
    for name in ("ItemCompletedNotification", "TurnCompletedNotification", "ThreadReadResponse"):
        for _ in range(SAMPLES):
            sample = sampler.value(definitions[name])
            kind = getattr(ours, name)
            assert kind.model_validate_json(json.dumps(sample)) == kind.model_validate(sample)


def test_fields_are_accepted_under_both_names() -> None:
    by_name = ours.TurnInterruptParams(thread_id="t", turn_id="u")
    by_alias = ours.TurnInterruptParams.model_validate({"threadId": "t", "turnId": "u"})
    assert by_name == by_alias
    assert by_name.model_dump(by_alias=True) == {"threadId": "t", "turnId": "u"}
