"""From bytes to models: events and answers.

Owns the one native `Decoder` and the choice of the model for each event and answer. An event that does not
fit its model becomes an `UnknownNotification`, and a field of an answer that does not fit an `UnknownValue`;
what a newer runtime has changed never raises. Generated models are imported here, each when it is first
needed. Called by the connections.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

from .. import types
from .._native import Decoder, plain
from .._package.late import pydantic
from ..errors import ParseError
from ..generated.notifications import OF_TURNS, PAYLOADS, payload_model
from ..models import Notification, UnknownNotification
from .failures import unreadable

logger = logging.getLogger("codex_app_server")

ModelT = TypeVar("ModelT", bound="pydantic.BaseModel")


# --- answers

# The methods whose answers have their models by now.
_ready: set[str] = set()


def is_ready(request_decode: Callable[..., Any], method: str) -> bool:
    """Whether an answer can be decoded without importing its model first."""
    return request_decode is not answer or method in _ready


def make_ready(method: str) -> None:
    """Import the model of the answers to `method`, and have it built. A home of models takes up to 0.2 s."""
    from ..generated.requests import REQUESTS

    REQUESTS[method].response_model.model_rebuild()
    _ready.add(method)


def answer(method: str, result: bytes) -> Any:
    """The answer to `method` as its generated model; where a field does not fit, with an `UnknownValue`."""
    from ..generated.requests import REQUESTS

    model = REQUESTS[method].response_model
    try:
        # Strict, here and for events: "7" for an integer is a changed type, and stays what it is.
        return model.model_validate_json(result, strict=True)
    except ValueError as error:
        logger.debug("the answer to %s does not fit %s: %s", method, model.__name__, error)
    from .lenient import build

    return build(model, _raw(result))


def into(model: type[Any], method: str, result: bytes) -> Any:
    """The answer to `method` as an instance of a model that the caller chose.

    Raises:
        ParseError: It does not fit the model.
    """
    try:
        return model.model_validate_json(result)
    except ValueError as error:
        raise _unexpected(method, model.__name__, result) from error


def raw(method: str, result: bytes) -> Any:
    """The answer to `method` as JSON gives it."""
    try:
        return json.loads(result)
    except (ValueError, RecursionError) as error:
        raise _unexpected(method, "JSON that Python can hold", result) from error


class Opened(NamedTuple):
    """What the answer says of a thread that was started, resumed, forked or unarchived.

    Args:
        id: Its id.
        asks: Whether its approvals come to this program; None where the answer does not say it.
        settings: What the answer says besides the thread itself.
    """

    id: str
    asks: bool | None
    settings: dict[str, Any]


def opened(method: str, result: bytes) -> Opened:
    """The thread that an answer carries. The rest is not validated: callers want no more."""
    try:
        answer = json.loads(result)
    except (ValueError, RecursionError):
        answer = _raw(result)
    try:
        found = answer["thread"]["id"]
    except (LookupError, TypeError) as error:
        raise _unexpected(method, "an object with thread.id", result) from error
    if not isinstance(found, str) or not found:
        raise _unexpected(method, "an object with thread.id", result)
    policy, reviewer = answer.get("approvalPolicy"), answer.get("approvalsReviewer")
    asks = None if policy is None or reviewer is None else reviewer == "user" and policy != "never"
    return Opened(found, asks, {name: value for name, value in answer.items() if name != "thread"})


def thread_status(method: str, result: bytes) -> str | None:
    """The kind of the status of the thread that an answer carries, if it says it."""
    try:
        return str(raw(method, result)["thread"]["status"]["type"])
    except (LookupError, TypeError):
        return None


def initialized(method: str, result: bytes) -> types.InitializeResponse:
    """What the runtime says about itself, from which `with_server_info()` can be made."""
    from .lenient import build
    from .metadata import InitializeResponse

    answer = build(InitializeResponse, _raw(result))
    if not isinstance(answer, InitializeResponse):
        raise _unexpected(method, "an object", result)
    try:
        answer.with_server_info()
    except ValueError as error:
        raise _unexpected(method, f"InitializeResponse: {error}", result) from error
    return answer


def nothing(method: str, result: bytes) -> None:
    """For answers that nobody reads."""


def _unexpected(method: str, expected: str, result: bytes) -> ParseError:
    text = result.decode("utf-8", "replace")
    shown = text if len(text) <= 200 else f"{text[:200]}…"
    return unreadable(
        f"the answer to {method} is not {expected}; the runtime may be of another version. It sent: {shown}",
        text,
    )


# --- events


@functools.cache
def decoder() -> Decoder:
    """The decoder of this process. The first call makes ready what turns send, while the runtime boots.

    Not when it first comes: then a hundred threads may have events, and a thread that imports would get the
    interpreter a hundredth of the time, with the others' first events behind it. What needs modules of its
    own (plans, hooks) is left to then: few programs meet it.
    """
    for method in OF_TURNS:
        _reader(method)
    return _decoder


def payload(method: str, params: bytes) -> Any:
    """The payload of one event; never raises."""
    if method in PAYLOADS:
        read = _reader(method)
        try:
            return read(params)
        except ValueError as error:
            logger.debug("%s does not fit %s: %s", method, PAYLOADS[method], error)
        # It may be JSON that Pydantic cannot hold, with a text or a status that somebody waits for.
        simpler = plain(params)
        if simpler is not None:
            with contextlib.suppress(ValueError):
                return read(simpler)
    return UnknownNotification(_raw(params))


_decoder = Decoder(Notification, payload)


@functools.cache
def _reader(method: str) -> Callable[[bytes], Any]:
    """What reads the params of a known method. The first call loads its model and has it built natively."""
    from . import fast

    model: Any = payload_model(method)
    if method in fast.METHODS:
        fast.use(_decoder, method, model)
    # The validator itself: `model_validate_json` takes 0.4 µs to pass its arguments on.
    return functools.partial(model.__pydantic_validator__.validate_json, strict=True)


def _raw(params: bytes) -> Any:
    """What JSON says, in values that can be written as JSON again."""
    simpler = plain(params or b"{}")
    # What is no JSON has a text that is still worth having.
    return {"raw": params.decode("utf-8", "replace")} if simpler is None else json.loads(simpler)


def payload_as(model: type[ModelT], event: Notification) -> ModelT:
    """The payload of an event as the class that a program was promised.

    What does not fit it is an `UnknownValue` inside of it, since the annotation says that it is no
    `UnknownNotification`.
    """
    payload: Any = event.payload
    if not isinstance(payload, UnknownNotification):
        made: ModelT = payload
        return made
    from .lenient import build

    # The params may be anything, not only the object that they should be.
    return cast("ModelT", build(model, payload.params if isinstance(payload.params, dict) else {}))
