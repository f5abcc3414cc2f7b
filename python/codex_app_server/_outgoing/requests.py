"""Every request that the clients make: its method, its params and how its answer is read.

Owns the descriptions and nothing else: a `Request` is data, the connections send it. Public methods of both
shells call these builders, so a request is described once.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

from .. import types
from .._arguments import flag, identifier, whole
from .._incoming import decoding
from .._launch.config import CodexConfig
from .._native import Connection
from .._package.late import pydantic
from ..errors import (
    InvalidInputError,
    InvalidInputTypeError,
    InvalidRequestError,
    JsonRpcError,
    TurnNotRunningError,
    TurnNotSteerableError,
)
from . import thread_settings
from .approval_mode import ApprovalMode, approval_settings
from .inputs import ExternalMessage, input_items, turn_input
from .params import options
from .requirements import NEWER_OPTIONS
from .sandbox import thread_sandbox, turn_sandbox
from .thread_settings import Settings
from .turn_options import refuse_unknown
from .wire_form import is_model, model, plain

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
        settings: Those of a thread that it asks for and that its answer tells.
        untold: Those that no answer tells, but that can be set.
        for_loading: Its options that a thread which is loaded already does not take.
        rights_for_loading: Those of them that say what the agent may do.
    """

    method: str
    params: dict[str, Any] | pydantic.BaseModel | None = field(repr=False)
    decode: Callable[[str, bytes], T]
    turn_of: str | None = None
    needs: tuple[str, ...] = ()
    settings: Settings = field(default_factory=dict, repr=False)
    untold: Settings = field(default_factory=dict, repr=False)
    for_loading: tuple[str, ...] = ()
    rights_for_loading: Settings = field(default_factory=dict, repr=False)

    @property
    def is_stored(self) -> bool:
        """Whether the thread that it opens is stored: the settings of another one no request tells."""
        is_ephemeral = isinstance(self.params, dict) and bool(self.params.get("ephemeral"))
        return self.method != "thread/start" and not is_ephemeral

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


_NOT_LOADED = (
    "load the thread first with thread.resume() or thread_resume(thread_id), one that is archived after "
    "thread_unarchive(thread_id); one that is deleted is gone"
)
_HINTS = (
    ("has an active goal operation", "steer the goal with its handle's steer(), or interrupt it first"),
    ("invalid thread id", "take the id from thread.id or from codex.threads()"),
    ("invalid session id", "take the id from thread.id or from codex.threads()"),
    (
        "no archived rollout found",
        "no archived thread has this id; codex.threads(archived=True) gives those that there are",
    ),
    (
        "rollout found",
        "no thread with a first message has this id, or it is ephemeral, archived or deleted; "
        "codex.threads() gives those that are stored, codex.threads(archived=True) the archived ones",
    ),
    (
        "has an active writer",
        "another client's runtime has this thread loaded, and a thread is loaded by one at a time: close "
        "that client, or go on in a copy with thread_fork(thread_id)",
    ),
    (
        "requires `excludeTurns: true`",
        "an ephemeral fork comes without its turns: leave include_turns out, or False (exclude_turns=True of "
        "codex.rpc); read() of the thread that is forked has them",
    ),
    ("thread not found", _NOT_LOADED),
    ("thread not loaded", _NOT_LOADED),
    ("is archived", "bring it back with thread_unarchive(thread_id)"),
    ("forked history still references it", "delete the threads first that were forked from it"),
    ("not materialized yet", "it has no first message yet: nothing is stored of it"),
)


_OTHER_SCHEMA = "ActiveTurnOutputSchemaMismatch"
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
    elif "list is not supported yet" in error.message:
        error.hint = "the thread is ephemeral, deleted, or has no first message yet: nothing is stored of it"
    elif _OTHER_SCHEMA in error.message:
        error.hint = (
            "the turn that runs on this thread has another output_schema or output_type, or none: wait for "
            "its end, or leave yours out to join it"
        )
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
        decode: Callable[[str, bytes], Any] = decoding.raw
    elif isinstance(response_model, type) and hasattr(response_model, "model_validate_json"):
        decode = functools.partial(decoding.into, response_model)
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
    if is_model(params):
        params = model("params", params)
    if not isinstance(params, Mapping) or not all(isinstance(name, str) for name in params):
        raise InvalidInputTypeError(
            f"params must be a dict with str keys, a pydantic model of one, or None, not {given}."
        )
    return dict(params)


