"""The binary's schema, printed afresh, walked: each message has its call and models, and there are no others.

Nothing here comes from the generator. Names, arguments and models are derived from the schema a second time.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
import json
import re
import typing
from collections.abc import Iterator, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union

import pytest
from pydantic import BaseModel

from codex_app_server import OMIT, AsyncCodex, Codex, Omit
from codex_app_server._async.rpc import AsyncRpc
from codex_app_server._sync.rpc import Rpc
from codex_app_server.generated import v2_all
from codex_app_server.generated.notifications import PAYLOADS, payload_model
from codex_app_server.generated.requests import SERVER_REQUESTS
from tests.generated.samples import Sampler, Schema

Methods = dict[str, dict[str, Schema]]

# Where a request and its answer are not named alike.
RESPONSES = {
    "account/gatewayOAuth/cancel": "GatewayOAuthCancelResponse",
    "account/gatewayOAuth/login": "GatewayOAuthLoginResponse",
    "account/gatewayOAuth/read": "GatewayOAuthReadResponse",
    "account/logout": "LogoutAccountResponse",
    "account/workspaceMessages/read": "GetWorkspaceMessagesResponse",
    "config/batchWrite": "ConfigWriteResponse",
    "config/mcpServer/reload": "McpServerRefreshResponse",
    "config/value/write": "ConfigWriteResponse",
    "configRequirements/read": "ConfigRequirementsReadResponse",
    "externalAgentConfig/import/readHistories": "ExternalAgentConfigImportHistoriesReadResponse",
    "memory/reset": "MemoryResetResponse",
    "remoteControl/status/read": "RemoteControlStatusReadResponse",
    "rollout/compress": "RolloutCompressResponse",
    "windowsSandbox/readiness": "WindowsSandboxReadinessResponse",
}

SCALARS = {"string": str, "integer": int, "number": float, "boolean": bool}

NAMES = {**vars(builtins), **vars(typing), "builtins": builtins, "Sequence": Sequence, "Omit": Omit} | {
    "v2_all": v2_all
}


def snake(text: str) -> str:
    name = re.sub(
        r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text.replace("OAuth", "Oauth")
    ).lower()
    return {"import": "import_", "_meta": "field_meta"}.get(name, name)


def calls(namespace: type, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every call below a class, with the names that lead to it."""
    for name, member in vars(namespace).items():
        if isinstance(member, property):
            module = inspect.getmodule(namespace)
            assert member.fget is not None
            yield from calls(getattr(module, inspect.signature(member.fget).return_annotation), (*path, name))
        elif inspect.isfunction(member) and (name == "__call__" or name[0] != "_"):
            yield (path if name == "__call__" else (*path, name)), member


def alternatives(annotation: Any) -> set[Any]:
    if typing.get_origin(annotation) in (Union, UnionType):
        return set().union(*(alternatives(part) for part in typing.get_args(annotation)))
    return {annotation}


def evaluated(parameter: inspect.Parameter) -> set[Any]:
    return alternatives(eval(parameter.annotation, NAMES))  # noqa: S307


def reference(schema: Schema) -> str | None:
    found = re.findall(r'"\$ref": "#/definitions/(\w+)"', json.dumps(schema))
    return found[0] if len(found) == 1 else None


def anything(schema: Any) -> bool:
    return schema is True or not {"type", "$ref", "anyOf", "allOf", "oneOf", "enum"} & set(schema)


