"""Holding, releasing and waiting: what lets a test force an order without sleeping."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from codex_app_server import AsyncCodex, Codex, Thread
from codex_app_server.testing import (
    Answer,
    Message,
    MissingRequestsError,
    ModelRequest,
    OfflineModel,
    OfflineModelError,
    Stall,
)
from tests.leaks import Footprint
from tests.payloads import delta


def test_held_answers_come_when_they_are_released(model: OfflineModel, thread: Thread) -> None:
    model.reset()
    model.hold()
    handle = thread.turn("patience")
    model.wait_for_requests(1)
    assert [request.prompt for request in model.requests] == ["patience"]
    assert model.release() == 1
    assert handle.run().final_response == "patience"
    assert thread.run("no longer held").final_response == "no longer held"


def test_answers_are_released_in_the_order_that_a_test_wants(model: OfflineModel, codex: Codex) -> None:
    model.reset()
    model.hold()
    order: list[str] = []

    def run(prompt: str) -> None:
        codex.thread_start().run(prompt)
        order.append(prompt)

    with ThreadPoolExecutor(3) as pool:
        turns = {prompt: pool.submit(run, prompt) for prompt in ("a", "b", "c")}
        model.wait_for_requests(3)
        for prompt in ("b", "c", "a"):
            assert model.release(prompt=prompt) == 1
            turns[prompt].result()
    assert order == ["b", "c", "a"]


def test_a_count_releases_the_first_that_came_and_holds_the_rest(model: OfflineModel, codex: Codex) -> None:
    model.reset()
    model.hold()
    handles = []
    for number, prompt in enumerate(("first", "second"), start=1):
        handles.append(codex.thread_start().turn(prompt))
        model.wait_for_requests(number)
    model.release(count=1)
    assert handles[0].run().final_response == "first"
    with pytest.raises(
        OfflineModelError, match=r"wants 2 request\(s\), but 1 wait\(s\) here \(waiting: 'second'\)"
    ):
        model.release(count=2)
    model.release(count=1)
    assert handles[1].run().final_response == "second"


def test_releasing_a_prompt_that_nobody_holds_is_an_error(model: OfflineModel) -> None:
    model.reset()
    with pytest.raises(
        OfflineModelError, match=r"with the prompt 'x', but 0 wait\(s\) here \(waiting: none\)"
    ):
        model.release(prompt="x")
    assert model.release() == 0


def test_a_stall_in_mid_answer_waits_for_a_release(model: OfflineModel, thread: Thread) -> None:
    model.reset(Answer("before ", Stall(), Message("after")))
    text = []
    for event in thread.turn("go").stream():
        if event.method == "item/agentMessage/delta":
            text.append(delta(event))
            if len(text) == 1:
                model.release(count=1)
    assert text == ["before ", "after"]


def test_a_held_turn_can_be_interrupted_and_leaves_no_wait_behind(
    model: OfflineModel, thread: Thread
) -> None:
    model.reset()
    model.hold()
    handle = thread.turn("never mind")
    model.wait_for_requests(1)
    handle.interrupt()
    assert handle.run().status.value == "interrupted"

    def nobody_waits() -> bool:
        with pytest.raises(OfflineModelError) as caught:
            model.release(count=99)
        return "but 0 wait(s) here" in str(caught.value)

    Footprint.wait_until(nobody_waits)


def test_waiting_for_requests_that_do_not_come_says_how_many_did(model: OfflineModel, thread: Thread) -> None:
    model.reset()
    thread.run("only one")
    with pytest.raises(
        MissingRequestsError, match=r"1 of 2 requests arrived .* \(prompts: 'only one'\)"
    ) as caught:
        model.wait_for_requests(2, timeout_s=0.05)
    assert isinstance(caught.value, TimeoutError)


def test_a_reset_forgets_requests_and_lets_held_answers_go(model: OfflineModel, thread: Thread) -> None:
    model.reset("old")
    model.hold()
    handle = thread.turn("go")
    model.wait_for_requests(1)
    model.reset("new")
    assert handle.run().final_response == "old", "a held request got its answer when it arrived"
    assert model.requests == []
    assert thread.run("go").final_response == "new"
    assert [request.number for request in model.requests] == [1]


def test_a_slow_responder_holds_up_no_command(model: OfflineModel, thread: Thread) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def responder(request: ModelRequest) -> str:
        asked.set()
        assert go_on.wait(20)
        return f"slow, after {len(model.requests)} request(s)"

    model.reset(responder)
    handle = thread.turn("go")
    assert asked.wait(20)
    model.wait_for_requests(1)
    assert len(model.requests) == 1
    go_on.set()
    assert handle.run().final_response == "slow, after 1 request(s)"


def test_many_readers_at_once_see_each_request_once(model: OfflineModel, thread: Thread) -> None:
    for _ in range(10):
        model.reset()
        thread.run("one")
        thread.run("two")
        together = threading.Barrier(8)

        def read(together: threading.Barrier = together) -> list[int]:
            together.wait()
            return [request.number for request in model.requests]

        with ThreadPoolExecutor(8) as pool:
            seen = [reader.result() for reader in [pool.submit(read) for _ in range(8)]]
        assert seen == [[1, 2]] * 8
        assert [request.number for request in model.requests] == [1, 2]


async def test_everything_works_from_an_event_loop() -> None:
    async with OfflineModel({"a": "1", "b": "2"}) as model, AsyncCodex(model.config()) as codex:
        model.hold()

        async def run(prompt: str) -> str | None:
            thread = await codex.thread_start()
            return (await thread.run(prompt)).final_response

        turns = [asyncio.create_task(run(prompt)) for prompt in ("a", "b")]
        await model.wait_for_requests_async(2)
        model.release(prompt="b")
        assert await turns[1] == "2"
        assert not turns[0].done()
        model.release()
        assert await turns[0] == "1"
        with pytest.raises(MissingRequestsError):
            await model.wait_for_requests_async(3, timeout_s=0.05)


async def test_a_cancelled_wait_leaves_the_model_well() -> None:
    async with OfflineModel() as model:
        waiting = asyncio.create_task(model.wait_for_requests_async(1))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert model.requests == []


@pytest.mark.parametrize("held", ["at its arrival", "in mid-answer", "between two words"])
def test_a_request_that_the_runtime_hangs_up_on_is_told(
    model: OfflineModel, thread: Thread, held: str
) -> None:
    answers = {
        "in mid-answer": Answer("before ", Stall()),
        "between two words": Answer(Message(["word "] * 10_000, chunk_delay_s=0.01)),
    }
    model.reset(answers.get(held))
    if held == "at its arrival":
        model.hold()
    handle = thread.turn("never mind")
    model.wait_for_requests(1)
    assert model.aborted == []
    handle.interrupt()
    model.wait_for_aborts(1)
    assert model.aborted == [1]
    model.reset("done")
    assert thread.run("again").final_response == "done"
    assert model.aborted == []


def test_waiting_for_aborts_that_do_not_come_says_how_many_did(model: OfflineModel, thread: Thread) -> None:
    model.reset("done")
    thread.run("a turn of its own end")
    with pytest.raises(MissingRequestsError, match=r"0 of 1 requests .* aborted .*'a turn of its own end'"):
        model.wait_for_aborts(1, timeout_s=0.01)
