"""Repeating what the runtime was too busy to take."""

from __future__ import annotations

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


def test_pauses_double_up_to_the_longest() -> None:
    assert list(islice(pauses(0.25, 2.0, 0.0), 5)) == [0.25, 0.5, 1.0, 2.0, 2.0]


def test_jitter_moves_a_pause_by_its_ratio_at_most() -> None:
    drawn = list(islice(pauses(1.0, 1.0, 0.2), 200))
    assert all(0.8 <= pause <= 1.2 for pause in drawn)
    assert len(set(drawn)) > 1
