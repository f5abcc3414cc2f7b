"""A handler of the program's: how it is called, and what becomes of what it does.

Owns the verdict. A handler answers by the request's methods; one that returns without that, gives something
back, raises or takes too long has refused, and that is logged and kept for whoever waits for the turn.
Functions run here, each call on a daemon thread of its own: a handler that waits in `input()` holds up
neither a loop nor the interpreter's end.
"""

from __future__ import annotations

import functools
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInputTypeError, RequestHandlerError, RequestSettledError, TransportClosedError
from . import workers

if TYPE_CHECKING:
    from ..requests import ServerRequest
    from ..requests._automatic import AutomaticRequest

logger = logging.getLogger("codex_app_server")

# Called once with what the handler has given back, or with what it has raised.
Done = Callable[[Any, "BaseException | None"], None]


def name_of(function: Any) -> str:
    """How the records call a handler."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)


class Handler:
    """A function that answers requests."""

    def __init__(self, function: Any) -> None:
        if not callable(function):
            raise InvalidInputTypeError(f"on_request must be callable, not {type(function).__name__}.")
        self.function = function
        self.name = name_of(function)

    def bind(self) -> None:
        """A turn is about to start from here: what a handler needs of its surroundings is there."""

    def begin(self, request: ServerRequest, done: Done) -> None:
        """Call it for a request, elsewhere; `done` is called there when it is over."""
        workers.run(functools.partial(self._run, request, done))

    def _run(self, request: ServerRequest, done: Done) -> None:
        try:
            given = self.function(request)
        except BaseException as error:
            done(None, error)
        else:
            done(given, None)


def is_over(request: ServerRequest) -> bool:
    """Whether a handler that is still at work is so for nothing."""
    settlement = request.settlement
    by_its_handler = settlement == "answered" or (settlement == "refused" and not request._overdue)
    return settlement is not None and not by_its_handler


def expire(request: AutomaticRequest, name: str, faults: deque[RequestHandlerError]) -> None:
    """The deadline of a request is over: it is refused if it is still open."""
    if request.settled:
        return
    # First, so that whoever sees that it was refused sees why.
    request._overdue = True
    what = f"The handler {name} of a {request.kind}"
    fault = _fault(request, f"{what} took longer than {request.deadline_s:g} s, so it was refused")
    faults.append(fault)
    try:
        request.refuse()
    except RequestSettledError:  # in this very moment
        faults.remove(fault)
    else:
        logger.error("%s", fault)


def judge(
    request: ServerRequest,
    name: str,
    given: Any,
    error: BaseException | None,
    faults: deque[RequestHandlerError],
) -> None:
    """What a handler has done wrong, if anything, is kept and logged. What it has left open is refused."""
    trouble = _trouble(request, name, given, error)
    if trouble is None:
        return
    fault = _fault(request, trouble)
    fault.__cause__ = error
    logger.error("%s", trouble, exc_info=error)
    # The turn may be over as soon as it is refused, and its caller looks here.
    faults.append(fault)
    with suppress(RequestSettledError):
        request.refuse()


def _fault(request: ServerRequest, trouble: str) -> RequestHandlerError:
    return RequestHandlerError(
        trouble,
        method=request.method,
        thread_id=request.thread_id,
        turn_id=request.turn_id,
        item_id=request.item_id,
        root_turn_id=request._native.root_turn_id,
        ancestors=request.ancestors,
    )


def _is_natural(request: ServerRequest, error: BaseException | None) -> bool:
    """Whether a handler could not help to raise this: nobody waits for it any more."""
    if request.settlement == "closed" and isinstance(error, (TransportClosedError, SystemExit)):
        return True  # what it was doing has ended with the connection, or the interpreter
    # A second answer is a fault; one that a person gave after the turn's end is none.
    return is_over(request) and isinstance(error, RequestSettledError)


def _trouble(request: ServerRequest, name: str, given: Any, error: BaseException | None) -> str | None:
    what = f"The handler {name} of a {request.kind}"
    was_open = not request.settled
    outcome = "so it was refused" if was_open else "after it was settled"
    if request._overdue and request.settlement == "refused":
        return None  # that is said already
    if error is not None and _is_natural(request, error):
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
