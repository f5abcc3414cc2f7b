"""Goals whose task is cancelled, at each stage: the runtime works on nothing that nobody waits for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from codex_app_server import AsyncCodex
from codex_app_server.generated.v2_all import ThreadGoalStatus
from codex_app_server.testing import Answer, OfflineModel, Stall
from tests.api._async.concurrency import expected
from tests.api._async.test_goals import goal_of, scripted, updated
from tests.leaks import assert_idle
from tests.peer import ScriptedPeer, event


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_run_pauses_the_goal_and_stops_its_turn(model: OfflineModel) -> None:
    model.reset(Answer("Hm", Stall()))
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        async with codex.notifications("turn/completed", thread_id=thread.id) as ends:
            task = asyncio.create_task(thread.run_goal("Win."))
            await model.wait_for_requests_async(1)
            await cancelled(task)
            await ends.__anext__()
        goal = (await codex.rpc.thread.goal.get(thread_id=thread.id)).goal
        assert goal is not None
        assert goal.status is ThreadGoalStatus.paused
        assert_idle(codex.stats)


async def test_a_goal_cancelled_at_any_moment_leaves_no_turn_running(model: OfflineModel) -> None:
    model.reset(lambda request: Answer("Hm", Stall()))
    async with AsyncCodex(model.config()) as codex:
        for pause_ms in range(0, 40, 4):
            thread = await codex.thread_start()
            async with codex.notifications("thread/status/changed", thread_id=thread.id) as statuses:
                task = asyncio.create_task(thread.run_goal("Win."))
                await asyncio.sleep(pause_ms / 1000)
                await cancelled(task)
                status = (await thread.read()).thread.status.root.type
                while status == "active":
                    status = (await statuses.__anext__()).payload.status.root.type  # type: ignore[union-attr]
            assert status == "idle"


async def test_a_run_cancelled_at_any_moment_leaves_no_turn_running(model: OfflineModel) -> None:
    model.reset(lambda request: Answer("Hm", Stall()))
    async with AsyncCodex(model.config()) as codex:
        for pause_ms in range(0, 30, 2):
            thread = await codex.thread_start(ephemeral=True)
            async with codex.notifications("turn/completed", "turn/started", thread_id=thread.id) as news:
                task = asyncio.create_task(thread.run("Go on."))
                await asyncio.sleep(pause_ms / 1000)
                sent = codex.stats()["turns_starting"] or codex.stats()["turns_routed"]
                await cancelled(task)
                while sent and (await news.__anext__()).method != "turn/completed":
                    pass


@pytest.mark.parametrize("stage", ["reading", "clearing", "setting", "waiting", "running"])
async def test_a_goal_cancelled_at_any_stage_leaves_nothing(stage: str, peer: ScriptedPeer) -> None:
    config = scripted(peer)
    methods = {"reading": "thread/read", "clearing": "thread/goal/clear"}
    peer.answers.pop(methods.get(stage, "thread/goal/set"))
    async with AsyncCodex(config) as codex:
        thread = await codex.thread_start()
        task = asyncio.create_task(thread.run_goal("Win."))
        request = await expected(peer, methods.get(stage, "thread/goal/set"))
        begun = stage in {"setting", "waiting", "running"}
        if stage in {"waiting", "running"}:
            peer.answer(request, {"goal": goal_of("active")})
            await codex.rpc.thread.goal.clear(thread_id="t")  # the answer before this one was routed
        if stage == "running":
            peer.send(updated("active"), event("turn/started", "t", "u"))
            await codex.rpc.thread.goal.clear(thread_id="t")
            await asyncio.sleep(0)
        await cancelled(task)
        if begun:
            assert (await expected(peer, "thread/goal/set"))["params"] == {
                "threadId": "t",
                "status": "paused",
            }
        if stage == "running":
            assert (await expected(peer, "turn/interrupt"))["params"] == {"threadId": "t", "turnId": "u"}
        if begun:
            peer.send(updated("paused"), event("turn/completed", "t", "u"))
        peer.answers["model/list"] = {"data": []}
        await codex.models()
        assert peer.received == 0
        held = codex.stats()
        assert (held["streams_routed"], held["mailbox_bytes"], held["turns_routed"]) == (0, 0, 0)
