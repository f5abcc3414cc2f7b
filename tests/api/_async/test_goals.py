"""Goals: on the real runtime, and on one whose every line is forced."""

from __future__ import annotations

from typing import Any

import pytest

from codex_app_server import (
    AsyncCodex,
    AsyncGoalHandle,
    ClientClosedError,
    CodexConfig,
    GoalResult,
    InvalidInputError,
    InvalidInputTypeError,
    InvalidRequestError,
    RequestTimeoutError,
    StreamClosedError,
    TransportClosedError,
    TurnFailedError,
)
from codex_app_server._async.waiting import sleep
from codex_app_server.generated.v2_all import ThreadGoalStatus, TurnStatus
from codex_app_server.models import (
    ThreadGoalUpdatedNotification,
    TurnCompletedNotification,
    UnknownNotification,
)
from codex_app_server.testing import (
    Answer,
    FunctionCall,
    Message,
    ModelRequest,
    OfflineModel,
    ResponseFailure,
    Stall,
)
from tests.api._async.concurrency import Background, expected, together
from tests.leaks import assert_idle
from tests.payloads import payload
from tests.peer import ScriptedPeer, delta, event

REACHED = FunctionCall("update_goal", {"status": "complete"})
# Two turns: one that only talks, one that reaches the goal and says so.
IN_TWO_TURNS: list[str | Answer] = [
    "On the way.",
    Answer(Message("There."), REACHED),
    Answer(Message("Done.", phase="final_answer")),
]


# --- on the real runtime


async def test_a_goal_is_run_in_as_many_turns_as_it_takes(model: OfflineModel) -> None:
    model.reset(IN_TWO_TURNS)
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        result = await thread.run_goal("Win.", token_budget=1_000_000)
        assert isinstance(result, GoalResult)
        assert (result.final_response, result.status) == ("Done.", TurnStatus.completed)
        assert [item.root.type for item in result.items] == ["agentMessage"] * 3
        assert result.is_reached
        assert result.goal is not None
        assert (result.goal.objective, result.goal.token_budget) == ("Win.", 1_000_000)
        assert result.usage is not None
        turns = (await thread.read(include_turns=True)).thread.turns
        assert turns[0].id == result.id
        assert len(turns) == 2
        assert result.started_at == turns[0].started_at
        # The thread goes on as before.
        model.reset("Fine.")
        assert (await thread.run("And now?")).final_response == "Fine."
        assert_idle(codex.stats)


async def test_a_goals_turns_are_streamed_as_one(model: OfflineModel) -> None:
    model.reset(IN_TWO_TURNS)
    async with AsyncCodex(model.config()) as codex:
        goal = await (await codex.thread_start()).goal("Win.")
        assert goal.id in repr(goal)
        events = [event async for event in goal.stream()]
        methods = [event.method for event in events]
        assert methods[0] == "turn/started"
        assert methods[-1] == "turn/completed"
        assert methods.count("turn/started") == methods.count("turn/completed") == 1
        assert {getattr(event.payload, "turn_id", goal.id) for event in events} == {goal.id}
        end = payload(events[-1], TurnCompletedNotification)
        assert (end.turn.id, end.turn.status) == (goal.id, TurnStatus.completed)
        assert (goal.is_over, goal.current_turn_id) == (True, None)
        assert goal.goal is not None
        assert goal.goal.status is ThreadGoalStatus.complete
        for call in (goal.interrupt, lambda: goal.steer("More.")):
            with pytest.raises(InvalidRequestError, match="no active goal"):
                await call()
        await goal.cancel()
        with pytest.raises(StreamClosedError):
            await goal.run()
        assert goal.goal.status is ThreadGoalStatus.complete
        await goal.aclose()
        assert_idle(codex.stats)


async def test_a_goals_text_comes_in_pieces(model: OfflineModel) -> None:
    model.reset([Answer(Message(["On ", "it."])), Answer(Message("Yes."), REACHED), "End."])
    async with AsyncCodex(model.config()) as codex:
        goal = await (await codex.thread_start()).goal("Win.")
        assert "".join([piece async for piece in goal.stream_text()]) == "On it.Yes.End."


