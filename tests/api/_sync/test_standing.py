# Made from _async/test_standing.py by `python scripts/make_sync.py`; do not edit.

"""What clients, threads and handles say of themselves, and that they are not copied."""

from __future__ import annotations

import copy
import os
import pickle
from typing import Any

import pytest

from codex_app_server import (
    Codex,
    DeviceCodeLoginHandle,
    Thread,
    TransportClosedError,
    TurnHandle,
)
from codex_app_server.client import CodexClient
from codex_app_server.requests import ServerRequest
from codex_app_server.testing import Answer, FunctionCall, OfflineModel, Stall
from tests.processes import KILLED_SAYS, kill


def test_a_client_says_where_it_stands(model: OfflineModel) -> None:
    codex = Codex(model.config())
    with codex:
        assert repr(codex) == f"<Codex pid={codex.pid} running>"
        assert repr(codex.rpc.thread) == f"<ThreadCalls of a client pid={codex.pid} running>"
    assert repr(codex) == f"<Codex pid={codex.pid} closed: This client was closed>"


def test_a_client_says_what_has_ended_its_runtime(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        some = codex.notifications("warning", "turn/completed", thread_id="t")
        assert repr(some) == "<NotificationStream warning turn/completed thread_id='t' open>"
        events = codex.notifications()
        assert repr(events) == "<NotificationStream all of no turn open>"
        assert "Codex.threads" in repr(codex.threads())
        thread = codex.thread_start()
        assert "Thread.turns" in repr(thread.turns())
        assert "Thread.items" in repr(thread.items())
        kill(codex.pid)
        with pytest.raises(TransportClosedError):
            for _ in events:
                pass
        ended = f"closed: The Codex runtime exited ({KILLED_SAYS})"
        assert repr(codex) == f"<Codex pid={codex.pid} {ended}>"
        assert repr(events) == f"<NotificationStream all of no turn {ended}>"


def test_a_low_level_client_says_where_it_stands(model: OfflineModel) -> None:
    client = CodexClient(model.config())
    assert repr(client) == "<CodexClient not started>"
    with client:
        assert repr(client) == f"<CodexClient pid={client.pid} starting>"
        client.initialize()
        assert repr(client) == f"<CodexClient pid={client.pid} running>"


def test_a_turn_says_where_it_stands(model: OfflineModel) -> None:
    model.reset([Answer(Stall())])
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        turn = thread.turn("Go.")
        events = turn.stream()
        for event in events:
            if event.method == "turn/started":
                break
        ids = f"id={turn.id!r} thread_id={thread.id!r}"
        assert repr(thread) == f"<Thread id={thread.id!r}, client pid={codex.pid} running>"
        assert repr(turn) == f"<TurnHandle {ids} running>"
        assert repr(events) == f"<TurnStream turn_id={turn.id!r} open>"
        assert repr(TurnHandle(codex, thread.id, "u")).endswith(" not over>")
        turn.interrupt()
        turn.result()
        assert repr(turn) == f"<TurnHandle {ids} over>"
        events.close()
        assert repr(events) == f"<TurnStream turn_id={turn.id!r} closed>"


def test_a_turn_that_is_followed_early_says_that_its_client_is_not_started(model: OfflineModel) -> None:
    codex = CodexClient(model.config())
    turn = TurnHandle(codex, "t", "u")
    ids = "id='u' thread_id='t'"
    assert repr(turn) == f"<TurnHandle {ids}, client not started>"
    assert repr(Thread(codex, "t")) == "<Thread id='t', client not started>"
    with codex:
        codex.initialize()
        assert repr(turn) == f"<TurnHandle {ids} not over>"


def test_other_handles_say_where_they_stand(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        command = codex.command_exec(["cat", "a-secret"])
        assert repr(command).startswith("<CommandHandle id=")
        assert "a-secret" not in repr(command)
        command.close()
        assert repr(command).endswith(" closed>")
        watch = codex.fs_watch(str(model.workspace))
        assert repr(watch) == f"<FsWatch path={watch.path!r} watching>"
        search = codex.fuzzy_file_search([str(model.workspace)])
        assert repr(search).endswith(" running>")
        requests = codex.requests(ServerRequest, thread_id="t")
        state = f"client pid={codex.pid} running"
        assert repr(requests) == f"<Requests ServerRequest thread_id='t' open, {state}>"
        requests.close()
        assert " closed, client " in repr(requests)


def test_a_goal_says_where_it_stands(model: OfflineModel) -> None:
    model.reset([Answer(FunctionCall("update_goal", {"status": "complete"})), "There."])
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        goal = thread.goal("Win.")
        assert repr(goal).startswith(f"<GoalHandle id={goal.id!r} thread_id={thread.id!r} ")
        goal.run()
        assert repr(goal).endswith(" over>")


def test_a_route_for_a_goal_says_where_it_stands(model: OfflineModel) -> None:
    with CodexClient(model.config()) as client:
        client.initialize()
        route = client.register_goal_operation("t")
        of = f"client pid={client.pid} running"
        assert repr(route) == f"<GoalRoute thread_id='t' reserved, {of}>"
        copies(route)
        client.unregister_goal_operation(route)
        assert repr(route) == f"<GoalRoute thread_id='t' closed, {of}>"


def test_what_is_official_only_says_where_it_stands(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        state = f"pid={codex.pid} running"
        low_level = codex._client
        assert repr(low_level) == f"<CodexClient {state}>"
        assert repr(low_level._proc) == f"<RuntimeProcess {state}>"
        copies(low_level._proc)


def test_a_login_shows_neither_address_nor_code(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        owner = codex._client
        login = DeviceCodeLoginHandle(owner, "login-7", "https://there.example", "ABCD-EFGH")
        assert repr(login) == "<DeviceCodeLoginHandle login_id='login-7' waiting>"
        login.close()
        assert repr(login) == "<DeviceCodeLoginHandle login_id='login-7' closed>"


def test_what_a_forked_child_has_inherited_says_so(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
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
        assert said == f"<Codex {inherited}> <Thread id={thread.id!r}, client {inherited}>"


def reap(child: int) -> None:
    os.waitpid(child, 0)


def copies(bound: Any) -> None:
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(
            TypeError, match=r"cannot be copied or pickled: it is bound to .+ process has\. [A-Z].+"
        ):
            copied(bound)


def test_what_is_bound_to_a_runtime_is_neither_copied_nor_pickled(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        turn = TurnHandle(codex, thread.id, "u")
        command = codex.command_exec(["true"])
        watch = codex.fs_watch(str(model.workspace))
        search = codex.fuzzy_file_search([str(model.workspace)])
        handles = [turn, turn.stream_text(), command, watch, search]
        for bound in (codex, CodexClient(), thread, codex.requests(), codex.notifications(), codex.rpc):
            copies(bound)
        for handle in handles:
            copies(handle)
        with pytest.raises(TypeError, match=r"Thread\(codex, id\), or thread_resume\(id\)"):
            copy.copy(thread)


def test_a_handle_that_was_not_made_has_a_repr() -> None:
    assert repr(Thread.__new__(Thread)) == "<Thread not made yet>"