def initialize(config: CodexConfig) -> Request[types.InitializeResponse]:
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
    return Request("initialize", params, decoding.initialized)


def thread_start(
    *,
    approval_mode: Any,
    approval_policy: Any = None,
    approvals_reviewer: Any = None,
    sandbox: Any = None,
    sandbox_policy: Any = None,
    tools: list[dict[str, Any]] | None = None,
    **given: Any,
) -> Request[decoding.Opened]:
    is_default = (
        approval_mode == ApprovalMode.auto_review and approval_policy is None and approvals_reviewer is None
    )
    approvals = approval_settings(
        approval_mode, approval_policy, approvals_reviewer, default=ApprovalMode.auto_review
    )
    chosen = _thread_options(sandbox, sandbox_policy, given)
    # The default would win over what the program has written there.
    is_in_config = thread_settings.has_approvals(chosen.get("config"))
    params = {**({} if is_default and is_in_config else approvals), **chosen}
    if tools:
        params["dynamicTools"] = tools
    settings = thread_settings.asked(params)
    if is_default and not is_in_config:
        # The default may be nobody's wish, and an administrator may have ruled it out.
        settings = {name: value for name, value in settings.items() if not name.startswith("approv")}
    return Request("thread/start", params, decoding.opened, settings=settings)


def thread_resume(thread_id: str, **given: Any) -> Request[decoding.Opened]:
    return _on_thread("thread/resume", thread_id, **given)


def thread_fork(thread_id: str, **given: Any) -> Request[decoding.Opened]:
    request = _on_thread("thread/fork", thread_id, **given)
    if isinstance(request.params, dict) and request.params.get("ephemeral") is True:
        # It is refused if the runtime is to send its turns along.
        request.params.setdefault("excludeTurns", True)
    return request


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
) -> Request[decoding.Opened]:
    params = {
        "threadId": identifier("thread_id", thread_id),
        **approval_settings(approval_mode, approval_policy, approvals_reviewer),
        **_thread_options(sandbox, sandbox_policy, given),
    }
    return Request(
        method,
        params,
        decoding.opened,
        needs=_needs(given),
        settings=thread_settings.asked(params),
        untold=thread_settings.untold(params),
        for_loading=thread_settings.for_loading(params),
        rights_for_loading=thread_settings.rights_for_loading(params),
    )


def _thread_options(sandbox: Any, sandbox_policy: Any, given: dict[str, Any]) -> dict[str, Any]:
    fields, settings = thread_sandbox(sandbox, sandbox_policy)
    params = {**options(**given), **fields}
    if settings:
        params["config"] = {**params.get("config", {}), **settings}
    return params


