"""The program's handlers of requests in this shell: functions. Offers the names of `_async/handlers.py`."""

from __future__ import annotations

import inspect
from typing import Any

from .._serving.handlers import Handler
from ..errors import InvalidInputTypeError


def handler_of(function: Any) -> Handler | None:
    """The handler that a function is; None for None.

    Raises:
        InvalidInputTypeError: It cannot be called, or is a coroutine function.
    """
    if function is None:
        return None
    if inspect.iscoroutinefunction(function):
        raise InvalidInputTypeError("on_request is a coroutine function: that goes with AsyncCodex.")
    return Handler(function)


def note_closing() -> None:
    """Nothing to note: a function cannot be cancelled."""


def stop(handlers: list[Handler]) -> None:
    """Nobody waits for functions: one may be in `input()`."""
