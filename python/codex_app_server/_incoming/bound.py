"""What clients, threads and handles say of themselves, and why they are neither copied nor pickled.

Owns the base of everything that is bound to a connection: its `repr`, which says what it is and where it
stands, waits for nothing, raises nothing and shows no secret, and the refusal of copies. Knows nothing of
either shell: a class gives its ids and its state.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar, ParamSpec

from .. import _native
from ..errors import ForkedProcessError, TransportClosedError
from .decoding import decoder

P = ParamSpec("P")

INHERITED = "made before this process was forked"


class Bound:
    """Something that lives by the connection to one runtime in this process."""

    __slots__ = ()

    # What a program does in place of copying it.
    _in_place_of_a_copy: ClassVar[str] = "Share it, or make another of the same id."

    def _standing(self) -> str:
        """Its ids and its state, as `repr` shows them."""
        raise NotImplementedError

    def __repr__(self) -> str:
        try:
            standing = self._standing()
        except ForkedProcessError:
            standing = INHERITED
        except Exception:
            # Half-made: its constructor has raised, or is still at work.
            standing = "not made yet"
        return f"<{type(self).__name__} {standing}>"

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError(
            f"{type(self).__name__} cannot be copied or pickled: it is bound to a connection to a "
            f"runtime, which only this process has. {self._in_place_of_a_copy}"
        )


def _also_after_a_fork(state: Callable[P, str]) -> Callable[P, str]:
    @functools.wraps(state)
    def told(*args: P.args, **kwargs: P.kwargs) -> str:
        try:
            return state(*args, **kwargs)
        except ForkedProcessError:
            return INHERITED

    return told


@_also_after_a_fork
def client_state(connection: _native.Connection | None, *, is_ready: bool, was_closed: bool) -> str:
    """Where a client stands: not started, starting, running, or closed and why."""
    if connection is None:
        return "closed before it was started" if was_closed else "not started"
    if connection.closed:
        return f"pid={connection.pid} {closed(connection)}"
    return f"pid={connection.pid} {'running' if is_ready else 'starting'}"


@_also_after_a_fork
def turn_state(connection: _native.Connection, turn_id: str) -> str:
    """Where a turn stands, as far as this side has seen."""
    if connection.turn_is_over(turn_id):
        return "over"
    if connection.closed:
        return closed(connection)
    # Of a turn that was started elsewhere nothing else is known.
    return {False: "starting", True: "running", None: "not over"}[connection.has_begun(turn_id)]


@_also_after_a_fork
def stream_state(connection: _native.Connection, state: str, *, is_closed: bool) -> str:
    """Where a stream or handle stands; `state` is what it is while it goes on."""
    if is_closed:
        return "closed"
    return closed(connection) if connection.closed else state


@_also_after_a_fork
def closed(connection: _native.Connection) -> str:
    """Why a connection that is closed is."""
    listening = connection.subscribe_notifications([])
    try:
        listening.drain(decoder())
    except TransportClosedError as error:
        return f"closed: {error.reason}"
    finally:
        listening.close()
    return "closed"