async def test_a_goal_is_steered_and_the_steered_turn_reaches_it(model: OfflineModel) -> None:
    def respond(request: ModelRequest) -> str | Answer:
        if request.tool_outputs:
            return "Done."
        if request.prompt == "Faster.":
            return Answer(Message("Faster, then."), REACHED)
        return Answer("Slowly", Stall())

    model.reset(respond)
    async with AsyncCodex(model.config()) as codex:
        goal = await (await codex.thread_start()).goal("Win.")
        model.wait_for_requests(1)
        answer = await goal.steer("Faster.")
        assert answer.turn_id == goal.id
        result = await goal.run()
        assert (result.final_response, result.is_reached) == ("Done.", True)


async def test_an_interrupted_goal_is_paused_and_another_can_follow(model: OfflineModel) -> None:
    model.reset([Answer("Hm", Stall())])
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        goal = await thread.goal("Win.")
        model.wait_for_requests(1)
        assert goal.current_turn_id == goal.id
        with pytest.raises(InvalidRequestError, match="goal"):
            await thread.turn("Beside it.")
        with pytest.raises(InvalidRequestError, match="idle"):
            await thread.goal("Another one.")
        answer = await goal.interrupt()
        assert await goal.interrupt() is answer
        result = await goal.run()
        assert (result.status, result.is_reached) == (TurnStatus.interrupted, False)
        assert result.goal is not None
        assert result.goal.status is ThreadGoalStatus.paused
        model.reset(IN_TWO_TURNS)
        assert (await thread.run_goal("Win.")).is_reached
        assert_idle(codex.stats)


async def test_a_cancelled_goal_leaves_nothing(model: OfflineModel) -> None:
    model.reset([Answer("Hm", Stall())])
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        goal = await thread.goal("Win.")
        await goal.cancel()
        await goal.cancel()
        status = (await codex.rpc.thread.goal.get(thread_id=thread.id)).goal
        assert status is not None
        assert status.status is ThreadGoalStatus.paused
        assert_idle(codex.stats)


async def test_a_goal_that_fails_says_why(model: OfflineModel) -> None:
    model.reset(["On the way.", Answer(ResponseFailure("context_length_exceeded"))])
    async with AsyncCodex(model.config()) as codex:
        goal = await (await codex.thread_start()).goal("Win.")
        with pytest.raises(TurnFailedError, match="context window") as caught:
            await goal.run()
        assert caught.value.turn_id == goal.id
        assert goal.goal is not None
        assert goal.goal.status is ThreadGoalStatus.blocked


async def test_a_goal_that_nobody_follows_goes_on(model: OfflineModel) -> None:
    model.reset(IN_TWO_TURNS)
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        async with codex.notifications("thread/goal/updated", thread_id=thread.id) as news:
            goal = await thread.goal("Win.")
            del goal
            async for one in news:
                if payload(one, ThreadGoalUpdatedNotification).goal.status is ThreadGoalStatus.complete:
                    break


async def test_a_goal_whose_stream_is_left_is_known_until_it_is_over(model: OfflineModel) -> None:
    model.reset([Answer("Hm", Stall()), *IN_TWO_TURNS[1:]])
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        async with codex.notifications("turn/completed", thread_id=thread.id) as ends:
            goal = await thread.goal("Win.")
            async with goal.stream() as events:
                await events.__anext__()
            for start in (lambda: thread.turn("Hi."), lambda: thread.goal("Another.")):
                with pytest.raises(InvalidRequestError):
                    await start()
            model.wait_for_requests(1)
            assert (goal.is_over, goal.current_turn_id) == (False, goal.id)
            model.release()
            for _ in range(2):
                await ends.__anext__()
        assert (goal.is_over, goal.current_turn_id) == (True, None)
        assert goal.goal is not None
        assert goal.goal.status is ThreadGoalStatus.complete
        for call in (goal.interrupt, lambda: goal.steer("More.")):
            with pytest.raises(InvalidRequestError, match="no active goal"):
                await call()
        model.reset()
        assert (await thread.run("Hi.")).final_response == "Hi."
        await goal.aclose()
        assert_idle(codex.stats)


