"""The requests of logins and accounts, and what the runtime says when a login is over.

Owns the one place through which a key goes: it is checked here, stands in nothing that is printed, and no
error quotes it or refers to an exception that does. Nothing here waits. Called by both shells.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from .. import types
from .._arguments import identifier, secret
from .._incoming import decoding
from .._incoming.failures import unreadable
from .._package.late import pydantic
from ..models import Notification, UnknownNotification
from .params import options
from .requests import Request

ModelT = TypeVar("ModelT", bound="pydantic.BaseModel")

COMPLETED = "account/login/completed"
# The property of that notification that says which login it is about. It is null for a login with a key,
# which is over with its answer and has no handle.
SUBJECT = "loginId"

_START = "account/login/start"


def api_key(key: Any) -> Request[None]:
    return Request(_START, {"type": "apiKey", "apiKey": secret("api_key", key)}, decoding.nothing)


def chatgpt() -> Request[types.ChatgptLoginAccountResponse]:
    from ..generated.v2_all import ChatgptLoginAccountResponse

    return Request(_START, {"type": "chatgpt"}, _only(ChatgptLoginAccountResponse))


def device_code() -> Request[types.ChatgptDeviceCodeLoginAccountResponse]:
    from ..generated.v2_all import ChatgptDeviceCodeLoginAccountResponse

    return Request(_START, {"type": "chatgptDeviceCode"}, _only(ChatgptDeviceCodeLoginAccountResponse))


def cancel(login_id: str) -> Request[types.CancelLoginAccountResponse]:
    return Request("account/login/cancel", {"loginId": identifier("login_id", login_id)}, decoding.answer)


def cancel_errand(login_id: str) -> tuple[str, bytes]:
    """`cancel` as the native side sends it when nobody is there to do it."""
    request = cancel(login_id)
    return request.method, json.dumps(request.params).encode()


def account(*, refresh_token: bool) -> Request[types.GetAccountResponse]:
    return Request("account/read", options(refresh_token=refresh_token), decoding.answer)


def logout() -> Request[None]:
    return Request("account/logout", None, decoding.nothing)


def completion(event: Notification, login_id: str) -> types.AccountLoginCompletedNotification | None:
    """What `event` says about the end of this login; None if it is about something else."""
    found = completion_in(event)
    return found if getattr(found, "login_id", None) == login_id else None


def completion_in(event: Notification) -> types.AccountLoginCompletedNotification | None:
    """What `event` says about the end of a login; None if it is about something else."""
    if event.method != COMPLETED:
        return None
    payload: Any = event.payload
    if isinstance(payload, UnknownNotification):  # a newer runtime's: what fits is kept
        from .._incoming.lenient import build
        from ..generated.v2_all import AccountLoginCompletedNotification

        payload = build(AccountLoginCompletedNotification, payload.params)
    completed: types.AccountLoginCompletedNotification = payload
    return completed


def is_of_a_handle(event: Notification) -> bool:
    """Whether `event` is the end of a login that has an id, and so somebody who waits for it."""
    return isinstance(getattr(completion_in(event), "login_id", None), str)


def _only(model: type[ModelT]) -> Callable[[str, bytes], ModelT]:
    """Reads an answer that must be of this variant. What it was is not quoted: it may hold a code."""

    def read(method: str, result: bytes) -> ModelT:
        try:
            return model.model_validate_json(result)
        except ValueError:
            pass
        raise unreadable(
            f"the answer to {method} is no {model.__name__}; the runtime may be of another version"
        )

    return read
