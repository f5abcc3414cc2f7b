"""The first documents of this API, each as the programs that it shows, on the offline model.

What the newest of them changed leads; the older names stay.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from collections.abc import Sequence
from typing import Any

import pytest

import codex_app_server
from codex_app_server import AsyncCodex, Codex
from codex_app_server.models import JsonObject
from codex_app_server.testing import Answer, Message, OfflineModel

HIGH: JsonObject = {"model_reasoning_effort": "high"}


@pytest.fixture(autouse=True)
def surroundings(model: OfflineModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Codex()` without a configuration starts a runtime that talks to the offline model."""
    for name, value in model.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(model.workspace)


def test_getting_started_with_turns_that_are_run() -> None:
    from codex_app_server import TextInput
    from codex_app_server.generated.v2_all import ThreadReadResponse, Turn, TurnStatus

    with Codex() as codex:
        server = codex.metadata.serverInfo
        assert server is not None
        assert (server.name, bool(server.version)) == ("codex_python_sdk", True)

        thread = codex.thread_start(model="gpt-5.4", config=HIGH)
        first = thread.turn(TextInput("Say hello in one sentence.")).run()
        assert first.id
        assert first.status is TurnStatus.completed is codex_app_server.TurnStatus.completed
        assert len(first.items or []) == 2
        second = thread.turn(TextInput("Now explain it.")).run()
        assert second.id != first.id
        read = thread.read(include_turns=True)
        assert isinstance(read, ThreadReadResponse)
        assert all(isinstance(turn, Turn) for turn in read.thread.turns)

    with Codex() as codex:
        resumed = codex.thread_resume(thread.id).turn(TextInput("Continue where we left off.")).run()
        assert resumed.status is TurnStatus.completed


def test_getting_started_without_threads() -> None:
    from codex_app_server import TextInput

    async def main() -> None:
        async with AsyncCodex() as codex:
            thread = await codex.thread_start(model="gpt-5.4", config=HIGH)
            turn = await thread.turn(TextInput("Continue where we left off."))
            completed_turn = await turn.run()
            assert completed_turn.status is codex_app_server.TurnStatus.completed

    asyncio.run(main())


PARAMETERS = {
    "thread_start": "approval_policy base_instructions config cwd developer_instructions ephemeral model "
    "model_provider personality sandbox",
    "thread_list": "archived cursor cwd limit model_providers sort_key source_kinds",
    "thread_resume": "thread_id approval_policy base_instructions config cwd developer_instructions model "
    "model_provider personality sandbox",
    "thread_fork": "thread_id approval_policy base_instructions config cwd developer_instructions ephemeral "
    "model model_provider sandbox",
    "thread_archive": "thread_id",
    "thread_unarchive": "thread_id",
    "models": "include_hidden",
    "close": "",
    "metadata": None,
    "turn": "input approval_policy cwd effort model output_schema personality sandbox_policy summary",
    "read": "include_turns",
    "set_name": "name",
    "compact": "",
    "steer": "input",
    "interrupt": "",
    "stream": "",
    "run": "",
}
HOLDERS = {
    "Codex": [*PARAMETERS][:9],
    "Thread": ["turn", "read", "set_name", "compact"],
    "TurnHandle": ["steer", "interrupt", "stream", "run"],
}


@pytest.mark.parametrize("twin", ["", "Async"])
@pytest.mark.parametrize("holder", HOLDERS)
def test_the_reference_names_calls_that_are_here(holder: str, twin: str) -> None:
    found = getattr(codex_app_server, twin + holder)
    for name in HOLDERS[holder]:
        told = PARAMETERS[name]
        if told is None:
            assert isinstance(inspect.getattr_static(found, name), property)
            continue
        parameters = inspect.signature(getattr(found, name)).parameters
        assert set(told.split()) <= set(parameters), name
        required = {each for each, one in parameters.items() if one.default is one.empty} - {"self"}
        assert required <= {"thread_id", "input", "name"}


