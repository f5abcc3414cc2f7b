"""From keyword arguments to the fields of a request.

Owns the wire name and the check of every option that a public method takes; one name means the same thing
wherever it appears. `None` is left out, so that the runtime's own default applies. Used by `_requests`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum
from typing import Any

from .errors import InvalidInputError, InvalidInputTypeError


def options(**given: Any) -> dict[str, Any]:
    """The fields for the given options.

    Raises:
        InvalidInputTypeError: An option has the wrong type.
        InvalidInputError: An option has a value that makes no sense.
    """
    params: dict[str, Any] = {}
    for name, value in given.items():
        if value is not None:
            wire, convert = _OPTIONS[name]
            params[wire] = convert(name, value)
    return params


def identifier(name: str, value: Any) -> str:
    """`value`, checked to be a usable id."""
    if not _text(name, value):
        raise InvalidInputError(f"{name} is empty.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{name} is not text: {error}.") from error
    return str(value)


def _wrong(name: str, expected: str, value: Any) -> InvalidInputTypeError:
    return InvalidInputTypeError(f"{name} must be {expected}, not {type(value).__name__}.")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "a str", value)
    return value


def _path(name: str, value: Any) -> str:
    return _text(name, os.fspath(value) if isinstance(value, os.PathLike) else value)


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, "a bool", value)
    return value


def _inverted(name: str, value: Any) -> bool:
    return not flag(name, value)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, "an int", value)
    if value < 0:
        raise InvalidInputError(f"{name} must not be negative.")
    return value


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(name, "a dict", value)
    return value


def _choice(name: str, value: Any) -> Any:
    # A plain string passes too: the runtime may know choices that this package does not.
    if isinstance(value, Enum):
        return value.value
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", by_alias=True) if dump is not None else _text(name, value)


def _list_of(convert: Callable[[str, Any], Any]) -> Callable[[str, Any], list[Any]]:
    def convert_all(name: str, value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise _wrong(name, "a list", value)
        return [convert(f"each of {name}", part) for part in value]

    return convert_all


def _paths(name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return _list_of(_path)(name, value)
    return _path(name, value) if isinstance(value, os.PathLike) else _choice(name, value)


_OPTIONS: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
    "archived": ("archived", flag),
    "base_instructions": ("baseInstructions", _text),
    "config": ("config", _object),
    "cursor": ("cursor", _text),
    "cwd": ("cwd", _path),
    "cwd_filter": ("cwd", _paths),
    "developer_instructions": ("developerInstructions", _text),
    "effort": ("effort", _choice),
    "ephemeral": ("ephemeral", flag),
    "goal_status": ("status", _choice),
    "include_hidden": ("includeHidden", flag),
    # The wire has the opposite; not asking for turns is how large threads are resumed cheaply.
    "include_turns": ("excludeTurns", _inverted),
    "limit": ("limit", _count),
    "model": ("model", _text),
    "model_provider": ("modelProvider", _text),
    "model_providers": ("modelProviders", _list_of(_text)),
    "objective": ("objective", _text),
    "output_schema": ("outputSchema", _object),
    "personality": ("personality", _choice),
    "refresh_token": ("refreshToken", flag),
    "search_term": ("searchTerm", _text),
    "section_id": ("sectionId", _text),
    "service_name": ("serviceName", _text),
    "service_tier": ("serviceTier", _text),
    "session_start_source": ("sessionStartSource", _choice),
    "sort_direction": ("sortDirection", _choice),
    "sort_key": ("sortKey", _choice),
    "source": ("turnTrigger", _text),
    "source_kinds": ("sourceKinds", _list_of(_choice)),
    "summary": ("summary", _choice),
    "thread_source": ("threadSource", _choice),
    "token_budget": ("tokenBudget", _count),
    "turn_service_tier": ("serviceTierForTurn", _text),
    "use_state_db_only": ("useStateDbOnly", flag),
}
