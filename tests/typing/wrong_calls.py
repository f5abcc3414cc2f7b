"""Calls that type checkers refuse, each for the reason in its mark. Checked, never run."""

from __future__ import annotations

from codex_app_server import AsyncCodex, Codex
from codex_app_server.generated.v2_all import SortDirection, ThreadListResponse


def sync(codex: Codex) -> None:
    codex.rpc.fs.read_file()  # type: ignore[call-arg]
    codex.rpc.fs.read_file("/a")  # type: ignore[call-arg]
    codex.rpc.fs.read_file(path="/a", follow=True)  # type: ignore[call-arg]
    codex.rpc.fs.read_file(path=3)  # type: ignore[arg-type]
    codex.rpc.fs.read_file(path=None)  # type: ignore[arg-type]
    codex.rpc.fs.open(path="/a")  # type: ignore[attr-defined]
    codex.rpc.command.exec(command="ls")  # type: ignore[arg-type]
    codex.rpc.command.exec(command=["ls"], size="80x20")  # type: ignore[arg-type]
    codex.rpc.command.exec(command=["ls"], tty=None)  # type: ignore[arg-type]
    codex.rpc.thread.list(sort_direction="up")  # type: ignore[arg-type]
    codex.rpc.thread.list(source_kinds=["nobody"])  # type: ignore[list-item]
    codex.rpc.thread.list(limit="3")  # type: ignore[arg-type]
    codex.rpc.thread.turns.list(thread_id="t", items_view="all")  # type: ignore[arg-type]
    codex.rpc.account.login.start(type="chatgpt")  # type: ignore[call-arg]
    codex.rpc.windows_sandbox.readiness(verbose=True)  # type: ignore[call-arg]
    codex.rpc.fs.read_file(path="/a").content  # type: ignore[attr-defined]  # noqa: B018
    codex.request(3)  # type: ignore[call-overload]
    codex.request("a/b", 3)  # type: ignore[call-overload]
    codex.request("a/b", None, dict)  # type: ignore[type-var]


async def asynchronous(codex: AsyncCodex) -> None:
    page: ThreadListResponse = codex.rpc.thread.list()  # type: ignore[assignment]
    print(page)
    await codex.rpc.fs.read_file(path=3)  # type: ignore[arg-type]


def texts_for_enums(codex: Codex) -> None:
    thread = codex.thread_start(personality="rude")  # type: ignore[arg-type]
    codex.thread_start(sandbox="readOnly")  # type: ignore[arg-type]
    codex.thread_start(approval_mode="never")  # type: ignore[arg-type]
    codex.thread_list(source_kinds=["web"])  # type: ignore[list-item]
    codex.thread_list(source_kinds="cli")  # type: ignore[arg-type]
    codex.thread_list(sort_key=SortDirection.asc)  # type: ignore[arg-type]
    thread.run("Hi.", effort="enormous")  # type: ignore[call-overload]
    thread.turn("Hi.", summary="long")  # type: ignore[call-overload]
    codex.command_exec(["ls"], sandbox="none")  # type: ignore[arg-type]