class Reader:
    """What the schema says of a value."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self.definitions = definitions

    def nullable(self, schema: Schema) -> bool:
        if anything(schema):
            return True
        if "$ref" in schema:
            return self.nullable(self.definitions[schema["$ref"].rsplit("/", 1)[-1]])
        branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
        return "null" in schema.get("type", ()) or any(self.nullable(branch) for branch in branches)

    def main(self, schema: Schema) -> set[Any]:
        """The types of a value that is not null, in the models' terms."""
        if anything(schema):
            return {Any}
        name = reference(schema)
        if name is not None and schema.get("type") not in ("array", ["array", "null"], "object"):
            if "object" in schema.get("type", ()):  # a map that may be null is a map of anything
                return {dict[str, Any]}
            return {getattr(v2_all, name)}
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        return {self.kind(kind, schema) for kind in kinds if kind != "null"}

    def kind(self, kind: str, schema: Schema) -> Any:
        if kind == "array":
            (items,) = self.main(schema["items"])
            return list[items]  # type: ignore[valid-type]
        if kind == "object":
            values = schema["additionalProperties"]
            (inner,) = self.main(values)
            return dict[str, Union[inner, None] if self.nullable(values) and inner is not Any else inner]  # type: ignore[misc]  # noqa: UP007
        return SCALARS[kind]

    def check(self, parameter: inspect.Parameter, schema: Schema, required: bool) -> None:
        given = evaluated(parameter)
        assert parameter.kind is parameter.KEYWORD_ONLY
        assert (Omit in given) is (not required)
        assert parameter.default is (parameter.empty if required else OMIT)
        assert (NoneType in given) is (self.nullable(schema) and Any not in given)
        plain = given - {NoneType, Omit}
        for expected in self.main(schema):
            items = typing.get_args(expected)
            # A list of members of an enum is a sequence of these and their strings.
            sequences = [each for each in plain if typing.get_origin(each) is Sequence]
            within = [alternatives(typing.get_args(each)[0]) for each in sequences]
            assert expected in plain or any(items[0] in inside for inside in within), (expected, plain)
            for each in plain - {expected}:
                assert stands_for(each), each


def stands_for(annotation: Any) -> bool:
    """Whether a type is one of those that may stand beside a model: plain JSON."""
    origin = typing.get_origin(annotation)
    if origin is Literal or annotation in {str, int}:
        return True
    if origin is dict:
        return bool(annotation == dict[str, Any])
    return origin in {list, Sequence} and any(map(stands_for, alternatives(typing.get_args(annotation)[0])))


class Recorder:
    """Stands in for the runtime of a client: keeps what a call asks for, and answers nothing."""

    def __init__(self, asynchronous: bool) -> None:
        self.asynchronous = asynchronous
        self.requests: list[Any] = []

    def start(self) -> Any:
        return self._now(self)

    def request(self, request: Any, timeout_s: float | None = None) -> Any:
        assert timeout_s is None
        self.requests.append(request)
        return self._now(None)

    def _now(self, value: Any) -> Any:
        async def later() -> Any:
            return value

        return later() if self.asynchronous else value


def params_of(definitions: dict[str, Schema], schema: Schema) -> tuple[str | None, Schema]:
    name = reference(schema)
    return name, (definitions[name] if name else {})


def response_of(method: str, params: str | None) -> str:
    return RESPONSES.get(method) or f"{(params or '').removesuffix('Params')}Response"


@pytest.mark.parametrize("root", [Rpc, AsyncRpc])
def test_every_request_has_its_call_and_no_call_is_without_request(root: type, methods: Methods) -> None:
    found = [path for path, _ in calls(root)]
    wanted = {tuple(map(snake, method.split("/"))): method for method in methods["ClientRequest"]}
    assert len(methods["ClientRequest"]) == len(wanted)
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("root", [Rpc, AsyncRpc])
def test_every_signature_is_the_schemas(root: type, methods: Methods, definitions: dict[str, Schema]) -> None:
    by_path = dict(calls(root))
    reader = Reader(definitions)
    for method, schema in methods["ClientRequest"].items():
        call = by_path[tuple(map(snake, method.split("/")))]
        assert inspect.iscoroutinefunction(call) is (root is AsyncRpc)
        name, params = params_of(definitions, schema)
        signature = inspect.signature(call)
        parameters = dict(signature.parameters)
        del parameters["self"], parameters["timeout_s"]  # which is no argument of the wire
        assert signature.return_annotation == f"v2_all.{response_of(method, name)}"
        if "oneOf" in params:
            assert list(parameters) == ["params"], method
            assert name is not None
            reader.check(parameters["params"], schema, required=True)
            continue
        properties = params.get("properties", {})
        assert set(parameters) == {snake(wire) for wire in properties}, method
        for wire, value in properties.items():
            reader.check(parameters[snake(wire)], value, wire in params.get("required", ()))


