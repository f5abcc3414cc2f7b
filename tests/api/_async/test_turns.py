"""Threads and turns on the real runtime."""

from __future__ import annotations

from typing import Any

import pytest

from codex_app_server import AsyncCodex, AsyncTurnHandle, CodexConfig, TextInput, TurnFailedError
from codex_app_server.errors import InvalidInputError, InvalidRequestError, StreamClosedError
from codex_app_server.models import TurnCompletedNotification
from codex_app_server.testing import (
    Answer,
    Disconnect,
    Message,
    OfflineModel,
    Reasoning,
    ResponseFailure,
    Usage,
)
from codex_app_server.types import TurnStatus
from tests.api._async.concurrency import Background, Marks, expected, together
from tests.payloads import delta, payload
from tests.peer import ScriptedPeer, event, started


async def test_a_run_returns_what_the_turn_came_to(model: OfflineModel) -> None:
    usage = Usage(input_tokens=11, output_tokens=7)
    model.reset(Answer(Reasoning(summary="thinking"), Message("Hello, world."), usage=usage))
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        result = await thread.run("Say hello.")
    assert result.final_response == "Hello, world."
    assert result.status is TurnStatus.completed
    assert [item.root.type for item in result.items] == ["userMessage", "reasoning", "agentMessage"]
    assert result.usage is not None
    assert result.usage.last.total_tokens == 18
    assert result.error is None
    assert result.started_at is not None
    assert result.completed_at is not None
    assert result.duration_ms is not None
    assert model.requests[-1].prompt == "Say hello."


async def test_the_final_answer_is_the_response_and_commentary_is_not(model: OfflineModel) -> None:
    model.reset(Answer(Message("42", phase="final_answer"), Message("That was easy.", phase="commentary")))
    async with AsyncCodex(model.config()) as codex:
        result = await (await codex.thread_start()).run("6 x 7?")
    assert result.final_response == "42"
    assert len(result.items) == 3


async def test_commentary_alone_is_no_response(model: OfflineModel) -> None:
    model.reset(Answer(Message("Working on it.", phase="commentary")))
    async with AsyncCodex(model.config()) as codex:
        result = await (await codex.thread_start()).run("Go.")
    assert result.final_response is None


async def test_a_stream_has_every_event_in_order(model: OfflineModel) -> None:
    words = [f"word{number} " for number in range(40)]
    model.reset(Answer(Message(words)))
    async with AsyncCodex(model.config()) as codex:
        turn = await (await codex.thread_start()).turn("Go on.")
        events = [event async for event in turn.stream()]
    methods = [event.method for event in events]
    assert methods[0] == "turn/started"
    assert methods[-1] == "turn/completed"
    assert [delta(one) for one in events if one.method == "item/agentMessage/delta"] == words
    assert {getattr(event.payload, "turn_id", turn.id) for event in events} == {turn.id}


async def test_text_comes_in_pieces(model: OfflineModel) -> None:
    model.reset(Answer(Reasoning(text="hidden"), Message(["Hel", "lo", " ✓"])))
    async with AsyncCodex(model.config()) as codex:
        turn = await (await codex.thread_start()).turn("Hi")
        pieces = [piece async for piece in turn.stream_text()]
    assert pieces == ["Hel", "lo", " ✓"]


