"""Annotations can be evaluated, by frameworks that read them, and cost the import nothing."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from codex_app_server import (
    ExternalMessage,
    GoalResult,
    InitializeResponse,
    Notification,
    RequestHandlerError,
    RunInput,
    Thread,
    TurnResult,
    TurnStatus,
    types,
)
from codex_app_server.models import JsonObject, UnknownNotification
from tests.python.annotations import unresolved


def test_every_annotation_of_a_public_name_can_be_evaluated() -> None:
    assert unresolved() == {}


def test_what_an_annotation_names_is_the_class_itself() -> None:
    hints = typing.get_type_hints(Thread.turn)
    assert hints["sandbox_policy"] == types.SandboxPolicy | None
    assert typing.get_type_hints(TurnResult)["items"] == list[types.ThreadItem]
    # With a default of None, Python 3.10 makes it optional.
    assert typing.get_type_hints(Thread.run)["output_type"] in (Any, Any | None)
    assert types.InitializeResponse is InitializeResponse


def test_a_signature_names_what_a_program_imports() -> None:
    parameters = inspect.signature(Thread.turn).parameters
    assert parameters["sandbox"].annotation == "Sandbox | types.SandboxMode | SandboxLiteral | None"


def test_annotations_load_no_module_before_they_are_evaluated() -> None:
    code = (
        "import sys, codex_app_server; "
        "late = {'datetime', 'pathlib', 'pydantic', 'typing_extensions', 'codex_app_server.tools', "
        "'codex_app_server._async.rpc', 'codex_app_server._sync.codex_client'}; "
        "assert not late & set(sys.modules), late & set(sys.modules)"
    )
    # Without site-packages' own start-up, which loads what it likes.
    path = [each for each in sys.path if each]
    start = f"import sys; sys.path[:] = {path!r}; "
    subprocess.run([sys.executable, "-I", "-S", "-c", start + code], check=True)


ERROR = RequestHandlerError(
    "It raised.", method="item/tool/call", thread_id="t", turn_id="u", item_id=None, ancestors=("p",)
)
FIELDS: dict[str, Any] = {
    "id": "u",
    "status": TurnStatus.completed,
    "error": None,
    "started_at": 1,
    "completed_at": 2,
    "duration_ms": 1000,
    "final_response": "Hi.",
    "items": [types.ThreadItem.model_validate({"type": "contextCompaction", "id": "i"})],
    "usage": None,
    "request_errors": (ERROR,),
}


def test_pydantic_reads_and_writes_the_result_of_a_turn() -> None:
    adapter = TypeAdapter(TurnResult)
    result = TurnResult(**FIELDS)
    same = adapter.validate_json(adapter.dump_json(result, by_alias=True))
    assert adapter.dump_python(same) == adapter.dump_python(result)
    assert same.items == result.items
    assert same.request_errors[0].ancestors == ("p",)
    assert str(same.request_errors[0]) == "It raised."
    assert adapter.validate_python(result) is result
    for mode in ("validation", "serialization"):
        properties = adapter.json_schema(mode=mode)["properties"]
        assert {*properties} == {*FIELDS, "output"}


def test_pydantic_checks_the_output_of_a_result() -> None:
    adapter = TypeAdapter(TurnResult[int])
    assert adapter.validate_python({**FIELDS, "output": 3}).output == 3
    with pytest.raises(ValueError, match="valid integer"):
        adapter.validate_python({**FIELDS, "output": "three"})


class Kept(BaseModel):
    given: JsonObject
    about: UnknownNotification


def test_pydantic_reads_and_writes_json_and_what_is_made_of_it() -> None:
    raw = {"a": [1, {"b": None}], "c": "x"}
    kept = Kept(given=raw, about=UnknownNotification(raw))  # type: ignore[arg-type]
    assert Kept.model_validate_json(kept.model_dump_json()) == kept
    with pytest.raises(ValueError, match="given"):
        Kept.model_validate({"given": {"a": [object()]}, "about": {"params": {}}})
    message = ExternalMessage("tool", [{"type": "input_text", "text": "x"}])
    adapter = TypeAdapter(ExternalMessage)
    assert adapter.validate_json(adapter.dump_json(message)) == message
    assert TypeAdapter(RunInput).validate_python("x") == "x"


@pytest.mark.parametrize("kind", [GoalResult, Notification])
def test_pydantic_takes_what_else_a_program_may_keep(kind: type) -> None:
    assert TypeAdapter(kind).json_schema()["type"] == "object"
