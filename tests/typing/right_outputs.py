"""Results of a type, as type checkers know them. Checked, never run."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypedDict, assert_type

from codex_app_server import (
    AsyncCodex,
    AsyncGoalHandle,
    AsyncTurnHandle,
    Codex,
    GoalHandle,
    GoalResult,
    OutputValidationError,
    TurnHandle,
    TurnResult,
    TurnTimeoutError,
)
from codex_app_server.models import JsonObject


class Boat(BaseModel):
    name: str


class Tide(BaseModel):
    height_m: float


@dataclasses.dataclass
class Berth:
    name: str


class Crew(TypedDict):
    size: int


class Colour(enum.Enum):
    RED = "red"


ANY_OF_TWO: TypeAdapter[Boat | Tide] = TypeAdapter(Boat | Tide)
PERHAPS: TypeAdapter[Boat | None] = TypeAdapter(Boat | None)


def sync(codex: Codex, schema: JsonObject) -> None:
    thread = codex.thread_start()
    assert_type(thread.run("Go."), TurnResult[None])
    assert_type(thread.run("Go.").output, None)
    assert_type(thread.run("Go.", output_type=None).output, None)
    assert_type(thread.run("Go.", output_schema=schema).output, None)
    assert_type(thread.run("Go.", output_type=Boat), TurnResult[Boat])
    assert_type(thread.run("Go.", output_type=Boat, model="gpt-5", timeout_s=5).output, Boat)
    assert_type(thread.run("Go.", output_type=Boat).output.name, str)
    assert_type(thread.run("Go.", output_type=Berth).output, Berth)
    assert_type(thread.run("Go.", output_type=Crew).output["size"], int)
    assert_type(thread.run("Go.", output_type=Colour).output, Colour)
    assert_type(thread.run("Go.", output_type=int).output, int)
    assert_type(thread.run("Go.", output_type=list[Boat]).output, list[Boat])
    assert_type(thread.run("Go.", output_type=TypeAdapter(Boat)).output, Boat)
    assert_type(thread.run("Go.", output_type=ANY_OF_TWO).output, Boat | Tide)
    assert_type(thread.run("Go.", output_type=PERHAPS).output, Boat | None)


def handles(codex: Codex) -> None:
    thread = codex.thread_start()
    assert_type(thread.turn("Go."), TurnHandle[None])
    assert_type(thread.turn("Go.").run().output, None)
    turn = thread.turn("Go.", output_type=list[Boat])
    assert_type(turn, TurnHandle[list[Boat]])
    assert_type(turn.run(timeout_s=5), TurnResult[list[Boat]])
    assert_type(turn.result().output, list[Boat])
    with turn as same:
        assert_type(same.run().output, list[Boat])


def goals(codex: Codex) -> None:
    thread = codex.thread_start()
    assert_type(thread.run_goal("Win."), GoalResult[None])
    assert_type(thread.run_goal("Win.", output_type=Boat), GoalResult[Boat])
    assert_type(thread.run_goal("Win.", token_budget=9, output_type=ANY_OF_TWO).output, Boat | Tide)
    assert_type(thread.goal("Win."), GoalHandle[None])
    goal = thread.goal("Win.", output_type=Boat)
    assert_type(goal, GoalHandle[Boat])
    assert_type(goal.run().output, Boat)
    assert_type(goal.result().output, Boat | None)


async def asynchronous(codex: AsyncCodex) -> None:
    thread = await codex.thread_start()
    assert_type((await thread.run("Go.")).output, None)
    assert_type(await thread.run("Go.", output_type=Boat), TurnResult[Boat])
    assert_type((await thread.run("Go.", output_type=list[Boat])).output, list[Boat])
    assert_type((await thread.run("Go.", output_type=ANY_OF_TWO)).output, Boat | Tide)
    turn = await thread.turn("Go.", output_type=Boat)
    assert_type(turn, AsyncTurnHandle[Boat])
    assert_type(await turn.run(), TurnResult[Boat])
    assert_type((await turn.result()).output, Boat)
    async with turn as same:
        assert_type((await same.run()).output, Boat)
    assert_type(await thread.run_goal("Win.", output_type=Boat), GoalResult[Boat])
    goal = await thread.goal("Win.", output_type=Boat)
    assert_type(goal, AsyncGoalHandle[Boat])
    assert_type((await goal.run()).output, Boat)


# Annotations without a type of output stay as they were.


def kept(result: TurnResult, turn: TurnHandle, goal: GoalResult) -> None:
    assert_type(result.output, Any)
    assert_type(turn.run().output, Any)
    assert_type(goal.output, Any)


def passed_on(codex: Codex) -> None:
    thread = codex.thread_start()
    kept(thread.run("Go."), thread.turn("Go."), thread.run_goal("Win."))
    kept(
        thread.run("Go.", output_type=Boat),
        thread.turn("Go.", output_type=list[Boat]),
        thread.run_goal("Win.", output_type=ANY_OF_TWO),
    )
    results: list[TurnResult] = [thread.run("Go."), thread.run("Go.", output_type=Boat)]
    wider: TurnResult[Boat | Tide] = thread.run("Go.", output_type=Boat)
    print(results, wider)


def wanted(codex: Codex, kind: type[Boat] | TypeAdapter[Boat]) -> Boat:
    return codex.thread_start().run("Go.", output_type=kind).output


def errors(error: OutputValidationError, late: TurnTimeoutError) -> None:
    assert_type(error.text, str | None)
    assert_type(error.errors, tuple[Any, ...])
    assert_type(error.result, TurnResult[Any])
    if late.partial is not None:
        assert_type(late.partial.final_response, str | None)
