"""What begins a stream: the params on the wire, and arguments that are refused before anything is sent."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from codex_app_server import Sandbox
from codex_app_server._incoming import output_chunks
from codex_app_server._outgoing import notification_methods, stream_requests
from codex_app_server._outgoing.requests import Request
from codex_app_server.errors import InvalidInputError, InvalidInputTypeError
from codex_app_server.generated.notifications import PAYLOADS, payload_model
from codex_app_server.generated.requests import REQUESTS
from codex_app_server.models import ThreadNameUpdatedNotification, UnknownNotification
from codex_app_server.types import ThreadItem

PROGRAM: dict[str, Any] = {
    "cwd": None,
    "disable_output_cap": False,
    "disable_timeout": False,
    "env": None,
    "output_bytes_cap": None,
    "size": None,
    "stream_stdin": True,
    "timeout_ms": None,
    "tty": False,
}

# With a drive, where there are drives.
BASE = os.path.abspath("/base")
ELSE = os.path.abspath("/else")


def exec_params(command: Any = ("ls",), **given: Any) -> dict[str, Any]:
    defaults = {**PROGRAM, "sandbox": None, "permission_profile": None}
    stream_request = stream_requests.command_exec(command, **{**defaults, **given})
    return checked(stream_request)


def spawn_params(command: Any = ("ls",), **given: Any) -> dict[str, Any]:
    stream_request = stream_requests.process_spawn(command, **{**PROGRAM, "base": BASE, **given})
    return checked(stream_request)


def params_model(request: Request[Any]) -> type[BaseModel]:
    model = REQUESTS[request.method].params_model
    assert model is not None
    return model


def checked(stream_request: stream_requests.StreamRequest[Any]) -> dict[str, Any]:
    """The params of the request, after a look at what all openings have in common."""
    for request in (stream_request.start, stream_request.stop):
        model = params_model(request)
        model.model_validate(request.params)
        assert isinstance(request.params, dict)
        assert request.params[stream_request.subject] == stream_request.name
        # Every name is the schema's: what is not known to the model would be kept as an extra.
        fields = {field.alias or name for name, field in model.model_fields.items()}
        assert set(request.params) <= fields
    assert stream_request.errand == (
        stream_request.stop.method,
        json.dumps(stream_request.stop.params).encode(),
    )
    assert isinstance(stream_request.start.params, dict)
    return {key: value for key, value in stream_request.start.params.items() if key != stream_request.subject}


STREAMED = {"command": ["ls"], "tty": False, "streamStdin": True, "streamStdoutStderr": True}


def test_what_is_left_out_of_a_command_is_as_the_runtime_has_it() -> None:
    assert exec_params() == STREAMED
    assert spawn_params() == {**STREAMED, "cwd": BASE}


def test_a_command_has_the_fields_of_the_wire() -> None:
    assert exec_params(
        ["sh", "-c", "x"],
        cwd=Path("sub"),
        env={"A": "1", "B": None},
        output_bytes_cap=7,
        sandbox=Sandbox.read_only,
        size=(24, 80),
        stream_stdin=False,
        timeout_ms=0,
        tty=True,
    ) == {
        "command": ["sh", "-c", "x"],
        "cwd": "sub",
        "env": {"A": "1", "B": None},
        "outputBytesCap": 7,
        "sandboxPolicy": {"type": "readOnly", "networkAccess": False},
        "size": {"rows": 24, "cols": 80},
        "streamStdin": False,
        "streamStdoutStderr": True,
        "timeoutMs": 0,
        "tty": True,
    }
    assert exec_params(permission_profile="p")["permissionProfile"] == "p"


def test_no_limit_is_said_in_the_words_of_each_request() -> None:
    unlimited = {"disable_timeout": True, "disable_output_cap": True}
    assert exec_params(**unlimited) == {**STREAMED, "disableTimeout": True, "disableOutputCap": True}
    assert spawn_params(**unlimited) == {
        **STREAMED,
        "cwd": BASE,
        "timeoutMs": None,
        "outputBytesCap": None,
    }


def test_relative_paths_are_taken_from_the_runtimes_directory() -> None:
    assert spawn_params(cwd="sub")["cwd"] == os.path.join(BASE, "sub")
    assert spawn_params(cwd=ELSE)["cwd"] == ELSE
    assert spawn_params(base=None)["cwd"] == os.getcwd()
    assert checked(stream_requests.fs_watch("../x", os.path.join(BASE, "y"))) == {
        "path": os.path.join(BASE, "x")
    }
    roots: list[str | os.PathLike[str]] = [Path("a"), ELSE]
    found = checked(stream_requests.fuzzy_file_search(roots, BASE))
    assert found == {"roots": [os.path.join(BASE, "a"), ELSE]}


def test_every_stream_has_a_name_of_its_own() -> None:
    names = {stream_requests.fs_watch("x", None).name for _ in range(100)}
    assert len(names) == 100


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"command": []}, InvalidInputError),
        ({"command": "ls -l"}, InvalidInputTypeError),
        ({"command": b"ls"}, InvalidInputTypeError),
        ({"command": None}, InvalidInputTypeError),
        ({"command": ["ls", 1]}, InvalidInputTypeError),
        ({"cwd": 1}, InvalidInputTypeError),
        ({"cwd": ""}, InvalidInputError),
        ({"cwd": "a\0b"}, InvalidInputError),
        ({"env": [("A", "1")]}, InvalidInputTypeError),
        ({"env": {"A": 1}}, InvalidInputTypeError),
        ({"env": {1: "A"}}, InvalidInputTypeError),
        ({"output_bytes_cap": -1}, InvalidInputError),
        ({"output_bytes_cap": 1.5}, InvalidInputTypeError),
        ({"output_bytes_cap": True}, InvalidInputTypeError),
        ({"output_bytes_cap": 1, "disable_output_cap": True}, InvalidInputError),
        ({"timeout_ms": -1}, InvalidInputError),
        ({"timeout_ms": "1"}, InvalidInputTypeError),
        ({"timeout_ms": 1, "disable_timeout": True}, InvalidInputError),
        ({"disable_timeout": 1}, InvalidInputTypeError),
        ({"tty": 1}, InvalidInputTypeError),
        ({"stream_stdin": None}, InvalidInputTypeError),
        ({"size": (24, 80)}, InvalidInputError),
        ({"size": (24, 80, 1), "tty": True}, InvalidInputTypeError),
        ({"size": "24x80", "tty": True}, InvalidInputTypeError),
        ({"size": (0, 80), "tty": True}, InvalidInputError),
        ({"size": (24, 65536), "tty": True}, InvalidInputError),
        ({"size": (24, 80.0), "tty": True}, InvalidInputTypeError),
    ],
    ids=str,
)
def test_an_argument_that_makes_no_sense_is_refused(given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        exec_params(**given)
    with pytest.raises(error):
        spawn_params(**given)


def test_arguments_that_only_one_of_them_has_are_refused_too() -> None:
    with pytest.raises(InvalidInputError, match="exclude each other"):
        exec_params(sandbox=Sandbox.read_only, permission_profile="p")
    with pytest.raises(InvalidInputError, match=r"Sandbox\.read_only"):
        exec_params(sandbox="read_only")
    with pytest.raises(InvalidInputTypeError):
        exec_params(permission_profile=1)
    for path in (None, 1, b"x"):
        with pytest.raises(InvalidInputTypeError):
            stream_requests.fs_watch(path, None)  # type: ignore[arg-type]
    for roots in ("x", None, {"x"}, [1]):
        with pytest.raises(InvalidInputTypeError):
            stream_requests.fuzzy_file_search(roots, None)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputTypeError):
        stream_requests.fuzzy_file_search_update("s", 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "methods", [stream_requests.COMMAND, stream_requests.PROCESS], ids=lambda one: one.start
)
def test_input_and_size_go_on_the_wire_as_the_schema_has_them(
    methods: stream_requests.ProgramMethods,
) -> None:
    requests = [
        stream_requests.write(methods, "p", b"\0\xff"),
        stream_requests.write(methods, "p", memoryview(b"")),
        stream_requests.write(methods, "p", None),
        stream_requests.resize(methods, "p", 1, 65535),
    ]
    for request in requests:
        params_model(request).model_validate(request.params)
        assert isinstance(request.params, dict)
        assert request.params.pop(methods.subject) == "p"
    assert [request.params for request in requests] == [
        {"deltaBase64": "AP8="},
        {"deltaBase64": ""},
        {"closeStdin": True},
        {"size": {"rows": 1, "cols": 65535}},
    ]
    with pytest.raises(InvalidInputTypeError):
        stream_requests.write(methods, "p", "text")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        stream_requests.resize(methods, "p", 0, 1)


# --- kinds of notifications


def test_kinds_are_names_and_classes_of_payloads(caplog: pytest.LogCaptureFixture) -> None:
    assert notification_methods.methods([]) is None
    assert notification_methods.methods(["warning", ThreadNameUpdatedNotification]) == [
        "warning",
        "thread/name/updated",
    ]
    assert caplog.text == ""
    assert notification_methods.methods(["brand/new"]) == ["brand/new"]
    assert "'brand/new' is no notification that this version knows" in caplog.text
    notification_methods.methods(["turn/complete"])
    assert "did you mean 'turn/completed'?" in caplog.text
    caplog.clear()


def test_every_payload_class_stands_for_all_its_methods() -> None:
    for method in PAYLOADS:
        model = payload_model(method)
        assert model is not None
        found = notification_methods.methods([model])
        assert found is not None
        assert method in found
        assert {payload_model(one) for one in found} == {model}
    several = payload_model("thread/environment/connected")
    assert notification_methods.methods([several]) == [
        "thread/environment/connected",
        "thread/environment/disconnected",
    ]


def test_a_kind_that_makes_no_sense_is_refused() -> None:
    namesake = type("ThreadNameUpdatedNotification", (), {})
    for unknown in (ThreadItem, UnknownNotification, str, namesake, ""):
        with pytest.raises(InvalidInputError):
            notification_methods.methods([unknown])
    for wrong in (1, None, ["turn/completed"], UnknownNotification({})):
        with pytest.raises(InvalidInputTypeError):
            notification_methods.methods([wrong])


# --- output


def output(**params: Any) -> Any:
    (event,) = output_chunks.decoder().decode("command/exec/outputDelta", [json.dumps(params).encode()])
    return event.payload


def test_output_is_bytes() -> None:
    chunk = output(processId="p", stream="stderr", deltaBase64="AP8=", capReached=True)
    assert chunk == output_chunks.OutputChunk("stderr", b"\0\xff", True)
    assert output(stream="future", deltaBase64="") == output_chunks.OutputChunk("future", b"", False)


@pytest.mark.parametrize(
    "params", [{"stream": "stdout"}, {"stream": "stdout", "deltaBase64": "%"}, {"deltaBase64": 7}, [], None]
)
def test_output_of_another_shape_keeps_its_raw_data(params: Any) -> None:
    (event,) = output_chunks.decoder().decode("process/outputDelta", [json.dumps(params).encode()])
    assert event.method == "process/outputDelta"
    assert event.payload == UnknownNotification(params)
