"""The program's handlers of requests in this shell: functions. Offers the names of `_async/handlers.py`."""

from __future__ import annotations

from typing import Any

from .._serving.handlers import Handler, gives_coroutine
from ..errors import InvalidInputTypeError


class Handlers:
    """The handlers of one client."""

    def of(self, function: Any) -> Handler | None:
        """The handler that a function is; None for None.

        Raises:
            InvalidInputTypeError: It cannot be called, or is a coroutine function.
        """
        if function is None:
            return None
        if gives_coroutine(function):
            raise InvalidInputTypeError("on_request is a coroutine function: that goes with AsyncCodex.")
        return Handler(function)

    def bind(self) -> None:
        """Threads need no loop."""

    def note_closing(self) -> None:
        """Nothing to note: a function cannot be cancelled."""

    def stop(self) -> None:
        """Nobody waits for functions: one may wait for a person."""
