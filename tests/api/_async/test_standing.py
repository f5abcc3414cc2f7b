"""What clients, threads and handles say of themselves, and that they are not copied."""

from __future__ import annotations

import copy
import os
import pickle
from typing import Any

import pytest

from codex_app_server import (
    AsyncCodex,
    AsyncDeviceCodeLoginHandle,
    AsyncThread,
    AsyncTurnHandle,
    TransportClosedError,
)
from codex_app_server.async_client import AsyncCodexClient
from codex_app_server.requests import ServerRequest
from codex_app_server.testing import Answer, FunctionCall, OfflineModel, Stall
from tests.processes import KILLED_SAYS, kill


async def test_a_client_says_where_it_stands(model: OfflineModel) -> None:
    codex = AsyncCodex(model.config())
    assert repr(codex) == "<AsyncCodex not started>"  # async only
    async with codex:
        assert repr(codex) == f"<AsyncCodex pid={codex.pid} running>"
        assert repr(codex.rpc.thread) == f"<AsyncThreadCalls of a client pid={codex.pid} running>"
    assert repr(codex) == f"<AsyncCodex pid={codex.pid} closed: This client was closed>"


async def test_a_client_says_what_has_ended_its_runtime(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        some = codex.notifications("warning", "turn/completed", thread_id="t")
        assert repr(some) == "<AsyncNotificationStream warning turn/completed thread_id='t' open>"
        events = codex.notifications()
        assert repr(events) == "<AsyncNotificationStream all of no turn open>"
        assert "AsyncCodex.threads" in repr(codex.threads())
        thread = await codex.thread_start()
        assert "AsyncThread.turns" in repr(thread.turns())
        assert "AsyncThread.items" in repr(thread.items())
        kill(codex.pid)
        with pytest.raises(TransportClosedError):
            async for _ in events:
                pass
        ended = f"closed: The Codex runtime exited ({KILLED_SAYS})"
        assert repr(codex) == f"<AsyncCodex pid={codex.pid} {ended}>"
        assert repr(events) == f"<AsyncNotificationStream all of no turn {ended}>"


async def test_a_low_level_client_says_where_it_stands(model: OfflineModel) -> None:
    client = AsyncCodexClient(model.config())
    assert repr(client) == "<AsyncCodexClient not started>"
    async with client:
        assert repr(client) == f"<AsyncCodexClient pid={client.pid} starting>"
        await client.initialize()
        assert repr(client) == f"<AsyncCodexClient pid={client.pid} running>"


async def test_a_turn_says_where_it_stands(model: OfflineModel) -> None:
    model.reset([Answer(Stall())])
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        turn = await thread.turn("Go.")
        events = turn.stream()
        async for event in events:
            if event.method == "turn/started":
                break
        ids = f"id={turn.id!r} thread_id={thread.id!r}"
        assert repr(thread) == f"<AsyncThread id={thread.id!r}, client pid={codex.pid} running>"
        assert repr(turn) == f"<AsyncTurnHandle {ids} running>"
        assert repr(events) == f"<AsyncTurnStream turn_id={turn.id!r} open>"
        assert repr(AsyncTurnHandle(codex, thread.id, "u")).endswith(" not over>")
        await turn.interrupt()
        await turn.result()
        assert repr(turn) == f"<AsyncTurnHandle {ids} over>"
        await events.aclose()
        assert repr(events) == f"<AsyncTurnStream turn_id={turn.id!r} closed>"


async def test_a_turn_that_is_followed_early_says_that_its_client_is_not_started(model: OfflineModel) -> None:
    codex = AsyncCodexClient(model.config())
    turn = AsyncTurnHandle(codex, "t", "u")
    ids = "id='u' thread_id='t'"
    assert repr(turn) == f"<AsyncTurnHandle {ids}, client not started>"
    assert repr(AsyncThread(codex, "t")) == "<AsyncThread id='t', client not started>"
    async with codex:
        await codex.initialize()
        assert repr(turn) == f"<AsyncTurnHandle {ids} not over>"


async def test_other_handles_say_where_they_stand(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        command = await codex.command_exec(["cat", "a-secret"])
        assert repr(command).startswith("<AsyncCommandHandle id=")
        assert "a-secret" not in repr(command)
        await command.aclose()
        assert repr(command).endswith(" closed>")
        watch = await codex.fs_watch(str(model.workspace))
        assert repr(watch) == f"<AsyncFsWatch path={watch.path!r} watching>"
        search = await codex.fuzzy_file_search([str(model.workspace)])
        assert repr(search).endswith(" running>")
        requests = codex.requests(ServerRequest, thread_id="t")
        state = f"client pid={codex.pid} running"
        assert repr(requests) == f"<AsyncRequests ServerRequest thread_id='t' open, {state}>"
        await requests.aclose()
        assert " closed, client " in repr(requests)


async def test_a_goal_says_where_it_stands(model: OfflineModel) -> None:
    model.reset([Answer(FunctionCall("update_goal", {"status": "complete"})), "There."])
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        goal = await thread.goal("Win.")
        assert repr(goal).startswith(f"<AsyncGoalHandle id={goal.id!r} thread_id={thread.id!r} ")
        await goal.run()
        assert repr(goal).endswith(" over>")


async def test_a_route_for_a_goal_says_where_it_stands(model: OfflineModel) -> None:
    async with AsyncCodexClient(model.config()) as client:
        await client.initialize()
        route = client.register_goal_operation("t")
        of = f"client pid={client.pid} running"
        assert repr(route) == f"<AsyncGoalRoute thread_id='t' reserved, {of}>"
        copies(route)
        client.unregister_goal_operation(route)
        assert repr(route) == f"<AsyncGoalRoute thread_id='t' closed, {of}>"


async def test_what_is_official_only_says_where_it_stands(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        state = f"pid={codex.pid} running"
        low_level = codex._client
        assert repr(low_level) == f"<AsyncCodexClient {state}>"
        assert repr(low_level._proc) == f"<RuntimeProcess {state}>"
        copies(low_level._proc)
        view: Any = low_level._sync  # async only
        assert repr(view) == f"<SyncView of {low_level!r}>"  # async only
        copies(view)  # async only


async def test_a_login_shows_neither_address_nor_code(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        owner = codex  # async only
        # sync only: owner = codex._client
        login = AsyncDeviceCodeLoginHandle(owner, "login-7", "https://there.example", "ABCD-EFGH")
        assert repr(login) == "<AsyncDeviceCodeLoginHandle login_id='login-7' waiting>"
        await login.aclose()
        assert repr(login) == "<AsyncDeviceCodeLoginHandle login_id='login-7' closed>"


async def test_what_a_forked_child_has_inherited_says_so(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        read, write = os.pipe()
        child = os.fork()
        if child == 0:  # pragma: no cover - the child's coverage is not collected
            os.write(write, f"{codex!r} {thread!r}".encode())
            os._exit(0)
        os.close(write)
        reap(child)
        inherited = "made before this process was forked"
        said = os.read(read, 4096).decode()
        os.close(read)
        assert said == f"<AsyncCodex {inherited}> <AsyncThread id={thread.id!r}, client {inherited}>"


def reap(child: int) -> None:
    os.waitpid(child, 0)


def copies(bound: Any) -> None:
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(
            TypeError, match=r"cannot be copied or pickled: it is bound to .+ process has\. [A-Z].+"
        ):
            copied(bound)


async def test_what_is_bound_to_a_runtime_is_neither_copied_nor_pickled(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        turn = AsyncTurnHandle(codex, thread.id, "u")
        command = await codex.command_exec(["true"])
        watch = await codex.fs_watch(str(model.workspace))
        search = await codex.fuzzy_file_search([str(model.workspace)])
        handles = [turn, turn.stream_text(), command, watch, search]
        for bound in (codex, AsyncCodexClient(), thread, codex.requests(), codex.notifications(), codex.rpc):
            copies(bound)
        for handle in handles:
            copies(handle)
        with pytest.raises(TypeError, match=r"AsyncThread\(codex, id\), or thread_resume\(id\)"):
            copy.copy(thread)


def test_a_handle_that_was_not_made_has_a_repr() -> None:
    assert repr(AsyncThread.__new__(AsyncThread)) == "<AsyncThread not made yet>"