async def test_a_goal_that_is_complete_stays_so_when_its_last_words_are_stopped(model: OfflineModel) -> None:
    model.reset([Answer(Message("There."), REACHED), Answer("And another thing", Stall())])
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        goal = await thread.goal("Win.")
        model.wait_for_requests(2)
        await goal.interrupt()
        result = await goal.run()
        assert (result.status, result.is_reached) == (TurnStatus.interrupted, True)
        kept = (await codex.rpc.thread.goal.get(thread_id=thread.id)).goal
        assert kept is not None
        assert kept.status is ThreadGoalStatus.complete


async def test_a_goal_left_in_its_last_words_is_over_after_them(peer: ScriptedPeer) -> None:
    peer.answers["turn/interrupt"] = {}
    async with AsyncCodex(scripted(peer)) as codex:
        goal = await begun(codex, peer)
        peer.send(updated("complete"))
        await (await codex.thread_start()).read()
        async with goal.stream() as events:
            await events.__anext__()
        assert (goal.is_over, goal.current_turn_id) == (False, "u")
        cancelling = Background(goal.cancel)
        peer.send(event("turn/completed", "t", "u"))
        await cancelling.result()
        assert (goal.is_over, goal.current_turn_id) == (True, None)
        assert codex.stats()["streams_routed"] == 0


async def test_a_goal_is_interrupted_once_by_however_many(model: OfflineModel) -> None:
    model.reset([Answer("Hm", Stall())])
    async with AsyncCodex(model.config()) as codex:
        goal = await (await codex.thread_start()).goal("Win.")
        running = Background(goal.run)
        first, second, _ = await together(goal.interrupt, goal.interrupt, goal.cancel)
        assert first == second
        assert (await running.result()).status is TurnStatus.interrupted


async def test_a_goal_and_a_turn_do_not_start_at_once(model: OfflineModel) -> None:
    model.reset(lambda request: Answer("Hm", Stall()))
    async with AsyncCodex(model.config()) as codex:

        async def tried(start: Any) -> Any:
            try:
                return await start()
            except InvalidRequestError:
                return None

        for _ in range(4):
            thread = await codex.thread_start()
            goal, turn = await together(
                lambda thread=thread: tried(lambda: thread.goal("Win.")),  # type: ignore[misc]
                lambda thread=thread: tried(lambda: thread.turn("Hi.")),  # type: ignore[misc]
            )
            assert (goal is None) != (turn is None)


async def test_a_thread_that_goes_ends_its_goal(model: OfflineModel) -> None:
    model.reset([Answer("Hm", Stall())])
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        goal = await thread.goal("Win.")
        model.wait_for_requests(1)
        await codex.thread_archive(thread.id)
        assert (await goal.run()).status is TurnStatus.interrupted


@pytest.mark.parametrize(
    ("objective", "options", "error"),
    [
        ("", {}, InvalidInputError),
        (3, {}, InvalidInputTypeError),
        ("Win.", {"token_budget": -1}, InvalidInputError),
        ("Win.", {"token_budget": "many"}, InvalidInputTypeError),
    ],
)
async def test_a_goal_that_makes_no_sense_is_not_set(
    objective: Any, options: Any, error: type[Exception], peer: ScriptedPeer
) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        with pytest.raises(error):
            await (await codex.thread_start()).goal(objective, **options)
        assert peer.received == 0


