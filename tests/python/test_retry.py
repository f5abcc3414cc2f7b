"""Repeating what the runtime was too busy to take."""

from __future__ import annotations

import asyncio
import time
from itertools import islice

import pytest

from codex_app_server import async_retry_on_overload, retry_on_overload
from codex_app_server.errors import InvalidRequestError, JsonRpcError, map_jsonrpc_error
from codex_app_server.retry import pauses

BUSY = map_jsonrpc_error(-32001, "Server overloaded; retry later.")
REFUSED = InvalidRequestError(-32600, "no")


class Operation:
    """Raises what it is given, in order, and then returns "done"."""

    def __init__(self, *failures: JsonRpcError) -> None:
        self.failures = list(failures)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    async def later(self) -> str:
        return self()


async def both_ways(operation: Operation, asynchronous: bool, max_attempts: int) -> str:
    if asynchronous:
        return await async_retry_on_overload(operation.later, max_attempts=max_attempts, initial_delay_s=0)
    return retry_on_overload(operation, max_attempts=max_attempts, initial_delay_s=0)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_an_overload_is_tried_again(asynchronous: bool) -> None:
    operation = Operation(BUSY, BUSY)
    assert await both_ways(operation, asynchronous, 3) == "done"
    assert operation.calls == 3


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_the_last_overload_is_raised(asynchronous: bool) -> None:
    operation = Operation(BUSY, BUSY, BUSY)
    with pytest.raises(JsonRpcError, match="overloaded"):
        await both_ways(operation, asynchronous, 2)
    assert operation.calls == 2


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_anything_else_is_raised_at_once(asynchronous: bool) -> None:
    operation = Operation(REFUSED)
    with pytest.raises(InvalidRequestError):
        await both_ways(operation, asynchronous, 3)
    assert operation.calls == 1


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_there_is_at_least_one_attempt(asynchronous: bool) -> None:
    operation = Operation()
    with pytest.raises(ValueError, match="max_attempts"):
        await both_ways(operation, asynchronous, 0)
    assert operation.calls == 0
    assert await both_ways(operation, asynchronous, 1) == "done"


def test_pauses_double_up_to_the_longest() -> None:
    assert list(islice(pauses(0.25, 2.0, 0.0), 5)) == [0.25, 0.5, 1.0, 2.0, 2.0]


def test_jitter_moves_a_pause_by_its_ratio_at_most() -> None:
    drawn = list(islice(pauses(1.0, 1.0, 0.2), 200))
    assert all(0.8 <= pause <= 1.2 for pause in drawn)
    # Both ways, and far enough that callers of one moment part.
    assert min(drawn) < 0.95
    assert max(drawn) > 1.05


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_between_two_attempts_is_a_pause(asynchronous: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made = noted_pauses(monkeypatch)
    operation = Operation(BUSY, BUSY, BUSY)
    fields = {"max_attempts": 4, "initial_delay_s": 1.0, "max_delay_s": 2.0, "jitter_ratio": 0.0}
    if asynchronous:
        await async_retry_on_overload(operation.later, **fields)  # type: ignore[arg-type]
    else:
        retry_on_overload(operation, **fields)  # type: ignore[arg-type]
    assert made == [1.0, 2.0, 2.0]


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_by_itself_it_is_called_three_times_within_a_second(
    asynchronous: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = noted_pauses(monkeypatch)
    operation = Operation(*[BUSY] * 9)
    with pytest.raises(JsonRpcError, match="overloaded"):
        await (async_retry_on_overload(operation.later) if asynchronous else _later(operation))
    assert operation.calls == 3
    assert len(made) == 2
    assert 0.2 <= made[0] <= 0.3
    assert 0.4 <= made[1] <= 0.6


def noted_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that are asked for from now on, and not made."""
    made: list[float] = []

    async def note(pause: float) -> None:
        made.append(pause)

    monkeypatch.setattr(time, "sleep", made.append)
    monkeypatch.setattr(asyncio, "sleep", note)
    return made


async def _later(operation: Operation) -> str:
    return retry_on_overload(operation)
