"""Calls that type checkers accept, with what they know of the answers. Checked, never run."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from typing_extensions import assert_type

from codex_app_server import OMIT, AsyncCodex, Codex, InitializeResponse, Omit, Sandbox, TurnStatus
from codex_app_server.generated.v2_all import (
    AbsolutePathBuf,
    AskForApproval,
    CommandExecResponse,
    CommandExecTerminalSize,
    FsReadFileResponse,
    LoginAccountResponse,
    SandboxMode,
    SandboxPolicy,
    SortDirection,
    TextUserInput,
    ThreadListResponse,
    ThreadSourceKind,
    ThreadTurnsListResponse,
    TurnStartResponse,
    UserInput,
    WindowsSandboxReadinessResponse,
)


class Tide(BaseModel):
    high_at: int


def sync(codex: Codex, kinds: list[ThreadSourceKind], inputs: list[UserInput], name: str | Omit) -> None:
    assert_type(codex.rpc.fs.read_file(path="/etc/hostname"), FsReadFileResponse)
    assert_type(codex.rpc.fs.read_file(path=AbsolutePathBuf("/etc/hostname")), FsReadFileResponse)
    assert_type(codex.rpc.command.exec(command=["ls"], env={"A": None}), CommandExecResponse)
    codex.rpc.command.exec(command=["ls"], size=CommandExecTerminalSize(rows=20, cols=80))
    codex.rpc.command.exec(command=["ls"], size={"rows": 20, "cols": 80}, cwd=None)
    codex.rpc.command.exec.terminate(process_id="p")
    assert_type(codex.rpc.thread.list(sort_direction=SortDirection.asc), ThreadListResponse)
    codex.rpc.thread.list(sort_direction="asc", source_kinds=["cli", "vscode"], cwd=["/a"])
    codex.rpc.thread.list(sort_direction=None, source_kinds=kinds, cwd=OMIT)
    codex.rpc.thread.metadata.update(thread_id="t", project_id=name, git_info={"sha": None})
    assert_type(codex.rpc.thread.turns.list(thread_id="t", limit=None), ThreadTurnsListResponse)
    assert_type(codex.rpc.turn.start(thread_id="t", input=inputs), TurnStartResponse)
    codex.rpc.turn.start(thread_id="t", input=[UserInput(TextUserInput(type="text", text="hi"))])
    codex.rpc.turn.start(thread_id="t", input=[{"type": "text", "text": "hi"}])
    assert_type(codex.rpc.windows_sandbox.readiness(), WindowsSandboxReadinessResponse)
    assert_type(codex.rpc.account.login.start(params={"type": "chatgpt"}), LoginAccountResponse)
    assert_type(codex.request("tide/predict"), Any)
    assert_type(codex.request("tide/predict", {"day": 1}), Any)
    assert_type(codex.request("tide/predict", {"day": 1}, Tide), Tide)
    assert_type(codex.request("tide/predict", Tide(high_at=1), response_model=Tide), Tide)
    assert_type(codex.request("tide/predict", response_model=Tide), Tide)


async def asynchronous(codex: AsyncCodex) -> None:
    assert_type(await codex.rpc.fs.read_file(path="/etc/hostname"), FsReadFileResponse)
    assert_type(await codex.rpc.command.exec(command=["ls"]), CommandExecResponse)
    assert_type(await codex.rpc.thread.list(limit=3), ThreadListResponse)
    assert_type(await codex.request("tide/predict", None), Any)
    assert_type(await codex.request("tide/predict", {"day": 1}, Tide), Tide)


def older_names(codex: Codex, never: AskForApproval, policy: SandboxPolicy) -> None:
    assert_type(codex.metadata, InitializeResponse)
    thread = codex.thread_start(approval_policy=never, sandbox=SandboxMode.read_only)
    assert_type(thread.run("Hi.", approval_policy=never, sandbox_policy=policy).status, TurnStatus)
    thread.run("Hi.", sandbox=Sandbox.read_only)