async def test_a_failed_turn_is_a_typed_runtime_error(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    model.reset(Answer(ResponseFailure(code="insufficient_quota", message="no more quota")))
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        with pytest.raises(TurnFailedError) as caught:
            await thread.run("Go.")
        assert isinstance(caught.value, RuntimeError)
        assert caught.value.error is not None
        assert caught.value.thread_id == thread.id
        assert caught.value.codex_error_info is not None
        # A stream tells it by its last event; a text stream raises.
        turn = await thread.turn("Again.")
        events = [event async for event in turn.stream()]
        assert payload(events[-1], TurnCompletedNotification).turn.status is TurnStatus.failed
        with pytest.raises(TurnFailedError):
            async for _ in (await thread.turn("And again.")).stream_text():
                pass
    assert "has met a limit" in caplog.text
    caplog.clear()


async def test_a_lost_model_fails_the_turn(model: OfflineModel) -> None:
    model.reset(Answer("half an ans", Disconnect()))
    async with AsyncCodex(model.config()) as codex:
        with pytest.raises(TurnFailedError):
            await (await codex.thread_start()).run("Go.")


async def test_a_thread_goes_on(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        first = await thread.run("one")
        second = await thread.run([TextInput("two"), TextInput("three")])
    assert first.final_response == "one"
    assert second.final_response == "two\nthree"
    assert "one" in str(model.requests[-1].input)


async def test_turns_of_one_client_stream_at_once(model: OfflineModel) -> None:
    model.hold()
    async with AsyncCodex(model.config()) as codex:
        marks = Marks()

        async def follow(number: int) -> str:
            turn = await (await codex.thread_start()).turn(f"turn {number}")
            text = ""
            async for event in turn.stream():
                if event.method == "turn/started":
                    await marks.reach(f"started {number}")
                elif event.method == "item/agentMessage/delta":
                    text += delta(event)
            return text

        async def release() -> None:
            # Every turn runs, and every consumer waits for it, before one is answered.
            for number in range(12):
                await marks.wait(f"started {number}")
            await model.wait_for_requests_async(12)  # async only
            # sync only: model.wait_for_requests(12)
            model.release()

        def following(number: int):  # type: ignore[no-untyped-def]
            async def job() -> str:
                return await follow(number)

            return job

        texts = await together(release, *(following(number) for number in range(12)))
    assert texts[1:] == [f"turn {number}" for number in range(12)]


async def test_an_interrupted_turn_says_so(model: OfflineModel) -> None:
    model.hold()
    async with AsyncCodex(model.config()) as codex:
        turn = await (await codex.thread_start()).turn("Never mind.")
        events = []
        async for event in turn.stream():
            events.append(event)
            if event.method == "turn/started":
                await turn.interrupt()
    assert payload(events[-1], TurnCompletedNotification).turn.status is TurnStatus.interrupted


async def test_a_second_interrupt_is_answered_at_once(model: OfflineModel) -> None:
    model.hold()
    async with AsyncCodex(model.config(request_timeout_s=20)) as codex:
        turn = await (await codex.thread_start()).turn("Never mind.")
        async with turn.stream() as events:
            await events.__anext__()
            first = await turn.interrupt()
            # The runtime would not answer this one: it would end with the request's deadline.
            assert await turn.interrupt() == first


async def test_an_interrupted_run_returns_its_status(model: OfflineModel) -> None:
    model.hold()
    async with AsyncCodex(model.config()) as codex:
        turn = await (await codex.thread_start()).turn("Never mind.")
        running = Background(turn.run)
        await model.wait_for_requests_async(1)  # async only
        # sync only: model.wait_for_requests(1)
        await turn.interrupt()
        result = await running.result()
    assert result.status is TurnStatus.interrupted
    assert result.final_response is None


async def test_a_turn_is_interrupted_at_once(model: OfflineModel) -> None:
    # The runtime refuses to interrupt what it has not begun, so this waits for that.
    model.hold()
    async with AsyncCodex(model.config()) as codex:
        for _ in range(5):
            turn = await (await codex.thread_start(ephemeral=True)).turn("Never mind.")
            await turn.interrupt()
            assert (await turn.run()).status is TurnStatus.interrupted


@pytest.mark.parametrize("then", ["turn/started", "turn/completed"])
async def test_an_early_interrupt_waits_until_the_turn_begins_or_ends(then: str, peer: ScriptedPeer) -> None:
    peer.answers |= {"thread/start": {"thread": {"id": "t"}}, "turn/start": started("u")}
    async with AsyncCodex(CodexConfig(launch_args_override=peer.argv)) as codex:
        turn = await (await codex.thread_start()).turn("Never mind.")
        interrupting = Background(turn.interrupt)
        peer.refuse(await expected(peer, "turn/interrupt"), -32600, "no active turn to interrupt")
        peer.send(event("turn/started", "t", "another"), event(then, "t", "u"))
        if then == "turn/started":
            peer.answer(await expected(peer, "turn/interrupt"), {})
            await interrupting.result()
        else:
            with pytest.raises(InvalidRequestError, match="no active turn"):
                await interrupting.result()
        assert peer.received == 0


async def test_a_turn_whose_start_is_not_told_has_begun_with_its_first_item(peer: ScriptedPeer) -> None:
    peer.answers |= {"thread/start": {"thread": {"id": "t"}}, "turn/start": started("u")}
    config = CodexConfig(launch_args_override=peer.argv, opt_out_notifications=("turn/started",))
    async with AsyncCodex(config) as codex:
        turn = await (await codex.thread_start()).turn("Never mind.")
        interrupting = Background(turn.interrupt)
        peer.refuse(await expected(peer, "turn/interrupt"), -32600, "no active turn to interrupt")
        peer.send(event("item/started", "t", "u", item={"id": "i", "type": "brandNew"}, startedAtMs=1))
        peer.answer(await expected(peer, "turn/interrupt"), {})
        await interrupting.result()


async def test_a_turn_that_is_over_is_not_waited_for(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        turn = await thread.turn("Hi.")
        await turn.run()
        again = AsyncTurnHandle(codex, thread.id, turn.id)
        with pytest.raises(StreamClosedError, match="read to the end or given up"):
            await again.run()
        with pytest.raises(StreamClosedError):
            again.stream()


async def test_a_turn_is_steered(model: OfflineModel) -> None:
    model.hold()
    async with AsyncCodex(model.config()) as codex:
        turn = await (await codex.thread_start()).turn("Count to ten.")
        running = Background(turn.run)
        await model.wait_for_requests_async(1)  # async only
        # sync only: model.wait_for_requests(1)
        answer = await turn.steer("Count to five instead.")
        assert answer.turn_id == turn.id
        model.release()
        await model.wait_for_requests_async(2)  # async only
        # sync only: model.wait_for_requests(2)
        model.release()
        result = await running.result()
    assert result.status is TurnStatus.completed
    assert "five" in model.requests[-1].prompt


async def test_steering_or_interrupting_an_idle_thread_is_refused(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        turn = await (await codex.thread_start()).turn("Hi")
        await turn.run()
        with pytest.raises(InvalidRequestError):
            await turn.steer("more")
        with pytest.raises(InvalidRequestError, match="no active turn"):
            await turn.interrupt()


async def test_two_handles_of_one_turn_each_see_it_from_their_start_on(model: OfflineModel) -> None:
    model.hold()
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        first = await thread.turn("one")
        await model.wait_for_requests_async(1)  # async only
        # sync only: model.wait_for_requests(1)
        second = await thread.turn("two")
        assert second.id == first.id

        async def follow_first() -> list[str]:
            return [event.method async for event in first.stream()]

        async def follow_second() -> list[str]:
            return [event.method async for event in second.stream()]

        async def release() -> None:
            model.release()
            await model.wait_for_requests_async(2)  # async only
            # sync only: model.wait_for_requests(2)
            model.release()

        whole, joined, _ = await together(follow_first, follow_second, release)
    assert whole[0] == "turn/started"
    assert "turn/started" not in joined
    assert whole[-len(joined) :] == joined


async def test_a_stream_is_read_once(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        turn = await (await codex.thread_start()).turn("Hi")
        await turn.run()
        with pytest.raises(StreamClosedError, match="read to the end"):
            turn.stream()
        with pytest.raises(StreamClosedError):
            await turn.run()


async def test_two_streams_of_one_handle_share_its_events(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        turn = await (await codex.thread_start()).turn("Hi")
        first = turn.stream()
        second = turn.stream()
        one = await first.__anext__()
        two = await second.__anext__()
        rest = [event.method async for event in first]
        assert [event.method async for event in second] == []
    assert one.method == "turn/started"
    assert [two.method, *rest][-1] == "turn/completed"


async def test_a_result_and_a_stream_do_not_share_a_handles_events(model: OfflineModel) -> None:
    model.hold()
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        turn = await thread.turn("streamed")
        stream = turn.stream()
        await stream.__anext__()
        with pytest.raises(StreamClosedError, match="a result would miss it"):
            await turn.run()
        await model.wait_for_requests_async(1)  # async only
        # sync only: model.wait_for_requests(1)
        await turn.interrupt()
        assert [event.method async for event in stream][-1] == "turn/completed"
        other = await (await codex.thread_start()).turn("collected")
        running = Background(other.run)
        await model.wait_for_requests_async(2)  # async only
        # sync only: model.wait_for_requests(2)
        with pytest.raises(StreamClosedError, match="collects"):
            other.stream()
        model.release()
        assert (await running.result()).final_response == "collected"


async def test_leaving_a_stream_early_frees_it(model: OfflineModel) -> None:
    model.reset(Answer(Message([f"{number} " for number in range(100)])))
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        turn = await thread.turn("Go.")
        async for event in turn.stream():
            if event.method == "item/agentMessage/delta":
                break
        async with (await thread.turn("Joined, or next.")).stream() as events:
            async for event in events:
                if event.method == "turn/completed":
                    break
        # What its result needs, and none of the text.
        assert codex.stats()["mailbox_bytes"] < 10_000
        with pytest.raises(StreamClosedError):
            turn.stream()
        await turn.aclose()
        del events
        assert codex.stats()["mailbox_bytes"] == 0


async def test_an_empty_prompt_is_refused_before_anything_is_sent(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        written = codex.stats()["requests_written"]
        prompts: list[Any] = ["", [], [TextInput("")]]
        for prompt in prompts:
            with pytest.raises(InvalidInputError):
                await thread.run(prompt)
        wrongs: list[Any] = [7, None, [7], {"text": "x"}, b"bytes"]
        for wrong in wrongs:
            with pytest.raises(TypeError):
                await thread.run(wrong)
        assert codex.stats()["requests_written"] == written
