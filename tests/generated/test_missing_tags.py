"""An object without the tag of its union is taken where the runtime takes it, and nowhere else.

What the runtime takes is in `docs/design/models.md`, and asked again by `tests/testing/test_missing_tags.py`.
"""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from codex_app_server.generated import v2_all as v2
from codex_app_server.generated._base import UnknownVariant
from tests.generated.samples import Sampler, Schema

# Each tagged union of what a client sends, and what becomes of an object without the tag: it is refused, it
# is kept as unknown (the runtime says these unions too), or it is a variant.
WITHOUT_TAG = {
    "AgentMessageInputContent": "refused",
    "BedrockSetupParams": "refused",
    "CapabilityRootLocation": "refused",
    "ContentItem": "refused",
    "DynamicToolCallOutputContentItem": "unknown",
    "DynamicToolNamespaceTool": "refused",
    "DynamicToolSpec": "function",
    "FileSystemPath": "unknown",
    "FileSystemSpecialPath": "unknown",
    "FunctionCallOutputContentItem": "unknown",
    "LocalShellAction": "refused",
    "LoginAccountParams": "refused",
    "ReasoningItemContent": "refused",
    "ReasoningItemReasoningSummary": "refused",
    "ResponseItem": "refused",
    "ResponsesApiWebSearchAction": "refused",
    "ReviewTarget": "refused",
    "SandboxPolicy": "unknown",
    "ThreadItemsListAnchor": "refused",
    "ThreadReadStateOperation": "refused",
    "ThreadRealtimeStartTransport": "refused",
    "UserInput": "unknown",
}

TOOL = {"name": "look_up", "description": "Looks a word up.", "inputSchema": {"type": "object"}}
TAGGED = {"type": "function", **TOOL}


def dump(value: BaseModel) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_unset=True)


def tag_of(schema: Schema) -> str | None:
    """The property that has one fixed text in each alternative, if all are objects with one."""
    fixed = [
        {
            name
            for name, field in branch.get("properties", {}).items()
            if field is not True and len(field.get("enum", ())) == 1
        }
        for branch in schema.get("oneOf", ())
    ]
    common = set[str].intersection(*fixed) if fixed else set()
    return common.pop() if common else None


def reachable(definitions: dict[str, Schema], names: list[str]) -> set[str]:
    found: set[str] = set()
    while names:
        name = names.pop().rsplit("/", 1)[-1]
        if name not in found:
            found.add(name)
            json.loads(
                json.dumps(definitions[name]),
                object_hook=lambda node: names.append(node["$ref"]) if "$ref" in node else None,
            )
    return found


def test_every_tagged_union_that_a_client_sends_is_known_here(
    definitions: dict[str, Schema], methods: dict[str, dict[str, Schema]]
) -> None:
    params = [schema["$ref"] for schema in methods["ServerRequest"].values()]
    answers = [name.removesuffix("Params") + "Response" for name in params]
    sent = reachable(definitions, ["ClientRequest", *answers]) - {"ClientRequest"}
    assert {name for name in sent if tag_of(definitions[name])} == set(WITHOUT_TAG)


@pytest.mark.parametrize("name", WITHOUT_TAG)
def test_an_object_without_its_tag_is_what_the_runtime_takes_it_for(
    name: str, definitions: dict[str, Schema]
) -> None:
    union = getattr(v2, name)
    tag = tag_of(definitions[name])
    assert tag is not None
    for variant in definitions[name]["oneOf"]:
        text = variant["properties"][tag]["enum"][0]
        sample = Sampler(definitions, 7).value(variant)
        whole = union.model_validate(sample).root
        assert not isinstance(whole, UnknownVariant)
        sample.pop(tag)
        if WITHOUT_TAG[name] == "unknown":
            assert isinstance(union.model_validate(sample).root, UnknownVariant)
        elif WITHOUT_TAG[name] == text:
            found = union.model_validate(sample)
            assert type(found.root) is type(whole)
            assert getattr(found.root, tag) == text
            assert dump(found) == sample
        else:
            with pytest.raises(ValidationError):
                union.model_validate(sample)
            with pytest.raises(ValidationError):
                union.model_validate_json(json.dumps(sample), strict=True)


def test_a_tool_without_a_type_is_a_function_and_written_as_it_was_given() -> None:
    # The runtime reads a tool with its `type` in one way and a tool without it in another: none is added.
    raw = {**TOOL, "deferLoading": True, "namespace": "library"}
    for found in (
        v2.DynamicToolSpec.model_validate(raw),
        v2.DynamicToolSpec.model_validate_json(json.dumps(raw), strict=True),
        v2.ThreadStartParams.model_validate({"dynamicTools": [raw]}).dynamic_tools[0],  # type: ignore[index]
    ):
        assert isinstance(found.root, v2.FunctionDynamicToolSpec)
        assert found.root.type == "function"
        assert dump(found) == raw
        assert json.loads(found.model_dump_json(by_alias=True, exclude_unset=True)) == raw
        for twin in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):  # noqa: S301 - made here
            assert twin == found
            assert dump(twin) == raw
    assert "type" not in raw


def test_a_tool_with_a_type_is_what_it_was() -> None:
    function = v2.FunctionDynamicToolSpec.model_validate(TAGGED)
    assert v2.DynamicToolSpec(function).root is function
    assert dump(v2.DynamicToolSpec.model_validate(TAGGED)) == TAGGED
    with pytest.raises(ValidationError, match=r"type\n  Field required"):
        v2.FunctionDynamicToolSpec.model_validate(TOOL)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({**TOOL, "type": None}, "type"),
        ({**TOOL, "type": "procedure"}, "does not match any of the expected tags: 'function', 'namespace'"),
        ({}, r"function\.name\n  Field required"),
        ({**TOOL, "name": 3}, r"function\.name\n  Input should be a valid string"),
        ({**TOOL, "deferLoading": 1}, r"function\.deferLoading\n  Input should be a valid boolean"),
        ({"name": "n", "description": "d", "tools": [TAGGED]}, r"function\.inputSchema\n  Field required"),
        (
            {"type": "namespace", "name": "n", "description": "d", "tools": [TOOL]},
            r"namespace\.tools\.0\.type\n  Field required",
        ),
        (TOOL["name"], "should be an object"),
        ([], "should be an object"),
    ],
)
def test_what_the_runtime_refuses_is_refused_with_the_place_of_the_fault(raw: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        v2.DynamicToolSpec.model_validate_json(json.dumps(raw), strict=True)