def test_the_reference_names_types_that_are_here() -> None:
    from codex_app_server import (
        AppServerClient,
        AppServerConfig,
        AsyncAppServerClient,
        CodexConfig,
        ImageInput,
        InitializeResponse,
        Input,
        InputItem,
        InvalidParamsError,
        JsonRpcError,
        LocalImageInput,
        MentionInput,
        MethodNotFoundError,
        ServerBusyError,
        SkillInput,
        TextInput,
        TurnStatus,
        async_client,
        client,
        is_retryable_error,
        retry,
        retry_on_overload,
        types,
    )
    from codex_app_server.generated.v2_all import AskForApproval, ThreadItem, TurnStartParams

    assert AppServerConfig is CodexConfig
    assert AppServerClient is client.CodexClient
    assert AsyncAppServerClient is async_client.AsyncCodexClient
    assert InitializeResponse is types.InitializeResponse
    assert TurnStatus is types.TurnStatus
    assert retry_on_overload is retry.retry_on_overload
    assert InputItem == TextInput | ImageInput | LocalImageInput | SkillInput | MentionInput
    assert Input == Sequence[InputItem] | InputItem
    for kind, fields in (
        (TextInput, ["text"]),
        (ImageInput, ["url"]),
        (LocalImageInput, ["path"]),
        (SkillInput, ["name", "path"]),
        (MentionInput, ["name", "path"]),
    ):
        assert [field.name for field in dataclasses.fields(kind)] == fields
    for error in (MethodNotFoundError, InvalidParamsError, ServerBusyError):
        assert issubclass(error, JsonRpcError)
    assert is_retryable_error(ServerBusyError(-32001, "busy"))
    assert TurnStartParams.model_fields.keys() >= {"thread_id", "input", "approval_policy"}
    assert AskForApproval is types.AskForApproval
    assert ThreadItem is types.ThreadItem


def test_the_reference_has_policies_for_threads_and_turns(model: OfflineModel) -> None:
    from codex_app_server import TextInput
    from codex_app_server.generated.v2_all import AskForApproval, SandboxMode, SandboxPolicy

    never = AskForApproval.model_validate("never")
    with Codex() as codex:
        assert isinstance(codex.metadata, codex_app_server.InitializeResponse)
        thread = codex.thread_start(approval_policy=never, sandbox=SandboxMode.read_only, ephemeral=False)
        policy = SandboxPolicy.model_validate({"type": "dangerFullAccess"})
        turn = thread.turn(TextInput("Say hello."), approval_policy=never, sandbox_policy=policy)
        assert [event.method for event in turn.stream()][-1] == "turn/completed"
        thread.set_name("older")
        directory = str(model.workspace)
        listed: Any = codex.thread_list(archived=False, cwd=directory, limit=5)
        assert [one.name for one in listed.data] == ["older"]
        fork = codex.thread_fork(thread.id, approval_policy=never, sandbox=SandboxMode.workspace_write)
        assert fork.read().thread.id == fork.id
        codex.thread_archive(thread.id)
        assert codex.thread_unarchive(thread.id).id == thread.id
        assert codex.models().data


def test_a_thread_is_run_with_a_plain_text(model: OfflineModel) -> None:
    from codex_app_server import AppServerConfig, RunInput, RunResult, TurnResult
    from codex_app_server.retry import retry_on_overload

    assert RunResult is TurnResult
    assert str in getattr(RunInput, "__args__", ())
    with Codex(AppServerConfig(codex_bin=None)) as codex:
        thread = codex.thread_start(model="gpt-5")
        result: RunResult = retry_on_overload(lambda: thread.run("Say hello in one sentence."))
        assert result.final_response == "Say hello in one sentence."
        assert len(result.items) == 2
        assert result.usage is not None
        model.reset(Answer(Message("Only a remark.", phase="commentary")))
        assert thread.run("And now?").final_response is None

    async def main() -> None:
        async with AsyncCodex() as codex:
            thread = await codex.thread_start(model="gpt-5")
            assert (await thread.run("Say hello.")).status is codex_app_server.TurnStatus.completed

    asyncio.run(main())


def test_one_client_streams_many_turns_at_once(model: OfflineModel) -> None:
    with Codex() as codex:
        model.hold()
        turns = [codex.thread_start().turn(f"number {number}") for number in range(3)]
        model.wait_for_requests(3)
        model.release()
        streams = [turn.stream() for turn in reversed(turns)]
        seen = [
            [event for event in stream if event.method == "item/agentMessage/delta"] for stream in streams
        ]
    texts = ["".join(str(getattr(event.payload, "delta", "")) for event in events) for events in seen]
    assert texts == ["number 2", "number 1", "number 0"]


def test_a_handle_that_is_run_has_the_whole_result() -> None:
    from codex_app_server import TurnResult
    from codex_app_server.types import TurnError

    with Codex() as codex:
        result = codex.thread_start(model="gpt-5").turn("Say hello in one sentence.").run()
    assert isinstance(result, TurnResult)
    assert result.final_response == "Say hello in one sentence."
    assert [item.root.type for item in result.items] == ["userMessage", "agentMessage"]
    assert result.error is None
    assert result.started_at is not None
    assert result.completed_at is not None
    assert result.duration_ms is not None
    assert TurnError(message="x").message == "x"