def samples(sampler: Sampler, params: Schema) -> list[dict[str, Any]]:
    """Arguments of a call: every one that there is, and only those that must be there."""
    if "oneOf" in params:
        return [{"params": sampler.value(variant)} for variant in params["oneOf"]]
    properties = params.get("properties", {})
    return [
        {wire: sampler.value(properties[wire]) for wire in wires}
        for wires in (properties, params.get("required", ()))
    ]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_every_call_sends_its_params_and_takes_its_response(
    asynchronous: bool, methods: Methods, definitions: dict[str, Schema]
) -> None:
    sampler = Sampler(definitions, seed=7)
    recorder = Recorder(asynchronous)
    root: Any = (AsyncRpc if asynchronous else Rpc)(recorder)  # type: ignore[arg-type]
    for method, schema in methods["ClientRequest"].items():
        name, params = params_of(definitions, schema)
        call = root
        for segment in method.split("/"):
            call = getattr(call, snake(segment))
        for given in samples(sampler, params):
            made = call(**{snake(wire): value for wire, value in given.items()})
            if asynchronous:
                asyncio.run(made)
            request = recorder.requests.pop()
            assert request.method == method
            assert type(request.params) is (getattr(v2_all, name) if name else NoneType)
            if request.params is not None:
                sent = request.params.model_dump(mode="json", by_alias=True, exclude_unset=True)
                assert sent == given.get("params", given), method
        response = response_of(method, name)
        answer = sampler.value(definitions[response])
        decoded = request.decode(method, json.dumps(answer).encode())
        assert type(decoded) is getattr(v2_all, response)
        assert decoded.model_dump(mode="json", by_alias=True, exclude_unset=True) == answer, method


def test_every_response_of_the_schema_is_the_answer_of_a_call(
    methods: Methods, definitions: dict[str, Schema]
) -> None:
    """So that the names above, which the schema only suggests, are the right ones."""
    used = {
        response_of(method, params_of(definitions, schema)[0])
        for method, schema in methods["ClientRequest"].items()
    }
    asked = {
        str(reference(schema)).replace("Params", "Response") for schema in methods["ServerRequest"].values()
    }
    named = {name for name in definitions if name.endswith("Response")} - {"JSONRPCResponse"}
    assert named == used | asked


def test_every_notification_has_its_payload_model(methods: Methods) -> None:
    assert set(PAYLOADS) == set(methods["ServerNotification"])
    for method, schema in methods["ServerNotification"].items():
        assert payload_model(method) is getattr(v2_all, str(reference(schema)))


def test_every_request_of_the_runtime_has_its_models(methods: Methods) -> None:
    assert set(SERVER_REQUESTS) == set(methods["ServerRequest"])
    for method, schema in methods["ServerRequest"].items():
        name, spec = str(reference(schema)), SERVER_REQUESTS[method]
        assert spec.params_model is getattr(v2_all, name)
        assert spec.response_model is getattr(v2_all, name.removesuffix("Params") + "Response")
        assert issubclass(spec.response_model, BaseModel)


@pytest.mark.parametrize(("client", "root"), [(Codex, Rpc), (AsyncCodex, AsyncRpc)])
def test_the_clients_lead_to_the_calls(client: Any, root: type) -> None:
    lazy = object.__new__(client)
    lazy._runtime = None
    assert type(lazy.rpc) is root
