"""A handler of the program's: how it is called, and what becomes of what it does.

Owns the verdict. A handler answers by the request's methods; one that returns without that, gives something
back, raises or takes too long has refused, and that is logged and kept for whoever waits for the turn.
Functions run here, each call on a daemon thread of its own: a handler that waits for a person holds up
neither a loop nor the interpreter's end.
"""

from __future__ import annotations

import functools
import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .._arguments import innermost
from ..errors import InvalidInputTypeError, RequestHandlerError, RequestSettledError, TransportClosedError
from ..requests import ServerRequest
from ..requests._automatic import AutomaticRequest
from ..requests._base import handling
from . import workers
from .faults import Faults

logger = logging.getLogger("codex_app_server")

# Called once when a handler is over: with the call, as `handling` has it, and with what the handler has given
# back, or what it has raised.
Done = Callable[[object, Any, "BaseException | None"], None]


class Role:
    """What is expected of a function: how long it may take, and what its failure means for the request."""

    def name_of(self, function: Any) -> str:
        """Its name, for the records.

        Raises:
            InvalidInputTypeError: It cannot be called.
        """
        if not callable(function):
            raise InvalidInputTypeError(f"on_request must be callable, not {type(function).__name__}.")
        called = innermost(function)
        return f"handler {getattr(called, '__qualname__', None) or type(called).__qualname__}"

    def what(self, name: str, request: ServerRequest) -> str:
        """It and its request, in words."""
        return f"The {name} of a {request.kind}"

    def deadline_s(self, request: ServerRequest) -> float | None:
        """Seconds in which it must be done with a request, if there is a limit."""
        return request.deadline_s if isinstance(request, AutomaticRequest) else None

    def refuse(self, request: ServerRequest, reason: str) -> None:
        """Answer a request for a function that has failed."""
        request.refuse()


# What `on_request=` takes.
ANSWERER = Role()


class Handler:
    """A function that answers requests."""

    def __init__(self, function: Any, role: Role) -> None:
        self.function = function
        self.role = role
        self.name = role.name_of(function)

    def begin(self, request: ServerRequest, done: Done) -> None:
        """Call it for a request, elsewhere; `done` is called there when it is over."""
        workers.run(functools.partial(self._run, request, done))

    def _run(self, request: ServerRequest, done: Done) -> None:
        call = object()
        if request.settled:  # on its way to the thread
            done(call, None, None)
            return
        handling.set(call)
        try:
            given = self.function(request)
        except BaseException as error:
            done(call, None, error)
        else:
            done(call, given, None)


def is_over(request: ServerRequest, call: object) -> bool:
    """Whether a request was settled, and not by this call of a handler, its tasks or `asyncio.to_thread`."""
    settlement = request.settlement
    return settlement is not None and not (by_program(request) and request._answered_in is call)


def by_program(request: ServerRequest) -> bool:
    """Whether it was settled by an answer or a refusal of this program's."""
    return request.settlement in ("answered", "refused")


def expire(request: ServerRequest, handler: Handler, deadline_s: float, faults: Faults) -> None:
    """A handler has taken too long: its request is refused, unless it is settled by now."""
    reason = f"took longer than {deadline_s:g} s"
    fault = _fault(request, f"{_what(request, handler)} {reason}, so it was refused")
    # First, so that whoever sees that it was refused sees why.
    request._overdue = True
    faults.add(fault)
    try:
        handler.role.refuse(request, reason)
    except RequestSettledError:  # in this very moment, or long ago
        request._overdue = False
        faults.discard(fault)
    else:
        logger.error("%s", fault)


def judge(
    request: ServerRequest,
    handler: Handler,
    call: object,
    given: Any,
    error: BaseException | None,
    faults: Faults,
) -> None:
    """What a handler has done wrong, if anything, is kept and logged. What it has left open is refused."""
    wrong = _wrong(request, handler, call, given, error)
    if wrong is None:
        return
    logger.error("%s", wrong, exc_info=error)
    if error is not None:
        # What the handler had in its hands (requests, clients, files) is not kept with the error.
        traceback.clear_frames(error.__traceback__)
    fault = _fault(request, wrong)
    fault.__cause__ = error
    # The turn may be over as soon as it is refused, and its caller looks here.
    faults.add(fault)
    with suppress(RequestSettledError):
        handler.role.refuse(request, "failed" if error is None else f"failed with {type(error).__name__}")


def _what(request: ServerRequest, handler: Handler) -> str:
    return handler.role.what(handler.name, request)


def _fault(request: ServerRequest, message: str) -> RequestHandlerError:
    return RequestHandlerError(
        message,
        method=request.method,
        thread_id=request.thread_id,
        turn_id=request.turn_id,
        item_id=request.item_id,
        root_turn_id=request._native.root_turn_id,
        ancestors=request.ancestors,
    )


def _wrong(
    request: ServerRequest, handler: Handler, call: object, given: Any, error: BaseException | None
) -> str | None:
    """What a handler has done wrong, in words."""
    what = _what(request, handler)
    was_open = not request.settled
    outcome = "so it was refused" if was_open else "after it was settled"
    if request._overdue and by_program(request):
        return None  # that is said already
    if error is not None and is_over(request, call) and _is_natural(request, error):
        logger.info("%s was too late: %s", what, error)
        return None
    if error is not None:
        return f"{what} raised {type(error).__name__}, {outcome}"
    if given is not None:
        answers = "an answer is a method of the request, for example request.accept()"
        return f"{what} gave back {type(given).__name__}, {outcome}: {answers}"
    if was_open and not request.deferred:
        return f"{what} returned without an answer, {outcome}: call one of its methods, or defer() it"
    return None


def _is_natural(request: ServerRequest, error: BaseException) -> bool:
    """Whether a handler whose request was settled by something else could not help to raise this."""
    if request.settlement == "closed" and isinstance(error, (TransportClosedError, SystemExit)):
        return True  # what it was doing has ended with the connection, or the interpreter
    return isinstance(error, RequestSettledError)