async def test_a_thread_that_is_not_stored_has_no_goal(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start(ephemeral=True)
        with pytest.raises(InvalidRequestError, match="persisted") as caught:
            await thread.goal("Win.")
        assert "ephemeral" in (caught.value.hint or "")


async def test_a_client_that_does_not_hear_of_turns_has_no_goals(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer, opt_out_notifications=("turn/started",))) as codex:
        with pytest.raises(InvalidInputError, match="opt_out_notifications"):
            await (await codex.thread_start()).goal("Win.")


# --- where every line is forced


def scripted(peer: ScriptedPeer, **fields: Any) -> CodexConfig:
    """Everything up to the answer to the request that sets the goal."""
    peer.answers["thread/start"] = {"thread": {"id": "t"}}
    peer.answers["thread/read"] = {"thread": {"id": "t", "status": {"type": "idle"}}}
    peer.answers["thread/goal/clear"] = {"cleared": False}
    peer.answers["thread/goal/set"] = lambda params: {"goal": goal_of(params["status"])}
    return CodexConfig(launch_args_override=peer.argv, **fields)


def goal_of(status: str) -> dict[str, Any]:
    return {
        "threadId": "t",
        "objective": "Win.",
        "status": status,
        "createdAt": 1,
        "updatedAt": 1,
        "tokensUsed": 0,
        "timeUsedSeconds": 0,
    }


def updated(status: str) -> dict[str, Any]:
    return {"method": "thread/goal/updated", "params": {"threadId": "t", "goal": goal_of(status)}}


async def begun(codex: AsyncCodex, peer: ScriptedPeer) -> AsyncGoalHandle:
    """A goal in its first turn."""
    thread = await codex.thread_start()
    peer.send_once("thread/goal/set", updated("active"), event("turn/started", "t", "u"))
    goal = await thread.goal("Win.")
    assert goal.id == "u"
    return goal


