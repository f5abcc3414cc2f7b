"""Results of a type, on the real runtime: what the model is asked for, and what becomes of what it writes.

Which types there are, and how each is read, is in `tests/python/test_output_types.py`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from codex_app_server import (
    ApprovalMode,
    AsyncCodex,
    AsyncThread,
    GoalResult,
    InvalidInputError,
    InvalidInputTypeError,
    JsonRpcError,
    OutputValidationError,
    Sandbox,
    TurnFailedError,
    TurnResult,
    TurnTimeoutError,
)
from codex_app_server.testing import (
    Answer,
    FunctionCall,
    HttpFailure,
    Message,
    ModelRequest,
    OfflineModel,
    Stall,
)
from codex_app_server.types import TurnStatus
from tests.api._async.concurrency import Background, together
from tests.leaks import assert_idle
from tests.outputs import CASES, A, Berth, Boat, Point
from tests.wishes import shell

SHORT_S = 0.3
BERTH = '{"name": "A", "depth_m": 4.5}'
BERTH_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "depth_m": {"type": "number"}},
    "required": ["name", "depth_m"],
    "additionalProperties": False,
}
ECHO = shell("echo hello")


def format_of(request: ModelRequest) -> Any:
    """The format that the model is asked for."""
    return request.body["text"].get("format")


def asked_for(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "strict": True, "schema": schema, "name": "codex_output_schema"}


async def test_the_model_is_asked_for_the_strict_schema(model: OfflineModel) -> None:
    model.reset(json.dumps({"name": "H", "berth": json.loads(BERTH), "former": None}))
    async with AsyncCodex(model.config()) as codex:
        result = await (await codex.thread_start()).run("Name a boat.", output_type=Boat)
        assert result.output == Boat(name="H", berth=A)
        assert_idle(codex.stats)
    (request,) = model.requests
    expected = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "berth": {"$ref": "#/$defs/Berth"},
            "former": {
                "type": ["array", "null"],
                "items": {"$ref": "#/$defs/Berth"},
                "description": "Default: [].",
            },
        },
        "required": ["name", "berth", "former"],
        "additionalProperties": False,
        "description": "A boat in the harbour.",
        "$defs": {"Berth": BERTH_SCHEMA},
    }
    found = format_of(request)
    assert found == asked_for(expected)
    # The model writes the properties in the order in which it reads them.
    assert list(found["schema"]["properties"]) == ["name", "berth", "former"]


REAL = [
    "models of each other",
    "optional and default",
    "enums and literals in a model",
    "dates and times",
    "kinds of text",
    "a dataclass of Pydantic",
    "a TypedDict",
    "unions in unions, of models with the same fields",
    "a generic model in another",
    "a list of models",
    "sets and tuples",
    "limits",
    "names of JSON schema",
    "an alias that refers to itself",
    "an adapter of a union",
    "an int enum",
    "nothing",
]


async def test_a_result_has_its_output(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        for name in REAL:
            wanted, written, value = CASES[name]
            model.reset(json.dumps(written))
            result = await thread.run("Go.", output_type=wanted)
            assert result.output == value, name
            assert result.final_response == json.dumps(written)
            assert [format_of(request)["strict"] for request in model.requests] == [True]


async def test_many_types_at_once_on_one_client(model: OfflineModel) -> None:
    names = [*REAL, *REAL]
    model.reset(lambda request: json.dumps(CASES[request.prompt].written))
    async with AsyncCodex(model.config()) as codex:

        async def run(name: str) -> Any:
            thread = await codex.thread_start()
            return (await thread.run(name, output_type=CASES[name].wanted)).output

        outputs = await together(*(lambda name=name: run(name) for name in names))
    assert outputs == [CASES[name].value for name in names]


async def test_a_turn_without_a_type_has_no_output_and_no_format(model: OfflineModel) -> None:
    model.reset(BERTH)
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        assert (await thread.run("First.", output_type=Berth)).output == A
        assert (await thread.run("Second.")).output is None
    assert [format_of(request) for request in model.requests] == [asked_for(BERTH_SCHEMA), None]


async def test_a_schema_by_hand_goes_as_it_is_and_the_text_is_not_read(model: OfflineModel) -> None:
    schema = {**BERTH_SCHEMA, "title": "By hand"}
    model.reset('{"name": "not read"}')
    async with AsyncCodex(model.config()) as codex:
        result = await (await codex.thread_start()).run("Go.", output_schema=schema)
    assert (result.output, result.final_response) == (None, '{"name": "not read"}')
    assert format_of(model.requests[0]) == asked_for(schema)


# --- what is refused before anything is sent

NOT_SENT: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "a mapping": ({"output_type": dict[str, int]}, InvalidInputError),
    "no type": ({"output_type": "Berth"}, InvalidInputTypeError),
    "a type and a schema": ({"output_type": Berth, "output_schema": BERTH_SCHEMA}, InvalidInputError),
}


@pytest.mark.parametrize("method", ["run", "turn"])
async def test_a_turn_that_cannot_be_of_a_type_is_not_started(method: str, model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        for arguments, error in NOT_SENT.values():
            with pytest.raises(error, match="output_type"):
                await getattr(thread, method)("Go.", **arguments)
        await thread.run("Something else.")
        assert [request.prompt for request in model.requests] == ["Something else."]
        assert len((await thread.read(include_turns=True)).thread.turns) == 1


@pytest.mark.parametrize("method", ["run_goal", "goal"])
async def test_a_goal_that_cannot_be_of_a_type_is_not_set(method: str, model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        with pytest.raises(InvalidInputError, match="has no strict schema"):
            await getattr(thread, method)("Win.", output_type=dict[str, int])
        await thread.run("Something else.")
        assert [request.prompt for request in model.requests] == ["Something else."]


# --- responses that do not fit


async def test_a_response_that_does_not_fit_keeps_all_of_it(model: OfflineModel) -> None:
    model.reset('{"name": "A"}')
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        with pytest.raises(OutputValidationError, match=r"no Berth\. depth_m: Field required") as caught:
            await thread.run("Go.", output_type=Berth)
        assert caught.value.text == '{"name": "A"}'
        assert [(error["type"], error["loc"]) for error in caught.value.errors] == [("missing", ("depth_m",))]
        result = caught.value.result
        turns = (await thread.read(include_turns=True)).thread.turns
        assert (result.id, result.status) == (turns[0].id, TurnStatus.completed)
        assert (result.output, result.final_response) == (None, '{"name": "A"}')
        assert [item.root.type for item in result.items] == ["userMessage", "agentMessage"]
        assert result.usage is not None
        assert_idle(codex.stats)


async def test_the_same_thread_can_be_asked_again_with_what_was_wrong(model: OfflineModel) -> None:
    model.reset(["It lies at A.", BERTH])
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        with pytest.raises(OutputValidationError) as caught:
            await thread.run("Where?", output_type=Berth)
        assert (await thread.run(f"Again, please. {caught.value}", output_type=Berth)).output == A
    assert "Invalid JSON" in model.requests[1].prompt
    assert "It lies at A." in json.dumps(model.requests[1].input)


async def test_an_interrupted_turn_has_no_text_to_read(model: OfflineModel) -> None:
    model.reset(Answer(Message(BERTH, phase="commentary"), Stall()))
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        turn = await thread.turn("Go.", output_type=Berth)
        async for event in turn.stream():
            payload: Any = event.payload
            if event.method == "item/completed" and payload.item.root.type == "agentMessage":
                await turn.interrupt()
        with pytest.raises(OutputValidationError, match="the turn's status is interrupted") as caught:
            await turn.result()
        assert (caught.value.text, caught.value.errors) == (None, ())
        assert caught.value.result.status is TurnStatus.interrupted
        assert len(caught.value.result.items) == 2


async def test_a_failed_turn_is_a_failed_turn(model: OfflineModel) -> None:
    model.reset(Answer(HttpFailure(400, "No.")))
    async with AsyncCodex(model.config()) as codex:
        with pytest.raises(TurnFailedError, match=r"No\."):
            await (await codex.thread_start()).run("Go.", output_type=Berth)


async def test_a_turn_that_takes_too_long_keeps_what_it_has(model: OfflineModel) -> None:
    model.reset(Answer(Message("So far.", phase="commentary"), Stall()))
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        with pytest.raises(TurnTimeoutError) as caught:
            await thread.run("Go.", output_type=Berth, timeout_s=SHORT_S)
        partial = caught.value.partial
        assert partial is not None
        assert (partial.status, partial.output) == (TurnStatus.in_progress, None)
        assert partial.final_response is None
    # The turn's own, if it has come so far in this time; none for its output.
    assert len(model.requests) <= 1


# --- before the answer


async def test_commentary_before_the_answer_is_not_read(model: OfflineModel) -> None:
    model.reset(Answer(Message("Let me see {", phase="commentary"), Message(BERTH, phase="final_answer")))
    async with AsyncCodex(model.config()) as codex:
        result = await (await codex.thread_start()).run("Go.", output_type=Berth)
    assert result.output == A
    texts = [item.root.text for item in result.items if item.root.type == "agentMessage"]
    assert texts == ["Let me see {", BERTH]


async def test_of_messages_without_a_phase_the_last_is_read(model: OfflineModel) -> None:
    model.reset(Answer(Message("Let me see."), Message(BERTH)))
    async with AsyncCodex(model.config()) as codex:
        assert (await (await codex.thread_start()).run("Go.", output_type=Berth)).output == A


async def test_every_request_of_the_turn_asks_for_the_type(model: OfflineModel) -> None:
    model.reset([Answer(Message("Looking.", phase="commentary"), ECHO), Answer(ECHO), BERTH])
    async with AsyncCodex(model.config()) as codex:
        # Nobody is asked whether it may: neither a program nor, in another request of the turn, the model.
        thread = await codex.thread_start(sandbox=Sandbox.full_access, approval_mode=ApprovalMode.deny_all)
        result = await thread.run("Go.", output_type=Berth)
    assert result.output == A
    assert [format_of(request) for request in model.requests] == [asked_for(BERTH_SCHEMA)] * 3
    assert [len(request.tool_outputs) for request in model.requests] == [0, 1, 2]


# --- handles


async def test_the_handle_of_a_turn_has_the_output(model: OfflineModel) -> None:
    model.reset(BERTH)
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        assert (await (await thread.turn("Go.", output_type=Berth)).run()).output == A
        async with await thread.turn("Go.", output_type=Berth) as turn:
            assert (await turn.run()).output == A


async def test_a_stream_is_followed_by_the_output(model: OfflineModel) -> None:
    model.reset(Answer(Message(["{", BERTH[1:]])))
    async with AsyncCodex(model.config()) as codex:
        turn = await (await codex.thread_start()).turn("Go.", output_type=Berth)
        assert "".join([text async for text in turn.stream_text()]) == BERTH
        result = await turn.result()
        assert result.output == A
        assert (await turn.result()).output == A


async def test_the_output_can_be_waited_for_beside_a_stream(model: OfflineModel) -> None:
    model.reset(Answer(Stall(), BERTH))
    async with AsyncCodex(model.config()) as codex:
        turn = await (await codex.thread_start()).turn("Go.", output_type=Berth)
        waiting = Background(turn.result)
        await model.wait_for_requests_async(1)  # async only
        # sync only: model.wait_for_requests(1)
        model.release()
        events = [event.method async for event in turn.stream()]
        assert events[-1] == "turn/completed"
        result: TurnResult[Berth] = await waiting.result()
        assert result.output == A


async def test_a_result_that_does_not_fit_is_told_again(model: OfflineModel) -> None:
    model.reset("It lies at A.")
    async with AsyncCodex(model.config()) as codex:
        turn = await (await codex.thread_start()).turn("Go.", output_type=Berth)
        for _ in range(2):
            with pytest.raises(OutputValidationError) as caught:
                await turn.result()
            assert caught.value.text == "It lies at A."


# --- turns that are joined


async def stalled(model: OfflineModel, thread: AsyncThread) -> Any:
    """A turn that waits for its release, and then writes a berth."""
    model.reset(Answer(Stall(), BERTH))
    turn = await thread.turn("Go.", output_type=Berth)
    await model.wait_for_requests_async(1)  # async only
    # sync only: model.wait_for_requests(1)
    return turn


async def test_a_turn_of_a_type_can_be_joined_with_the_same_type_or_none(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        turn = await stalled(model, thread)
        same = await thread.turn("And this.", output_type=Berth)
        none = await thread.turn("And that.")
        assert turn.id == same.id == none.id
        model.reset(BERTH)
        results = await together(turn.run, same.run, none.run)
    assert [result.output for result in results] == [A, A, None]
    assert {json.dumps(format_of(request)["schema"]) for request in model.requests} == {
        json.dumps(BERTH_SCHEMA)
    }


async def test_a_turn_of_a_type_cannot_be_joined_with_another(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        turn = await stalled(model, thread)
        with pytest.raises(JsonRpcError, match="ActiveTurnOutputSchemaMismatch"):
            await thread.run("And this.", output_type=Point)
        model.release()
        assert (await turn.run()).output == A


async def test_a_turn_without_a_type_cannot_be_joined_with_one(model: OfflineModel) -> None:
    model.reset(Answer(Stall(), "Done."))
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        turn = await thread.turn("Go.")
        await model.wait_for_requests_async(1)  # async only
        # sync only: model.wait_for_requests(1)
        with pytest.raises(JsonRpcError, match="ActiveTurnOutputSchemaMismatch"):
            await thread.run("And this.", output_type=Berth)
        model.release()
        assert (await turn.run()).final_response == "Done."


# --- goals

REACHED = FunctionCall("update_goal", {"status": "complete"})


async def test_a_goal_that_is_reached_is_asked_for_its_output(model: OfflineModel) -> None:
    model.reset(["On the way.", Answer(Message("There."), REACHED), "Done.", BERTH])
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        result = await thread.run_goal("Find a berth.", output_type=Berth)
        assert result.is_reached
        assert result.output == A
        assert result.final_response == "Done."
        texts = [item.root.text for item in result.items if item.root.type == "agentMessage"]
        assert texts == ["On the way.", "There.", "Done.", BERTH]
        assert_idle(codex.stats)
    assert [format_of(request) for request in model.requests] == [*[None] * 3, asked_for(BERTH_SCHEMA)]


async def test_a_goal_that_is_not_reached_is_not_asked(model: OfflineModel) -> None:
    model.reset([Answer(FunctionCall("update_goal", {"status": "blocked"})), "No way."])
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        with pytest.raises(OutputValidationError, match="the goal's status is blocked") as caught:
            await thread.run_goal("Find a berth.", output_type=Berth)
        assert (caught.value.text, caught.value.errors) == (None, ())
        assert caught.value.result.final_response == "No way."
    assert len(model.requests) == 2


async def test_a_report_that_does_not_fit_has_the_goals_result(model: OfflineModel) -> None:
    model.reset([Answer(Message("There."), REACHED), "Done.", "At A."])
    async with AsyncCodex(model.config()) as codex:
        goal = await (await codex.thread_start()).goal("Find a berth.", output_type=Berth)
        with pytest.raises(OutputValidationError) as caught:
            await goal.run()
        assert caught.value.text == "At A."
        assert caught.value.result.final_response == "Done."


async def test_the_result_of_a_goals_handle_asks_for_no_output(model: OfflineModel) -> None:
    model.reset([Answer(Message("There."), REACHED), "Done.", BERTH])
    async with AsyncCodex(model.config()) as codex:
        goal = await (await codex.thread_start()).goal("Find a berth.", output_type=Berth)
        result = await goal.result()
        assert (result.final_response, result.output) == ("Done.", None)
        assert len(model.requests) == 2
        assert (await goal.run()).output == A


async def test_a_report_that_fails_or_takes_too_long_has_the_goals_result(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        model.reset([Answer(Message("There."), REACHED), "Done.", Answer(HttpFailure(400, "No."))])
        with pytest.raises(OutputValidationError, match=r"has failed: .*No\.") as caught:
            await thread.run_goal("Find a berth.", output_type=Berth)
        assert isinstance(caught.value.__cause__, TurnFailedError)
        assert (caught.value.text, caught.value.result.final_response) == (None, "Done.")

        model.reset([Answer(Message("There."), REACHED), "Done.", Answer(Stall())])
        goal = await thread.goal("Find another.", output_type=Berth)
        await goal.result()
        with pytest.raises(TurnTimeoutError) as late:
            await goal.run(timeout_s=SHORT_S)
        assert isinstance(late.value.partial, GoalResult)
        assert late.value.partial.is_reached
        assert (late.value.partial.final_response, late.value.partial.output) == ("Done.", None)
