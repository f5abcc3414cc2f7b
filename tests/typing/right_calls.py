"""Calls that type checkers accept, with what they know of the answers. Checked, never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typing_extensions import assert_type

import codex_app_server
from codex_app_server import (
    OMIT,
    AsyncCodex,
    Codex,
    CodexConfig,
    InitializeResponse,
    Omit,
    Rpc,
    Sandbox,
    TurnStatus,
    types,
)
from codex_app_server.client import CodexClient
from codex_app_server.generated.literals import ApprovalModeLiteral, SandboxLiteral
from codex_app_server.generated.v2_all import (
    AbsolutePathBuf,
    AgentMessageThreadItem,
    AskForApproval,
    CommandExecResponse,
    CommandExecTerminalSize,
    FsReadFileResponse,
    LoginAccountResponse,
    Personality,
    ReasoningEffort,
    SandboxMode,
    SandboxPolicy,
    SortDirection,
    TextUserInput,
    ThreadItem,
    ThreadListResponse,
    ThreadSortKey,
    ThreadSourceKind,
    ThreadTurnsListResponse,
    TurnStartResponse,
    UnknownThreadItem,
    UserInput,
    WindowsSandboxReadinessResponse,
)
from codex_app_server.testing import OfflineModel


class Tide(BaseModel):
    high_at: int


def sync(codex: Codex, kinds: list[ThreadSourceKind], inputs: list[UserInput], name: str | Omit) -> None:
    calls: Rpc = codex.rpc
    assert_type(calls.fs.read_file(path="/etc/hostname"), FsReadFileResponse)
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


def texts_for_enums(codex: Codex, kinds: list[ThreadSourceKind]) -> None:
    thread = codex.thread_start(approval_mode="ask", sandbox="read-only", personality="none")
    thread.run("Hi.", effort="low", summary="auto", approval_mode="deny_all", sandbox="full-access")
    thread.turn("Hi.", effort=ReasoningEffort("new"), approval_policy="never", approvals_reviewer="user")
    codex.thread_list(sort_key="created_at", sort_direction="asc", source_kinds=["cli", "vscode"])
    codex.thread_list(sort_key=ThreadSortKey.created_at, source_kinds=kinds)
    codex.thread_list(source_kinds=(ThreadSourceKind.cli, "exec"))
    codex.command_exec(["ls"], sandbox="danger-full-access")
    codex.thread_list(model_providers=("openai",))
    codex.threads(sort_key="updated_at", sort_direction="desc", source_kinds=("cli",), model_providers=("a",))
    thread.resume(sandbox="read-only", approval_mode="ask", personality="friendly")
    thread.resume(approval_policy="never", approvals_reviewer="user")
    thread.fork(sandbox="read-only", approval_mode="ask", thread_source="user")
    thread.fork(approval_policy="never", approvals_reviewer="user")
    thread.turns(sort_direction="asc", items_view="full")
    thread.items(sort_direction="desc")


async def texts_for_enums_async(codex: AsyncCodex) -> None:
    thread = await codex.thread_resume("t", approval_mode="ask", sandbox="workspace-write")
    await thread.run("Hi.", effort="low", personality=Personality.none)


def variants(item: ThreadItem) -> str:
    root = item.root
    if isinstance(root, AgentMessageThreadItem):
        return root.text
    if root.type == "plan":
        return root.text
    if isinstance(root, UnknownThreadItem):
        assert_type(root.anything, Any)
        return ""
    return root.id


def paths(codex: Codex, model: OfflineModel) -> None:
    where = Path("/opt")
    CodexConfig(codex_bin=where / "codex", cwd=where)
    model.config(cwd=where)
    thread = codex.thread_start(cwd=where)
    codex.thread_resume(thread.id, cwd=where)
    codex.thread_fork(thread.id, cwd=where)
    thread.resume(cwd=where)
    thread.fork(cwd=where)
    thread.run("Go.", cwd=where)
    thread.turn("Go.", cwd=where)
    codex.threads(cwd=where)
    codex.thread_list(cwd=["/a", where])


def modules() -> None:
    assert_type(codex_app_server.client.CodexClient(), CodexClient)
    assert_type(codex_app_server.api.Codex(), Codex)


def wrapped(codex: Codex, sandbox: SandboxLiteral, approval_mode: ApprovalModeLiteral) -> list[types.Thread]:
    codex.thread_start(sandbox=sandbox, approval_mode=approval_mode)
    return list(codex.threads())
