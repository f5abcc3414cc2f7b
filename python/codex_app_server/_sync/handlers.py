"""The program's handlers of requests in this shell: functions. Offers the names of `_async/handlers.py`."""

from __future__ import annotations

from typing import Any

from .._arguments import gives_coroutine
from .._serving.handlers import ANSWERER, Handler, Role
from ..errors import InvalidInputTypeError


class Handlers:
    """The handlers of one client."""

    # Whether what a function gives back may be awaited.
    awaits = False

    def of(self, function: Any) -> Handler | None:
        """The handler that a function is; None for None.

        Raises:
            InvalidInputTypeError: It cannot be called, or is a coroutine function.
        """
        return None if function is None else self.made(function, ANSWERER)

    def made(self, function: Any, role: Role) -> Handler:
        """A function in this role.

        Raises:
            InvalidInputTypeError: It cannot be called, or is a coroutine function.
        """
        if gives_coroutine(function):
            raise InvalidInputTypeError(
                f"The {role.name_of(function)} is a coroutine function: that goes with AsyncCodex."
            )
        return Handler(function, role)

    def note_closing(self) -> None:
        """Nothing to note: a function cannot be cancelled."""

    def stop(self) -> None:
        """Nobody waits for functions: one may wait for a person."""
