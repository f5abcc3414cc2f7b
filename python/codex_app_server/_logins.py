"""The requests of logins and accounts, and what the runtime says when a login is over.

Owns the one place through which a key goes: it is checked here, stands in nothing that is printed, and no
error quotes it or refers to an exception that does. Nothing here waits. Called by both shells.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from . import _decode
from ._params import identifier, options
from ._requests import Request
from .errors import InvalidInputError, InvalidInputTypeError, ParseError
from .models import UnknownNotification

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from .generated.v2_all import (
        AccountLoginCompletedNotification,
        CancelLoginAccountResponse,
        ChatgptDeviceCodeLoginAccountResponse,
        ChatgptLoginAccountResponse,
        GetAccountResponse,
    )
    from .models import Notification

ModelT = TypeVar("ModelT", bound="BaseModel")

COMPLETED = "account/login/completed"
# The property of that notification that says which login it is about. It is null for a login with a key,
# which is over with its answer and has no handle.
SUBJECT = "loginId"

_START = "account/login/start"


def api_key(key: Any) -> Request[None]:
    return Request(_START, {"type": "apiKey", "apiKey": _secret("api_key", key)}, _decode.nothing)


def chatgpt() -> Request[ChatgptLoginAccountResponse]:
    from .generated.v2_all import ChatgptLoginAccountResponse

    return Request(_START, {"type": "chatgpt"}, _only(ChatgptLoginAccountResponse))


def device_code() -> Request[ChatgptDeviceCodeLoginAccountResponse]:
    from .generated.v2_all import ChatgptDeviceCodeLoginAccountResponse

    return Request(_START, {"type": "chatgptDeviceCode"}, _only(ChatgptDeviceCodeLoginAccountResponse))


def cancel(login_id: str) -> Request[CancelLoginAccountResponse]:
    return Request("account/login/cancel", {"loginId": identifier("login_id", login_id)}, _decode.answer)


def cancel_errand(login_id: str) -> tuple[str, bytes]:
    """`cancel` as the native side sends it when nobody is there to do it."""
    request = cancel(login_id)
    return request.method, json.dumps(request.params).encode()


def account(*, refresh_token: bool) -> Request[GetAccountResponse]:
    return Request("account/read", options(refresh_token=refresh_token), _decode.answer)


def logout() -> Request[None]:
    return Request("account/logout", None, _decode.nothing)


def completion(event: Notification, login_id: str) -> AccountLoginCompletedNotification | None:
    """What `event` says about the end of this login; None if it is about something else."""
    if event.method != COMPLETED:
        return None
    payload: Any = event.payload
    if isinstance(payload, UnknownNotification):  # a newer runtime's: what fits is kept
        from ._lenient import build
        from .generated.v2_all import AccountLoginCompletedNotification

        payload = build(AccountLoginCompletedNotification, payload.params)
    return payload if getattr(payload, "login_id", None) == login_id else None


def _secret(name: str, value: Any) -> str:
    """`value`, checked to be text that can be sent. An empty key is the runtime's to judge.

    The check asks and does not try: a codec's exception would carry the whole text along.
    """
    if not isinstance(value, str):
        raise InvalidInputTypeError(f"{name} must be a str, not {type(value).__name__}.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidInputError(f"{name} is not text: it has a lone surrogate.")
    return str(value)


def _only(model: type[ModelT]) -> Callable[[str, bytes], ModelT]:
    """Reads an answer that must be of this variant. What it was is not quoted: it may hold a code."""

    def read(method: str, result: bytes) -> ModelT:
        try:
            return model.model_validate_json(result)
        except ValueError:
            pass
        raise ParseError(
            -32700, f"the answer to {method} is no {model.__name__}; the runtime may be of another version"
        )

    return read
