"""Repeating an operation that the runtime was too busy to take.

Owns the schedule of pauses (exponential, capped, with jitter). Never decides what is worth repeating: that
is `errors.is_retryable_error`. Called by programs, and by the connections for requests answered "Overloaded".
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import TypeVar

from .errors import is_retryable_error

__all__ = ["async_retry_on_overload", "retry_on_overload"]

T = TypeVar("T")


def pauses(initial_delay_s: float, max_delay_s: float, jitter_ratio: float) -> Iterator[float]:
    """Endless pauses in seconds, doubling up to `max_delay_s`, each moved by up to `jitter_ratio` of it."""
    delay = initial_delay_s
    while True:
        yield max(0.0, min(delay, max_delay_s) * (1 + random.uniform(-jitter_ratio, jitter_ratio)))  # noqa: S311
        delay = min(delay * 2, max_delay_s)


def retry_on_overload(
    op: Callable[[], T],
    *,
    max_attempts: int = 3,
    initial_delay_s: float = 0.25,
    max_delay_s: float = 2.0,
    jitter_ratio: float = 0.2,
) -> T:
    """Call `op`, again after a pause while the runtime answers that it is overloaded.

    Args:
        op: The operation; called at least once.
        max_attempts: How many calls at most.
        initial_delay_s: The first pause, in seconds; each later one is twice as long.
        max_delay_s: The longest pause, in seconds.
        jitter_ratio: By how much of itself a pause may be shorter or longer.

    Returns:
        What `op` returned.

    Raises:
        ValueError: `max_attempts` is less than 1.
        Exception: Whatever `op` raised that is not an overload, or the last overload.

    Example:
        >>> retry_on_overload(lambda: "ok")
        'ok'
    """
    _check(max_attempts)
    for pause in islice(pauses(initial_delay_s, max_delay_s, jitter_ratio), max_attempts - 1):
        try:
            return op()
        except Exception as error:
            if not is_retryable_error(error):
                raise
        time.sleep(pause)
    return op()


async def async_retry_on_overload(
    op: Callable[[], Awaitable[T]],
    *,
    max_attempts: int = 3,
    initial_delay_s: float = 0.25,
    max_delay_s: float = 2.0,
    jitter_ratio: float = 0.2,
) -> T:
    """Async form of `retry_on_overload`: `op` returns an awaitable, a new one at each call."""
    _check(max_attempts)
    for pause in islice(pauses(initial_delay_s, max_delay_s, jitter_ratio), max_attempts - 1):
        try:
            return await op()
        except Exception as error:
            if not is_retryable_error(error):
                raise
        await asyncio.sleep(pause)
    return await op()


def _check(max_attempts: int) -> None:
    if max_attempts < 1:
        raise ValueError("max_attempts must be >= 1")
