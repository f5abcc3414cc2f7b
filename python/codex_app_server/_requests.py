"""Every request that the clients make: its method, its params and how its answer is read.

Owns the descriptions and nothing else: a `Request` is data, the connections send it. Public methods of both
shells call these builders, so a request is described once.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _decode
from ._approval_mode import ApprovalMode, approval_settings
from ._inputs import ExternalMessage, input_items, turn_input
from ._params import flag, identifier, options
from ._requirements import NEWER_OPTIONS
from ._sandbox import thread_sandbox, turn_sandbox
from .errors import (
    InvalidInputError,
    InvalidInputTypeError,
    InvalidRequestError,
    JsonRpcError,
    TurnNotRunningError,
    TurnNotSteerableError,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ._config import CodexConfig
    from ._metadata import InitializeResponse
    from ._native import Connection
    from .generated.v2_all import (
        ModelListResponse,
        ThreadArchiveResponse,
        ThreadCompactStartResponse,
        ThreadListResponse,
        ThreadReadResponse,
        ThreadSetNameResponse,
        TurnInterruptResponse,
        TurnSteerResponse,
    )

T = TypeVar("T")
MadeT = TypeVar("MadeT")


@dataclass(frozen=True)
class Request(Generic[T]):
    """One request, not sent yet.

    Args:
        method: Its name on the wire.
        params: Its params: what `plain` makes JSON of, or None where there are none. They may hold a key,
            so they are not in its repr.
        decode: Makes the answer's value of the method and the raw `result`.
        turn_of: The thread in which it starts a turn, if it does: a turn that nobody gets is undone.
        needs: Its options that an older runtime would drop without a word, by their Python names.
    """

    method: str
    params: dict[str, Any] | BaseModel | None = field(repr=False)
    decode: Callable[[str, bytes], T]
    turn_of: str | None = None
    needs: tuple[str, ...] = ()

    def making(self, make: Callable[[T], MadeT]) -> Request[MadeT]:
        """The same, and `make` makes something of the answer's value before what was begun is nobody's."""

        def decode(method: str, result: bytes) -> MadeT:
            return make(self.decode(method, result))

        return Request(self.method, self.params, decode, self.turn_of, self.needs)


def serialise(request: Request[Any]) -> bytes | None:
    """The params as JSON, None where there are none.

    Raises:
        InvalidInputError: They hold something that JSON cannot express.
    """
    if request.params is None:
        return None
    try:
        text = json.dumps(
            request.params, default=plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        return text.encode()
    except UnicodeEncodeError as error:
        # Its position is one in the JSON, which nobody has seen.
        raise InvalidInputError(
            f"The arguments of {request.method} are not JSON: a string has the lone surrogate "
            f"{error.object[error.start]!r}, which is no character. Was it decoded with 'surrogateescape'?"
        ) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"The arguments of {request.method} are not JSON: {error}.") from error


# Of Pydantic's complaint about a value, its field. What the value is comes after it.
_WRONG_FIELD = re.compile(r"as expected \[field_name='(\w+)', input_value=")


def plain(value: Any) -> Any:
    """What JSON has for a model (by the wire's names, without what was not set), an enum's member or a path.

    Raises:
        TypeError: It is none of these.
        ValueError: It is a model that was given values of other types than its own.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if not hasattr(value, "model_dump"):
        raise TypeError(f"{type(value).__name__} is no type of JSON")
    try:
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings="error")
    except ValueError as error:
        wrong = _WRONG_FIELD.findall(str(error))
    # Not from the error, which quotes the values: they may be secrets.
    what = f"wrong values in its fields {', '.join(wrong)}" if wrong else "values that are no JSON"
    raise ValueError(f"{type(value).__name__} has {what}")


_HINTS = (
    ("has an active goal operation", "steer the goal with its handle's steer(), or interrupt it first"),
    ("invalid thread id", "take the id from thread.id or from thread_list()"),
    ("invalid session id", "take the id from thread.id or from thread_list()"),
    (
        "rollout found",
        "no thread with a first message has this id; thread_list() shows those that do",
    ),
    ("thread not found", "load the thread first with thread_resume(thread_id)"),
    ("thread not loaded", "load the thread first with thread_resume(thread_id)"),
)


_EXPERIMENTAL = re.compile(r"(\S+) requires experimentalApi capability")

