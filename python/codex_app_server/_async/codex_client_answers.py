"""Who answers what the runtime asks, for the low-level client. A part of it.

Owns the handler: it is asked behind whoever else serves, and a program of the official package may put
another one in its place, or override how a request is handled.
"""

from __future__ import annotations

import weakref
from contextlib import suppress  # async only
from typing import Any

from .._arguments import gives_coroutine
from .._official_names import RuntimeProcess
from ..errors import InvalidInputTypeError, NoRequestHandlerError
from ..models import JsonObject
from .answering import Ask, AsyncAnswering, Handler
from .codex_client_state import AsyncCodexClientState
from .runtime import AsyncRuntime
from .waiting import in_own_task, is_in_loop  # async only

# sync only: from .waiting import in_own_task


class AsyncCodexClientAnswers:
    """A base of the low-level client."""

    _runtime: AsyncRuntime
    _state: AsyncCodexClientState

    @property
    def _approval_handler(self) -> Handler:
        """What is asked; to be set."""
        return self._default_approval_handler if self._state.handler is None else self._state.handler

    @_approval_handler.setter
    def _approval_handler(self, handler: Handler | None) -> None:
        if handler is not None and not callable(handler):
            raise InvalidInputTypeError("_approval_handler must be callable, or None.")
        # sync only: if gives_coroutine(handler):
        # sync only:     raise InvalidInputTypeError("A coroutine function goes with the asyncio client.")
        self._state.handler = None if handler == self._default_approval_handler else handler
        self._state.is_apart = handler is not None and not gives_coroutine(handler)
        self._serve()

    def _default_approval_handler(self, method: str, params: JsonObject | None) -> JsonObject:
        """Refuses: officially this approves commands and file changes."""
        raise NoRequestHandlerError(
            f"{method} is refused: nobody answers it. Set a handler of your own.",
            thread_id=str((params or {}).get("threadId", "")),
        )

    async def _handle_server_request(self, msg: JsonObject) -> JsonObject:
        """The result of one request of the runtime; to be overridden."""
        params = msg.get("params")
        result: JsonObject = await in_own_task(
            self._approval_handler, str(msg["method"]), params if isinstance(params, dict) else None
        )
        return result

    def _serve(self) -> None:
        """Have the handler asked, if there is one, and nobody if there is none. Idempotent."""
        if self._runtime.is_by_hand and not self._runtime.is_spawned:
            return  # start() does it
        from .._sync import answering as threads

        ask = self._ask_of()
        state = self._state
        is_apart = state.is_apart and not isinstance(ask, _Overridden)
        make = threads.Answering if is_apart else AsyncAnswering
        with state.registering:
            answering = state.answering
            if answering is not None and (
                ask is None or not isinstance(answering, make) or answering.is_over
            ):
                answering.drop()
                answering = state.answering = None
            if ask is None or answering is not None:
                return
            if is_apart or is_in_loop():  # async only
                state.answering = make(self._runtime.serving, ask)  # async only
            else:  # async only
                self._serve_in_loop()  # async only
            # sync only: state.answering = make(self._runtime.serving, ask)

    def _serve_in_loop(self) -> None:  # async only
        """The same in the client's loop; if none is there yet, the client's start does it."""  # async only
        with suppress(RuntimeError):  # async only
            self._runtime.handlers.post(self._serve)  # async only

    def _ask_of(self) -> Ask | None:
        own, overriding = AsyncCodexClientAnswers, type(self)
        if (
            overriding._handle_server_request is not own._handle_server_request
            or overriding._default_approval_handler is not own._default_approval_handler
        ):
            return _Overridden(weakref.WeakMethod(self._handle_server_request))
        return None if self._state.handler is None else _Plain(weakref.ref(self._state))

    @property
    def _proc(self) -> RuntimeProcess | None:
        """The runtime's process, of which the official package has the `Popen`; None without one."""
        return self._runtime.process


# Both hold weakly what they ask: a handler may be a method of what has the client, and a client that nobody
# has any more is to be found though nobody closes it.


class _Plain:
    """Asks the handler that is set."""

    def __init__(self, state: weakref.ref[AsyncCodexClientState]) -> None:
        self._state = state

    def __call__(self, msg: JsonObject) -> Any:
        state = self._state()
        handler = None if state is None else state.handler
        if handler is None:
            raise NoRequestHandlerError("The handler was taken away.", thread_id="")
        params = msg.get("params")
        return handler(str(msg["method"]), params if isinstance(params, dict) else None)


class _Overridden:
    """Asks a client whose class handles requests itself."""

    def __init__(self, method: weakref.WeakMethod[Any]) -> None:
        self._method = method

    def __call__(self, msg: JsonObject) -> Any:
        method = self._method()
        if method is None:
            raise NoRequestHandlerError("The client whose method answers is gone.", thread_id="")
        return method(msg)
