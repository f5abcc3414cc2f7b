"""Arguments are checked in one way, wherever they are given."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import codex_app_server
from codex_app_server import (
    AsyncCodex,
    CodexConfig,
    InvalidInputError,
    InvalidInputTypeError,
    LocalImageInput,
    TextInput,
)
from codex_app_server._outgoing import low_level_requests, requests, stream_requests
from codex_app_server.async_client import AsyncCodexClient
from codex_app_server.client import CodexClient
from codex_app_server.types import SandboxPolicy, ThreadListCwdFilter

WITHOUT_LIMITS: dict[str, Any] = {
    "disable_timeout": False,
    "disable_output_cap": False,
    "timeout_ms": None,
    "output_bytes_cap": None,
    "tty": False,
    "size": None,
    "stream_stdin": False,
}


def turn(**given: Any) -> Any:
    return requests.turn_start("t", given.pop("input", "Go."), approval_mode=None, **given)


def execution(command: Any = ("ls",), *, cwd: Any = None, env: Any = None) -> Any:
    return stream_requests.command_exec(
        command, cwd=cwd, env=env, sandbox=None, permission_profile=None, **WITHOUT_LIMITS
    )


def process(cwd: Any) -> Any:
    return stream_requests.process_spawn(["ls"], cwd=cwd, base=None, env=None, **WITHOUT_LIMITS)


PLACES: dict[str, Callable[[Any], Any]] = {
    "a turn": lambda path: turn(cwd=path),
    "a thread": lambda path: requests.thread_resume("t", approval_mode=None, cwd=path),
    "a list of threads": lambda path: requests.thread_list(cwd_filter=path),
    "several directories of a list": lambda path: requests.thread_list(cwd_filter=[path]),
    "a command": lambda path: execution(cwd=path),
    "a process": process,
    "a watch": lambda path: stream_requests.fs_watch(path, None),
    "a search": lambda path: stream_requests.fuzzy_file_search([path], None),
    "a configuration": lambda path: CodexConfig(cwd=path),
}


@pytest.mark.parametrize("take", PLACES.values(), ids=PLACES)
def test_a_path_is_refused_everywhere_alike(take: Callable[[Any], Any]) -> None:
    for path in ("", "/some\0where"):
        with pytest.raises(InvalidInputError, match=f"must be a path, not {re.escape(repr(path))}"):
            take(path)
    with pytest.raises(InvalidInputTypeError, match="must be a path as a str, not int"):
        take(7)
    take("/nowhere")
    take(Path("/nowhere"))


def test_a_client_handles_at_least_one_request_at_once() -> None:
    with pytest.raises(InvalidInputError, match="max_concurrent_requests must be at least 1, not 0"):
        AsyncCodex(max_concurrent_requests=0)
    AsyncCodex(max_concurrent_requests=1)


def test_a_model_of_another_class_is_no_filter_of_directories() -> None:
    filtered = requests.thread_list(cwd_filter=ThreadListCwdFilter(["/a"]))
    assert filtered.params == {"cwd": ["/a"]}
    with pytest.raises(InvalidInputTypeError, match="cwd must be a path, a list of paths or"):
        requests.thread_list(cwd_filter=SandboxPolicy.model_validate({"type": "dangerFullAccess"}))


@pytest.mark.parametrize(
    ("command", "env", "said"),
    [
        (["ls", "a\0b"], None, "part 2 of command has a NUL character"),
        (["ls"], {"A\0": "x"}, "the name 'A\\x00' in env has a NUL character"),
        (["ls"], {"A": "secret\0"}, "env['A'] has a NUL character"),
        (["ls"], {"": "x"}, "it is empty, or has a '='"),
        (["ls"], {"A=secret": "x"}, "the name that begins with 'A' cannot"),
    ],
)
def test_what_no_program_can_be_started_with_is_refused(command: Any, env: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(said)) as caught:
        execution(command, env=env)
    assert "secret" not in str(caught.value)


def test_a_mapping_is_taken_where_an_object_is_meant() -> None:
    inner = MappingProxyType({"type": "object", "required": ("a",)})
    request = turn(output_schema=MappingProxyType({"a": inner}))
    sent = json.loads(requests.serialise(request) or b"")["outputSchema"]
    assert sent == {"a": {"type": "object", "required": ["a"]}}
    request = requests.thread_resume("t", approval_mode=None, config=MappingProxyType({"model": "other"}))
    assert json.loads(requests.serialise(request) or b"")["config"] == {"model": "other"}
    for wrong in ([("a", 1)], "a"):
        with pytest.raises(InvalidInputTypeError, match="output_schema must be a mapping, not"):
            turn(output_schema=wrong)
    with pytest.raises(InvalidInputTypeError, match="each name in config must be a str, not int"):
        requests.thread_resume("t", approval_mode=None, config={1: 2})


def test_a_sequence_is_taken_where_a_list_is_meant_and_a_text_is_not() -> None:
    assert len(turn(input=(TextInput("a"), TextInput("b"))).params["input"]) == 2
    assert requests.thread_list(model_providers=("a", "b")).params == {"modelProviders": ["a", "b"]}
    with pytest.raises(InvalidInputTypeError, match="model_providers must be a list, not str"):
        requests.thread_list(model_providers="openai")
    assert CodexConfig(config_overrides=["a=1"]).config_overrides == ("a=1",)  # type: ignore[arg-type]
    assert low_level_requests.items((MappingProxyType({"type": "text"}),))
    assert low_level_requests.items(MappingProxyType({"type": "text"})) == [{"type": "text"}]


def test_an_image_whose_path_no_file_can_have_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"LocalImageInput\.path must be a path"):
        turn(input=LocalImageInput("a\0.png"))


@pytest.mark.parametrize("shell", ["Async", ""])
def test_a_handle_needs_a_client_of_its_own_shell_and_ids(shell: str) -> None:
    thread = getattr(codex_app_server, f"{shell}Thread")
    turn = getattr(codex_app_server, f"{shell}TurnHandle")
    low_level: dict[str, Any] = {"Async": AsyncCodexClient, "": CodexClient}
    ours, other = low_level.pop(shell)(), low_level.popitem()[1]()
    for make in (thread, lambda client, id: turn(client, "t", id)):
        for client in (other, "codex", None):
            with pytest.raises(InvalidInputTypeError, match=f"must be {shell}Codex or {shell}CodexClient"):
                make(client, "x")
        with pytest.raises(InvalidInputError, match="id is empty"):
            make(ours, "")
        with pytest.raises(InvalidInputTypeError, match="id must be a str, not NoneType"):
            make(ours, None)
    with pytest.raises(InvalidInputError, match="thread_id is empty"):
        turn(ours, "", "u")
