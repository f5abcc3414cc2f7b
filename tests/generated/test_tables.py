"""The method tables, in Rust and in Python, say what the schema says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from codex_app_server.generated import v2_all
from codex_app_server.generated._base import UnknownVariant
from codex_app_server.generated.notifications import PAYLOADS, payload_model
from codex_app_server.generated.requests import REQUESTS, SERVER_REQUESTS
from tests.generated.samples import Schema

Methods = dict[str, dict[str, Schema]]

STREAMS = (
    "loginId",
    "processId",
    "processHandle",
    "watchId",
    "sessionId",
    "subscriptionId",
    "importId",
)

RUST = Path(__file__).resolve().parents[2] / "rust/core/src/wire/protocol.rs"


def rows(spec: str) -> dict[str, str]:
    """Each row of one Rust table by its method, its text on one line."""
    text = re.sub(r"\s+", " ", RUST.read_text(encoding="utf-8"))
    found = re.findall(rf"(?<!struct )\b{spec} {{ method: \"([^\"]+)\", (.*?),? }},", text)
    methods = [method for method, _ in found]
    assert methods == sorted(methods), "the core looks methods up by binary search"
    assert len(set(methods)) == len(methods)
    return dict(found)


def definition(definitions: dict[str, Schema], schema: Schema) -> tuple[str, Schema]:
    name = schema["$ref"].rsplit("/", 1)[-1]
    return name, definitions[name]


def test_ids_are_routed_from_where_the_payload_has_them(
    definitions: dict[str, Schema], methods: Methods
) -> None:
    table = rows("NotificationSpec")
    assert set(table) == set(methods["ServerNotification"])
    for method, params in methods["ServerNotification"].items():
        fields = definition(definitions, params)[1].get("properties", {})
        for column, field, carrier in (("thread", "threadId", "Thread"), ("turn", "turnId", "Turn")):
            expected = "None"
            if field in fields:
                expected = f'Param("{field}")'
            elif {"$ref": f"#/definitions/{carrier}"} in fields.values():
                expected = f'Nested("{carrier.lower()}", "id")'
            assert f"{column}: IdPath::{expected}," in table[method] + ",", method
        names = [name for name in fields if name in STREAMS and "turn: IdPath::None" in table[method]]
        listed = ", ".join(f'"{name}"' for name in names)
        assert f"subject: &[{listed}]," in table[method], method


def test_the_cases_that_routing_stands_on_are_what_they_were() -> None:
    table = rows("NotificationSpec")
    in_turn = 'turn: IdPath::Nested("turn", "id")'
    assert in_turn in table["turn/started"]
    assert in_turn in table["turn/completed"]
    assert 'turn: IdPath::Param("turnId")' in table["item/agentMessage/delta"]
    assert 'thread: IdPath::Nested("thread", "id")' in table["thread/started"]
    assert 'subject: &["loginId"], ends: true' in table["account/login/completed"]
    assert 'subject: &["processHandle"], ends: true' in table["process/exited"]
    assert 'subject: &["processId"], ends: false' in table["command/exec/outputDelta"]
    assert 'subject: &["watchId"], ends: false' in table["fs/changed"]
    # It has a processId, but it is a turn's.
    assert "subject: &[], ends: false" in table["item/commandExecution/terminalInteraction"]


def test_only_what_can_be_lost_is_droppable() -> None:
    droppable = {m for m, row in rows("NotificationSpec").items() if row.endswith("droppable: true")}
    assert "item/agentMessage/delta" in droppable
    lasting = ("completed", "started", "error", "warning", "tokenUsage", "closed", "exited", "resolved")
    assert not [method for method in droppable if any(word in method for word in lasting)]


def test_every_request_has_a_window_and_its_experimental_mark(
    methods: Methods, stable_definitions: dict[str, Schema]
) -> None:
    table = rows("RequestSpec")
    assert set(table) == set(methods["ClientRequest"]) == set(REQUESTS)
    stable = {v["properties"]["method"]["enum"][0] for v in stable_definitions["ClientRequest"]["oneOf"]}
    for method, row in table.items():
        expected = str(method not in stable).lower()
        # Only what has a window apart may take for ever.
        window = r"window: Window::((Short|Control), open_ended: false|Long, open_ended: (true|false))"
        assert re.fullmatch(rf"{window}, experimental: {expected}", row), method
        assert REQUESTS[method].experimental == (method not in stable)
    windows = {method: re.findall(r"Window::(\w+)", row)[0] for method, row in table.items()}
    assert windows["turn/start"] == "Short"
    assert windows["command/exec"] == "Long"
    assert windows["turn/interrupt"] == windows["turn/steer"] == "Control"


def refusals() -> dict[str, Any]:
    """The result that refuses each server request, None where it is an error."""
    found: dict[str, Any] = {}
    for method, row in rows("ServerRequestSpec").items():
        result = re.search(r'Refusal::Result\( ?r#"(.*?)"#,? ?\)', row)
        assert result is not None or "Refusal::Error" in row
        found[method] = json.loads(result[1]) if result else None
    return found


def test_every_server_request_has_a_refusal_in_its_own_shape(methods: Methods) -> None:
    found = refusals()
    assert set(found) == set(methods["ServerRequest"]) == set(SERVER_REQUESTS)
    for method, result in found.items():
        if result is None:
            continue
        answer = SERVER_REQUESTS[method].response_model.model_validate(result)
        assert answer.model_extra == {}, method
        assert not [field for _, field in answer if isinstance(field, UnknownVariant)]
        assert answer.model_dump(mode="json", by_alias=True, exclude_unset=True) == result
    errors = {method for method, result in found.items() if result is None}
    assert errors == {"account/chatgptAuthTokens/refresh", "attestation/generate", "currentTime/read"}


def test_a_refusal_lets_the_turn_go_on() -> None:
    for result in refusals().values():
        assert "cancel" not in json.dumps(result)
        assert "abort" not in json.dumps(result)


def test_payload_models_are_those_of_the_schema(definitions: dict[str, Schema], methods: Methods) -> None:
    assert set(PAYLOADS) == set(methods["ServerNotification"])
    for method, params in methods["ServerNotification"].items():
        assert payload_model(method) is getattr(v2_all, definition(definitions, params)[0])
    assert payload_model("thread/fromTomorrow") is None


def test_request_models_are_those_of_the_schema(definitions: dict[str, Schema], methods: Methods) -> None:
    for table, union in ((REQUESTS, "ClientRequest"), (SERVER_REQUESTS, "ServerRequest")):
        for method, params in methods[union].items():
            spec: Any = table[method]
            text = json.dumps(params)
            name = re.findall(r"#/definitions/(\w+)", text)
            assert [spec.params] == (name or [None]), method
            assert (spec.params_model is None) == (not name)
            if union == "ClientRequest":
                assert spec.params_optional == ('"null"' in text), method
            assert spec.response in definitions
            assert issubclass(spec.response_model, BaseModel)


def test_every_response_of_the_schema_belongs_to_a_request(definitions: dict[str, Schema]) -> None:
    named = {name for name in definitions if name.endswith("Response")}
    used = {s.response for s in REQUESTS.values()} | {s.response for s in SERVER_REQUESTS.values()}
    assert named - used == {"JSONRPCResponse"}


@pytest.mark.parametrize("module", ["notifications", "requests"])
def test_importing_a_table_imports_no_model(module: str) -> None:
    program = (
        "import sys\n"
        f"import codex_app_server.generated.{module}\n"
        "print('codex_app_server.generated.v2_all' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_importing_the_models_builds_no_validator() -> None:
    program = (
        "from codex_app_server.generated import v2_all\n"
        "from pydantic import BaseModel\n"
        "found = [getattr(v2_all, name) for name in v2_all.__all__]\n"
        "models = [c for c in found if issubclass(c, BaseModel)]\n"
        "print(len(models), sum(c.__pydantic_complete__ for c in models))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    models, complete = map(int, done.stdout.split())
    assert models > 1000
    assert complete == 0