# The requests about a turn that runs, and how they name it, on the wire and in their models.
_ABOUT_A_TURN = ("turn/steer", "turn/interrupt")
_TURN_NAMES = ("expectedTurnId", "turnId", "expected_turn_id", "turn_id")


def explained(error: JsonRpcError, request: Request[Any], connection: Connection) -> JsonRpcError:
    """A refusal that says which request it answers and, where that is known, what to do about it.

    One to steer or to interrupt a turn that does not run, or takes no input, is of a class of its own.
    """
    if isinstance(error, InvalidRequestError):
        kind = _kind(error, request, connection)
        if kind is not type(error):
            error = kind(error.code, error.message, error.data).with_traceback(error.__traceback__)
        experimental = _EXPERIMENTAL.search(error.message)
        if experimental is not None:
            error.hint = (
                f"{experimental[1]} is experimental: use it from a client that was made with "
                "CodexConfig(experimental_api=True)"
            )
        else:
            error.hint = next((hint for words, hint in _HINTS if words in error.message), None)
    error.method = request.method
    return error


def _kind(
    error: InvalidRequestError, request: Request[Any], connection: Connection
) -> type[InvalidRequestError]:
    if request.method not in _ABOUT_A_TURN:
        return type(error)
    info = error.data.get("codexErrorInfo") if isinstance(error.data, dict) else None
    if isinstance(info, dict) and "activeTurnNotSteerable" in info:
        return TurnNotSteerableError
    # Its words are for people, and may change. But they are all there is while the turn's end is on its way.
    is_over = any(connection.turn_is_over(turn_id) for turn_id in _turns_of(request.params))
    return TurnNotRunningError if is_over or "active turn" in error.message else type(error)


def _turns_of(params: Any) -> list[str]:
    return _texts(params, _TURN_NAMES)


def turn_in(request: Request[Any]) -> tuple[str, str] | None:
    """The thread and the turn that a turn/interrupt is about, if it says both."""
    threads, turns = _texts(request.params, ("threadId", "thread_id")), _turns_of(request.params)
    return (threads[0], turns[0]) if threads and turns else None


def _texts(params: Any, names: tuple[str, ...]) -> list[str]:
    """What is a text of these properties, by their names on the wire or in a model."""
    fields = params if isinstance(params, dict) else getattr(params, "__dict__", {})
    return [value for name in names if isinstance(value := fields.get(name), str)]


def raw(method: Any, params: Any, response_model: Any) -> Request[Any]:
    """A request that the caller describes.

    Raises:
        InvalidInputTypeError: An argument has the wrong type.
        InvalidInputError: An argument has a value that makes no sense.
    """
    method = identifier("method", method)
    fields = None if params is None else fields_of(params)
    if response_model is None:
        decode: Callable[[str, bytes], Any] = _decode.raw
    elif isinstance(response_model, type) and hasattr(response_model, "model_validate_json"):
        decode = functools.partial(_decode.into, response_model)
    else:
        raise InvalidInputTypeError("response_model must be a pydantic model class, or None.")
    thread_id = fields.get("threadId") if fields is not None and method == "turn/start" else None
    turn_of = identifier("threadId", thread_id) if isinstance(thread_id, str) else None
    return Request(method, fields, decode, turn_of)


def fields_of(params: Any) -> dict[str, Any]:
    """Params that the caller wrote, by the wire's names.

    Raises:
        InvalidInputTypeError: They are neither a mapping with str keys nor a model of one.
        InvalidInputError: They are a model with values that cannot be sent.
    """
    given = type(params).__name__
    if hasattr(params, "model_dump"):
        try:
            params = plain(params)
        except ValueError as error:
            raise InvalidInputError(f"params cannot be sent: {error}.") from error
    if not isinstance(params, Mapping) or not all(isinstance(name, str) for name in params):
        raise InvalidInputTypeError(
            f"params must be a dict with str keys, a pydantic model of one, or None, not {given}."
        )
    return dict(params)


def initialize(config: CodexConfig) -> Request[InitializeResponse]:
    client = {
        "name": config.client_name,
        "title": config.client_title,
        "version": config.client_version,
    }
    capabilities: dict[str, Any] = {"experimentalApi": config.experimental_api}
    if config.request_attestation:
        capabilities["requestAttestation"] = True
    if config.opt_out_notifications:
        capabilities["optOutNotificationMethods"] = list(config.opt_out_notifications)
    params = {"clientInfo": client, "capabilities": capabilities}
    return Request("initialize", params, _decode.initialized)


