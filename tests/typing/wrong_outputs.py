"""Uses of results of a type that type checkers refuse. Checked, never run."""

from __future__ import annotations

from pydantic import BaseModel, TypeAdapter

from codex_app_server import AsyncCodex, Codex, GoalResult, TurnResult


class Boat(BaseModel):
    name: str


class Tide(BaseModel):
    height_m: float


ANY_OF_TWO: TypeAdapter[Boat | Tide] = TypeAdapter(Boat | Tide)


def sync(codex: Codex) -> None:
    thread = codex.thread_start()
    thread.run("Go.", output_type=Boat).output.height_m  # type: ignore[attr-defined]  # noqa: B018
    thread.run("Go.", output_type=list[Boat]).output.name  # type: ignore[attr-defined]  # noqa: B018
    thread.run("Go.", output_type=ANY_OF_TWO).output.name  # type: ignore[union-attr]  # noqa: B018
    thread.run("Go.").output.name  # type: ignore[attr-defined]  # noqa: B018
    thread.run("Go.", output_type="Boat")  # type: ignore[call-overload]
    thread.run("Go.", output_type={"type": "object"})  # type: ignore[call-overload]
    thread.run("Go.", output_type=Boat(name="Halcyon"))  # type: ignore[call-overload]
    thread.run("Go.", output_type=Boat, output_schema={})  # type: ignore[call-overload]
    thread.run("Go.", output_type=Boat, speed=3)  # type: ignore[call-overload]
    thread.turn("Go.", output_type=Boat, timeout_s="soon")  # type: ignore[call-overload]
    thread.turn("Go.", output_type=Boat).run().output.height_m  # type: ignore[attr-defined]  # noqa: B018
    thread.run_goal("Win.", output_type="Boat")  # type: ignore[call-overload]
    thread.run_goal("Win.", output_schema={})  # type: ignore[call-overload]
    tide: Tide = thread.run("Go.", output_type=Boat).output  # type: ignore[assignment]
    result: TurnResult[Tide] = thread.run("Go.", output_type=Boat)  # type: ignore[arg-type]
    goal: GoalResult[Tide] = thread.run_goal("Win.", output_type=Boat)  # type: ignore[arg-type]
    print(tide, result, goal)


async def asynchronous(codex: AsyncCodex) -> None:
    thread = await codex.thread_start()
    (await thread.run("Go.", output_type=Boat)).output.height_m  # type: ignore[attr-defined]  # noqa: B018
    await thread.run("Go.", output_type="Boat")  # type: ignore[call-overload]
    await thread.run("Go.", output_type=Boat, output_schema={})  # type: ignore[call-overload]
    await thread.goal("Win.", output_type=3)  # type: ignore[call-overload]
