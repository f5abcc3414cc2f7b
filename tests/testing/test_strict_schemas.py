"""A strict output format whose schema the service would refuse is refused by the offline model."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from codex_app_server import Codex, Thread, TurnFailedError
from codex_app_server._output_types import rules
from codex_app_server.testing import ModelRequest, OfflineModel
from codex_app_server.testing._strict import described, refusal
from codex_app_server.types import JsonObject
from tests.python.test_strict_rules import REFUSED

STRICT: JsonObject = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
LOOSE: JsonObject = {"type": "object", "properties": {"name": {"type": "object"}}, "required": ["name"]}


def _asking(form: Any) -> ModelRequest:
    return ModelRequest(1, "/v1/responses", {}, json.dumps({"input": [], "text": {"format": form}}).encode())


def test_a_schema_that_follows_the_rules_gets_its_answer(model: OfflineModel, thread: Thread) -> None:
    model.reset('{"name": "Halcyon"}')
    assert thread.run("go", output_schema=STRICT).final_response == '{"name": "Halcyon"}'


def test_a_schema_that_breaks_a_rule_fails_the_turn_as_the_service_does(
    model: OfflineModel, thread: Thread
) -> None:
    model.reset(["the first answer"])
    with pytest.raises(TurnFailedError) as failed:
        thread.run("go", output_schema={**LOOSE, "additionalProperties": False})
    assert failed.value.error is not None
    assert json.loads(failed.value.error.message) == {
        "error": {
            "message": (
                "Invalid schema for response_format 'codex_output_schema': "
                "In context=('properties', 'name'), "
                "'additionalProperties' is required to be supplied and to be false."
            ),
            "type": "invalid_request_error",
            "code": "invalid_json_schema",
            "param": "text.format.schema",
        }
    }
    # It was recorded like any other, and no model was asked: the script has all its answers.
    assert [request.prompt for request in model.requests] == ["go"]
    assert thread.run("again").final_response == "the first answer"


def test_a_refusal_is_held_and_released_like_an_answer(
    model: OfflineModel, codex: Codex, thread: Thread
) -> None:
    model.reset()
    model.hold()
    turn = thread.turn("go", output_schema=LOOSE)
    model.wait_for_requests(1)
    assert model.release(prompt="go") == 1
    with pytest.raises(TurnFailedError, match="invalid_json_schema"):
        turn.run()


@pytest.mark.parametrize(
    "keywords", [{"required": None}, {"properties": ["name"]}, {"$defs": []}, {"enum": 5}, {"anyOf": None}]
)
def test_a_schema_that_is_none_is_refused_too(
    model: OfflineModel, thread: Thread, keywords: JsonObject
) -> None:
    model.reset()
    with pytest.raises(TurnFailedError, match="Invalid schema for response_format 'codex_output_schema': "):
        thread.run("go", output_schema={**STRICT, **keywords})


@pytest.mark.parametrize(
    "form",
    [
        None,
        {"type": "text"},
        {"type": "json_schema", "name": "loose", "strict": False, "schema": LOOSE},
        {"type": "json_schema", "name": "loose", "schema": LOOSE},
        {"type": "json_schema", "name": "fine", "strict": True, "schema": STRICT},
    ],
)
def test_what_is_not_strict_or_follows_the_rules_is_not_refused(form: Any) -> None:
    assert refusal(_asking(form)) is None


def test_a_text_that_speaks_of_schemas_is_not_refused() -> None:
    body = {"input": [{"role": "user", "content": '"json_schema"'}], "text": None}
    assert refusal(ModelRequest(1, "/v1/responses", {}, json.dumps(body).encode())) is None


@pytest.mark.parametrize(("schema", "place", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_problem_has_its_place_unless_it_is_one_of_the_whole(
    schema: Any, place: rules.Place | None, reason: str
) -> None:
    whole = re.compile(r"^schema must be a JSON|limit|at most")
    told = described((place, reason))
    assert told == (reason if whole.search(reason) else f"In context={place!r}, {reason}")
    assert refusal(_asking({"type": "json_schema", "strict": True, "name": "n", "schema": schema}))
