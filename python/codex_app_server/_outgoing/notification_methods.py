"""From the kinds of notifications that a program names to the methods on the wire. Used by the clients."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable
from typing import Any

from .._package.late import pydantic
from ..errors import InvalidInputError, InvalidInputTypeError
from ..generated.notifications import PAYLOADS, payload_model

logger = logging.getLogger("codex_app_server")


def methods(kinds: Iterable[Any]) -> list[str] | None:
    """The methods of `kinds`, each a method's name or the class of its payload; None for no kinds at all.

    A name that this version does not know is taken, since a newer runtime may know it, and noted in the log,
    since it may be misspelled.

    Raises:
        InvalidInputTypeError: A kind is neither a str nor a class.
        InvalidInputError: A name is empty, or a class is no notification's payload.
    """
    found = [method for kind in kinds for method in _methods_of(kind)]
    return found or None


def classes(kinds: Iterable[Any]) -> dict[str, type[pydantic.BaseModel]]:
    """The class of the payload by method, for those kinds that are classes."""
    return {method: kind for kind in kinds if isinstance(kind, type) for method in _methods_of(kind)}


def _methods_of(kind: Any) -> list[str]:
    if isinstance(kind, str):
        if not kind:
            raise InvalidInputError("The name of a notification is empty.")
        if kind not in PAYLOADS:
            near = difflib.get_close_matches(kind, PAYLOADS, 1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            logger.warning("%r is no notification that this version knows%s", kind, meant)
        return [kind]
    if not isinstance(kind, type):
        raise InvalidInputTypeError(
            "A kind of notification is its name or the class of its payload, "
            f"not an instance of {type(kind).__name__}."
        )
    # By name first: comparing classes would build the models of all of them.
    named = [method for method, name in PAYLOADS.items() if name == kind.__name__]
    found = [method for method in named if payload_model(method) is kind]
    if not found:
        raise InvalidInputError(
            f"{kind.__name__} is not the payload of a notification. Give a class such as "
            "ThreadNameUpdatedNotification, or a name such as 'thread/name/updated'."
        )
    return found
