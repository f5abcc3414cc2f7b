"""A handler of the program's: how it is called, and what becomes of what it does.

Owns the verdict. A handler answers by the request's methods; one that returns without that, gives something
back, raises or takes too long has refused, and that is logged and kept for whoever waits for the turn.
Functions run here, each call on a daemon thread of its own: a handler that waits for a person holds up
neither a loop nor the interpreter's end.
"""

from __future__ import annotations

import functools
import inspect
import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInputTypeError, RequestHandlerError, RequestSettledError, TransportClosedError
from ..requests._base import handling
from . import workers

if TYPE_CHECKING:
    from ..requests import ServerRequest
    from ..requests._automatic import AutomaticRequest
    from .faults import Faults

logger = logging.getLogger("codex_app_server")

# Called once when a handler is over: with the call, as `handling` has it, and with what the handler has given
# back, or what it has raised.
Done = Callable[[object, Any, "BaseException | None"], None]


class Handler:
    """A function that answers requests."""

    def __init__(self, function: Any) -> None:
        if not callable(function):
            raise InvalidInputTypeError(f"on_request must be callable, not {type(function).__name__}.")
        self.function = function
        innermost = _unwrapped(function)
        self.name = str(getattr(innermost, "__qualname__", None) or type(innermost).__qualname__)

    def begin(self, request: ServerRequest, done: Done) -> None:
        """Call it for a request, elsewhere; `done` is called there when it is over."""
        workers.run(functools.partial(self._run, request, done))

    def _run(self, request: ServerRequest, done: Done) -> None:
        call = object()
        handling.set(call)
        try:
            given = self.function(request)
        except BaseException as error:
            done(call, None, error)
        else:
            done(call, given, None)


def gives_coroutine(function: Any) -> bool:
    """Whether it is a coroutine function, or an object that is called like one."""
    innermost = _unwrapped(function)
    return inspect.iscoroutinefunction(innermost) or inspect.iscoroutinefunction(
        getattr(innermost, "__call__", None)  # noqa: B004 - an object with an `async def __call__`
    )


def _unwrapped(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def is_over(request: ServerRequest, call: object) -> bool:
    """Whether a request was settled, and not by this call of a handler, its tasks or `asyncio.to_thread`."""
    settlement = request.settlement
    return settlement is not None and not (by_program(request) and request._answered_in is call)


def by_program(request: ServerRequest) -> bool:
    """Whether it was settled by an answer or a refusal of this program's."""
    return request.settlement in ("answered", "refused")


def expire(request: AutomaticRequest, name: str, faults: Faults) -> None:
    """Wait until the request is settled; refuse it when its deadline is over before."""
    if request.wait_settled(request.deadline_s):
        return
    what = f"The handler {name} of a {request.kind}"
    fault = _fault(request, f"{what} took longer than {request.deadline_s:g} s, so it was refused")
    # First, so that whoever sees that it was refused sees why.
    request._overdue = True
    faults.add(fault)
    try:
        request.refuse()
    except RequestSettledError:  # in this very moment
        faults.discard(fault)
    else:
        logger.error("%s", fault)


def judge(
    request: ServerRequest, name: str, call: object, given: Any, error: BaseException | None, faults: Faults
) -> None:
    """What a handler has done wrong, if anything, is kept and logged. What it has left open is refused."""
    wrong = _wrong(request, name, call, given, error)
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
        request.refuse()


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
    request: ServerRequest, name: str, call: object, given: Any, error: BaseException | None
) -> str | None:
    """What a handler has done wrong, in words."""
    what = f"The handler {name} of a {request.kind}"
    was_open = not request.settled
    outcome = "so it was refused" if was_open else "after it was settled"
    if request._overdue and request.settlement == "refused":
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