async def test_steering_between_two_turns_waits_for_the_next(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        goal = await begun(codex, peer)
        peer.send(event("turn/completed", "t", "u"))
        steer = Background(lambda: goal.steer("More."))
        peer.refuse(await expected(peer, "turn/steer"), -32600, "no active turn to steer")
        peer.send(event("turn/started", "t", "v"))
        request = await expected(peer, "turn/steer")
        assert request["params"]["expectedTurnId"] == "v"
        peer.answer(request, {"turnId": "v"})
        assert (await steer.result()).turn_id == "v"


async def test_steering_takes_the_turn_that_the_runtime_names(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        goal = await begun(codex, peer)
        steer = Background(lambda: goal.steer("More."))
        peer.refuse(await expected(peer, "turn/steer"), -32600, "expected active turn id `u` but found `v`")
        request = await expected(peer, "turn/steer")
        assert request["params"]["expectedTurnId"] == "v"
        peer.answer(request, {"turnId": "v"})
        await steer.result()


async def test_steering_that_waits_ends_with_the_goal(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        goal = await begun(codex, peer)
        peer.send(event("turn/completed", "t", "u"))
        steer = Background(lambda: goal.steer("More."))
        peer.refuse(await expected(peer, "turn/steer"), -32600, "no active turn to steer")
        peer.send(updated("complete"))
        with pytest.raises(InvalidRequestError, match="no active goal"):
            await steer.result()
        assert peer.received == 0


async def test_a_refusal_that_is_about_the_input_is_raised(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        goal = await begun(codex, peer)
        steer = Background(lambda: goal.steer("More."))
        peer.refuse(await expected(peer, "turn/steer"), -32600, "the input is strange")
        with pytest.raises(InvalidRequestError, match="strange"):
            await steer.result()


async def test_interrupting_between_two_turns_stops_the_one_that_has_just_begun(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        goal = await begun(codex, peer)
        peer.send(event("turn/completed", "t", "u"))
        while goal.current_turn_id is not None:  # it is between two turns once that was heard
            await sleep(0.001)
        del peer.answers["thread/goal/set"]
        interrupt = Background(goal.interrupt)
        request = await expected(peer, "thread/goal/set")
        assert request["params"] == {"threadId": "t", "status": "paused"}
        peer.answer(request, {"goal": goal_of("paused")})
        # The next turn had started by then.
        peer.send(event("turn/started", "t", "v"), updated("paused"))
        request = await expected(peer, "turn/interrupt")
        assert request["params"]["turnId"] == "v"
        peer.answer(request, {})
        peer.send(event("turn/completed", "t", "v", status="interrupted"))
        await interrupt.result()
        assert await goal.interrupt() is await goal.interrupt()
        assert peer.received == 0


async def test_a_goal_paused_between_two_turns_ends_with_the_last(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        goal = await begun(codex, peer)
        peer.send(delta("t", "u", "x"), event("turn/completed", "t", "u"), updated("paused"))
        events = [event.method async for event in goal.stream()]
        assert events == ["turn/started", "item/agentMessage/delta", "turn/completed"]


async def test_a_goal_whose_first_turn_does_not_come_is_paused(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer, request_timeout_s=0.3)) as codex:
        thread = await codex.thread_start()

        def answer_once(params: Any) -> Any:
            del peer.answers["thread/goal/set"]
            return {"goal": goal_of("active")}

        peer.answers["thread/goal/set"] = answer_once
        peer.send_once("thread/goal/set", updated("active"))
        with pytest.raises(RequestTimeoutError):
            await thread.goal("Win.")
        assert (await expected(peer, "thread/goal/set"))["params"] == {"threadId": "t", "status": "paused"}
        peer.send(updated("paused"))
        assert (await thread.read()).thread.id == "t"
        assert codex.stats()["streams_routed"] == 0


async def test_a_goal_that_ends_before_its_first_turn_says_so(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        thread = await codex.thread_start()
        peer.send_once("thread/goal/set", updated("budgetLimited"))
        with pytest.raises(TurnFailedError, match="before its first turn"):
            await thread.goal("Win.")
        assert_idle(codex.stats)


@pytest.mark.parametrize("stage", ["starting", "running", "steering"])
async def test_the_end_of_the_connection_ends_every_wait_for_a_goal(stage: str, peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        thread = await codex.thread_start()
        if stage == "starting":
            del peer.answers["thread/goal/set"]
            waiting = Background(lambda: thread.goal("Win."))
            peer.answer(await expected(peer, "thread/goal/set"), {"goal": goal_of("active")})
        else:
            goal = await begun(codex, peer)
            waiting = Background(goal.run if stage == "running" else lambda: goal.steer("More."))
        if stage == "steering":
            peer.send(event("turn/completed", "t", "u"))
            peer.refuse(await expected(peer, "turn/steer"), -32600, "no active turn to steer")
        peer.exit(3)
        with pytest.raises(TransportClosedError) as caught:
            await waiting.result()
        assert not isinstance(caught.value, ClientClosedError)
        if stage != "starting":
            for call in (goal.interrupt, lambda: goal.steer("More.")):
                with pytest.raises(TransportClosedError):
                    await call()
            await goal.cancel()


async def test_what_a_newer_runtime_has_changed_ends_nothing(peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted(peer)) as codex:
        goal = await begun(codex, peer)
        changed = updated("active")
        changed["params"]["goal"]["tokensUsed"] = "few"
        peer.send(changed, {"method": "brand/new", "params": {"threadId": "t", "turnId": "u", "x": 1}})
        peer.send(event("turn/completed", "t", "u"), event("turn/started", "t", "v"))
        peer.send({"method": "brand/new", "params": {"threadId": "t", "turnId": "v", "x": 2}})
        end = event("turn/completed", "t", "v", durationMs="long")
        peer.send(end, updated("complete"))
        events = [event async for event in goal.stream()]
        assert [one.method for one in events] == ["turn/started", "brand/new", "brand/new", "turn/completed"]
        assert payload(events[2], UnknownNotification).params == {"threadId": "t", "turnId": "u", "x": 2}
        assert payload(events[3], TurnCompletedNotification).turn.id == "u"
        assert goal.is_over
