"""From bytes to models: events and answers.

Owns the one native `Decoder`, the choice of the model for each event and answer, and the decision which
events the native side may build by itself. An event that does not fit its model becomes an
`UnknownNotification`, and a field of an answer that does not fit an `UnknownValue`; what a newer runtime has
changed never raises. Generated models are imported here, each when it is first needed. Called by the
connections.
"""

from __future__ import annotations

import copy
import functools
import json
import logging
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._native import Decoder
from .errors import ParseError
from .models import Notification, UnknownNotification

if TYPE_CHECKING:
    from ._metadata import InitializeResponse

logger = logging.getLogger("codex_app_server")

# Flat models of strings and integers that arrive by the thousand. The native side builds them without
# validation (0.87 µs for an event instead of 1.59), after it has checked the types itself.
FAST_METHODS = (
    "item/agentMessage/delta",
    "item/plan/delta",
    "item/reasoning/textDelta",
    "item/reasoning/summaryTextDelta",
    "item/commandExecution/outputDelta",
    "item/fileChange/outputDelta",
)


# --- answers


def answer(method: str, result: bytes) -> Any:
    """The answer to `method` as its generated model; where a field does not fit, with an `UnknownValue`."""
    from .generated.requests import REQUESTS

    model = REQUESTS[method].response_model
    try:
        return model.model_validate_json(result)
    except ValueError as error:
        logger.debug("the answer to %s does not fit %s: %s", method, model.__name__, error)
    from ._lenient import build

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


def thread_id(method: str, result: bytes) -> str:
    """The id of the thread that an answer carries. The rest is not validated: callers want only the id."""
    try:
        found = json.loads(result)["thread"]["id"]
    except (ValueError, LookupError, TypeError) as error:
        raise _unexpected(method, "an object with thread.id", result) from error
    if not isinstance(found, str):
        raise _unexpected(method, "an object with thread.id", result)
    return found


def metadata(method: str, result: bytes) -> InitializeResponse:
    """The runtime's metadata, with serverInfo."""
    from ._lenient import build
    from ._metadata import InitializeResponse

    answer = build(InitializeResponse, _raw(result))
    if not isinstance(answer, InitializeResponse):
        raise _unexpected(method, "an object", result)
    try:
        return answer.with_server_info()
    except ValueError as error:
        raise _unexpected(method, f"InitializeResponse: {error}", result) from error


def nothing(method: str, result: bytes) -> None:
    """For answers that nobody reads."""


def _unexpected(method: str, expected: str, result: bytes) -> ParseError:
    text = result.decode("utf-8", "replace")
    shown = text if len(text) <= 200 else f"{text[:200]}…"
    return ParseError(
        -32700,
        f"the answer to {method} is not {expected}; the runtime may be of another version. It sent: {shown}",
        text,
    )


# --- events


@functools.cache
def decoder() -> Decoder:
    """The decoder of this process. The first call makes ready what every turn sends."""
    from .generated.notifications import EVERY_TURN

    for method in EVERY_TURN:
        _reader(method)
    return _decoder


def payload(method: str, params: bytes) -> Any:
    """The payload of one event; never raises."""
    try:
        read = _readers.get(method) or _reader(method)
        return read(params)
    except ValueError as error:
        logger.debug("%s does not fit its model: %s", method, error)
        return _unknown(params)


_decoder = Decoder(Notification, payload)

# How each known method's params are read, from when the first of them came or `decoder` was called.
_readers: dict[str, Callable[[bytes], Any]] = {}


def _reader(method: str) -> Callable[[bytes], Any]:
    from .generated.notifications import payload_model

    model = payload_model(method)
    if model is None:
        return _unknown
    if method in FAST_METHODS:
        _use_fast_path(_decoder, method)
    # Past `model_validate_json`, which takes 0.4 µs to pass its arguments on.
    read = _readers[method] = model.__pydantic_validator__.validate_json
    return read


def _unknown(params: bytes) -> Any:
    return UnknownNotification(_raw(params))


def _raw(params: bytes) -> Any:
    try:
        return json.loads(params) if params else {}
    except (ValueError, RecursionError):
        # Broken UTF-8, absurd nesting and the like: the text is still worth having.
        return {"raw": params.decode("utf-8", "replace")}


def _use_fast_path(decoder: Decoder, method: str) -> None:
    """Let the native side build `method`'s payload, if it then equals what validation builds."""
    from .generated.notifications import payload_model

    model = payload_model(method)
    if model is None:
        return
    fields = _flat_fields(model)
    if fields is None:
        logger.info("%s is decoded by validation: its model is not flat", method)
        return
    trial = Decoder(Notification, payload)
    trial.add_fast(method, model, fields)
    sample = {wire: ("text ✓" if kind == "str" else 7) for wire, _, kind in fields}
    params = json.dumps(sample).encode()
    try:
        difference = _difference(trial.decode(method, params).payload, model.model_validate_json(params))
    except Exception as error:  # whatever this pydantic does, validation still works
        difference = repr(error)
    if difference:
        logger.warning("%s is decoded by validation, which is slower: %s", method, difference)
        return
    decoder.add_fast(method, model, fields)


def _flat_fields(model: type[Any]) -> list[tuple[str, str, Any]] | None:
    kinds = {str: "str", int: "int"}
    fields = []
    for name, field in model.model_fields.items():
        kind = kinds.get(field.annotation)
        if kind is None or not field.is_required() or field.metadata:
            return None
        fields.append((field.alias or name, name, kind))
    return fields


def _difference(fast: Any, validated: Any) -> str:
    """In what a natively built model differs from a validated one; empty when in nothing."""
    aspects: dict[str, Callable[[Any], Any]] = {
        "type": type,
        "fields": lambda model: list(model.__dict__.items()),
        "fields_set": lambda model: model.model_fields_set,
        "extra": lambda model: model.__pydantic_extra__,
        "private": lambda model: model.__pydantic_private__,
        "dump": lambda model: (model.model_dump(), model.model_dump_json(by_alias=True)),
        "repr": repr,
        "pickle": lambda model: pickle.loads(pickle.dumps(model)),  # noqa: S301
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
        "model_copy": lambda model: model.model_copy(deep=True),
    }
    if fast != validated or validated != fast:
        return "a natively built model does not equal a validated one"
    for aspect, look in aspects.items():
        if look(fast) != look(validated):
            return f"a natively built model differs in its {aspect}"
    return ""