def thread_start(
    *,
    approval_mode: Any,
    approval_policy: Any = None,
    approvals_reviewer: Any = None,
    sandbox: Any = None,
    sandbox_policy: Any = None,
    **given: Any,
) -> Request[_decode.Opened]:
    params = {
        **approval_settings(
            approval_mode, approval_policy, approvals_reviewer, default=ApprovalMode.auto_review
        ),
        **_thread_options(sandbox, sandbox_policy, given),
    }
    return Request("thread/start", params, _decode.opened)


def thread_resume(thread_id: str, **given: Any) -> Request[_decode.Opened]:
    return _on_thread("thread/resume", thread_id, **given)


def thread_fork(thread_id: str, **given: Any) -> Request[_decode.Opened]:
    return _on_thread("thread/fork", thread_id, **given)


def _on_thread(
    method: str,
    thread_id: str,
    *,
    approval_mode: Any,
    approval_policy: Any = None,
    approvals_reviewer: Any = None,
    sandbox: Any = None,
    sandbox_policy: Any = None,
    **given: Any,
) -> Request[_decode.Opened]:
    params = {
        "threadId": identifier("thread_id", thread_id),
        **approval_settings(approval_mode, approval_policy, approvals_reviewer),
        **_thread_options(sandbox, sandbox_policy, given),
    }
    return Request(method, params, _decode.opened, needs=_needs(given))


def _thread_options(sandbox: Any, sandbox_policy: Any, given: dict[str, Any]) -> dict[str, Any]:
    fields, settings = thread_sandbox(sandbox, sandbox_policy)
    params = {**options(**given), **fields}
    if settings:
        params["config"] = {**params.get("config", {}), **settings}
    return params


def _needs(given: dict[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in NEWER_OPTIONS if given.get(name) is not None)


def thread_unarchive(thread_id: str) -> Request[_decode.Opened]:
    return Request("thread/unarchive", {"threadId": identifier("thread_id", thread_id)}, _decode.opened)


def thread_archive(thread_id: str) -> Request[ThreadArchiveResponse]:
    params = {"threadId": identifier("thread_id", thread_id)}
    return Request("thread/archive", params, _decode.answer)


def thread_list(**given: Any) -> Request[ThreadListResponse]:
    return Request("thread/list", options(**given), _decode.answer)


def model_list(*, include_hidden: bool) -> Request[ModelListResponse]:
    return Request("model/list", options(include_hidden=include_hidden), _decode.answer)


def thread_read(thread_id: str, *, include_turns: bool) -> Request[ThreadReadResponse]:
    params = {
        "threadId": identifier("thread_id", thread_id),
        "includeTurns": flag("include_turns", include_turns),
    }
    return Request("thread/read", params, _decode.answer)


def thread_set_name(thread_id: str, name: str) -> Request[ThreadSetNameResponse]:
    params = {"threadId": identifier("thread_id", thread_id), "name": identifier("name", name)}
    return Request("thread/name/set", params, _decode.answer)


def thread_compact(thread_id: str) -> Request[ThreadCompactStartResponse]:
    params = {"threadId": identifier("thread_id", thread_id)}
    return Request("thread/compact/start", params, _decode.answer)


def turn_start(
    thread_id: str,
    input: Any,
    *,
    approval_mode: Any,
    approval_policy: Any = None,
    approvals_reviewer: Any = None,
    sandbox: Any = None,
    sandbox_policy: Any = None,
    **given: Any,
) -> Request[None]:
    """The answer's turn id reaches the caller through its subscription, so nothing is decoded."""
    params = {
        "threadId": identifier("thread_id", thread_id),
        **turn_input(input),
        **approval_settings(approval_mode, approval_policy, approvals_reviewer),
        **turn_sandbox(sandbox, sandbox_policy),
        **options(**given),
    }
    needs = (*(["ExternalMessage"] if isinstance(input, ExternalMessage) else []), *_needs(given))
    return Request("turn/start", params, _decode.nothing, turn_of=thread_id, needs=needs)


def turn_steer(thread_id: str, turn_id: str, input: Any) -> Request[TurnSteerResponse]:
    params = {"threadId": thread_id, "expectedTurnId": turn_id, "input": input_items(input)}
    return Request("turn/steer", params, _decode.answer)


def turn_interrupt(thread_id: str, turn_id: str) -> Request[TurnInterruptResponse]:
    params = {"threadId": thread_id, "turnId": turn_id}
    return Request("turn/interrupt", params, _decode.answer)