def _needs(given: dict[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in NEWER_OPTIONS if given.get(name) is not None)


def settings_update(thread_id: str, fields: Mapping[str, Any]) -> Request[None]:
    return Request("thread/settings/update", {"threadId": thread_id, **fields}, decoding.nothing)


def settings_of(thread_id: str) -> Request[decoding.Opened]:
    """Of a loaded thread, to which this client is subscribed: it changes nothing."""
    return Request("thread/resume", {"threadId": thread_id, "excludeTurns": True}, decoding.opened)


def thread_status(thread_id: str) -> Request[str | None]:
    params = {"threadId": identifier("thread_id", thread_id), "includeTurns": False}
    return Request("thread/read", params, decoding.thread_status)


def thread_unsubscribe(thread_id: str) -> Request[None]:
    return Request("thread/unsubscribe", {"threadId": thread_id}, decoding.nothing)


def service_tiers() -> Request[Any]:
    return Request("model/list", {"includeHidden": True}, decoding.raw)


def config_read(cwd: str | None) -> Request[Any]:
    return Request("config/read", {} if cwd is None else {"cwd": cwd}, decoding.raw)


def thread_unarchive(thread_id: str) -> Request[decoding.Opened]:
    return Request("thread/unarchive", {"threadId": identifier("thread_id", thread_id)}, decoding.opened)


def thread_archive(thread_id: str) -> Request[types.ThreadArchiveResponse]:
    params = {"threadId": identifier("thread_id", thread_id)}
    return Request("thread/archive", params, decoding.answer)


def thread_list(**given: Any) -> Request[types.ThreadListResponse]:
    return Request("thread/list", options(**given), decoding.answer)


def is_moving(sort_key: Any) -> bool:
    """Whether a thread's place in a list that is sorted by this may change."""
    return (
        sort_key is not None and (sort_key.value if isinstance(sort_key, Enum) else sort_key) != "created_at"
    )


def page_limit(page_size: Any) -> int:
    """`page_size`, checked to be one."""
    limit = whole("page_size", page_size)
    if limit < 1:
        raise InvalidInputError("page_size must be at least 1.")
    return limit


def thread_turns_list(thread_id: str, **given: Any) -> Request[types.ThreadTurnsListResponse]:
    return Request("thread/turns/list", {"threadId": thread_id, **options(**given)}, decoding.answer)


def thread_items_list(thread_id: str, **given: Any) -> Request[types.ThreadItemsListResponse]:
    return Request("thread/items/list", {"threadId": thread_id, **options(**given)}, decoding.answer)


def thread_delete(thread_id: str) -> Request[types.ThreadDeleteResponse]:
    return Request("thread/delete", {"threadId": identifier("thread_id", thread_id)}, decoding.answer)


def model_list(*, include_hidden: bool) -> Request[types.ModelListResponse]:
    return Request("model/list", options(include_hidden=include_hidden), decoding.answer)


def thread_read(thread_id: str, *, include_turns: bool) -> Request[types.ThreadReadResponse]:
    params = {
        "threadId": identifier("thread_id", thread_id),
        "includeTurns": flag("include_turns", include_turns),
    }
    return Request("thread/read", params, decoding.answer)


def thread_set_name(thread_id: str, name: str) -> Request[types.ThreadSetNameResponse]:
    params = {"threadId": identifier("thread_id", thread_id), "name": identifier("name", name)}
    return Request("thread/name/set", params, decoding.answer)


def thread_compact(thread_id: str) -> Request[types.ThreadCompactStartResponse]:
    params = {"threadId": identifier("thread_id", thread_id)}
    return Request("thread/compact/start", params, decoding.answer)


def turn_start(
    thread_id: str,
    input: Any,
    *,
    approval_mode: Any = None,
    output_schema: Any = None,
    approval_policy: Any = None,
    approvals_reviewer: Any = None,
    sandbox: Any = None,
    sandbox_policy: Any = None,
    **given: Any,
) -> Request[None]:
    """The answer's turn id reaches the caller through its subscription, so nothing is decoded."""
    refuse_unknown(given)
    params = {
        "threadId": identifier("thread_id", thread_id),
        **turn_input(input),
        **approval_settings(approval_mode, approval_policy, approvals_reviewer),
        **turn_sandbox(sandbox, sandbox_policy),
        **options(output_schema=output_schema, **given),
    }
    needs = (*(["ExternalMessage"] if isinstance(input, ExternalMessage) else []), *_needs(given))
    return Request("turn/start", params, decoding.nothing, turn_of=thread_id, needs=needs)


def turn_steer(thread_id: str, turn_id: str, input: Any) -> Request[types.TurnSteerResponse]:
    params = {"threadId": thread_id, "expectedTurnId": turn_id, "input": input_items(input)}
    return Request("turn/steer", params, decoding.answer)


def turn_interrupt(thread_id: str, turn_id: str) -> Request[types.TurnInterruptResponse]:
    params = {"threadId": thread_id, "turnId": turn_id}
    return Request("turn/interrupt", params, decoding.answer)
