"""From keyword arguments to the fields of a request.

Owns the wire name of every option that a public method takes, and which check it has; one name means the same
thing wherever it appears. `None` is left out, so that the runtime's own default applies. Used by `requests`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .._arguments import count, flag, identifier, is_sequence, mapping, path, sequence, text, wrong
from .choices import choice_of
from .wire_form import is_model, is_of_kind, json_object, model


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


def _inverted(name: str, value: Any) -> bool:
    return not flag(name, value)


def _list_of(convert: Callable[[str, Any], Any]) -> Callable[[str, Any], list[Any]]:
    return functools.partial(_sequence, convert)


def _sequence(convert: Callable[[str, Any], Any], name: str, value: Any) -> list[Any]:
    return sequence(name, value, convert)


def _cwd_filter(_: str, value: Any) -> Any:
    # Its name here tells it from a turn's `cwd`; the program's is this.
    if is_sequence(value):
        return sequence("cwd", value, path)
    if not is_model(value):
        return path("cwd", value)
    if not is_of_kind("ThreadListCwdFilter", value):
        raise wrong("cwd", "a path, a list of paths or a ThreadListCwdFilter", value)
    return model("cwd", value)


_OPTIONS: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
    "archived": ("archived", flag),
    "base_instructions": ("baseInstructions", text),
    # Compared with what the runtime answers, so its enums and paths are texts from here on.
    "config": ("config", json_object),
    "cursor": ("cursor", text),
    "cwd": ("cwd", path),
    "cwd_filter": ("cwd", _cwd_filter),
    "developer_instructions": ("developerInstructions", text),
    "effort": ("effort", choice_of("ReasoningEffort")),
    "ephemeral": ("ephemeral", flag),
    "include_hidden": ("includeHidden", flag),
    # The wire has the opposite; not asking for turns is how large threads are resumed cheaply.
    "include_turns": ("excludeTurns", _inverted),
    "items_view": ("itemsView", choice_of("TurnItemsView")),
    "limit": ("limit", count),
    "model": ("model", text),
    "model_provider": ("modelProvider", text),
    "model_providers": ("modelProviders", _list_of(text)),
    "objective": ("objective", text),
    "output_schema": ("outputSchema", mapping),
    "personality": ("personality", choice_of("Personality")),
    "refresh_token": ("refreshToken", flag),
    "search_term": ("searchTerm", text),
    "section_id": ("sectionId", text),
    "service_name": ("serviceName", text),
    "service_tier": ("serviceTier", text),
    "session_start_source": ("sessionStartSource", choice_of("ThreadStartSource")),
    "sort_direction": ("sortDirection", choice_of("SortDirection")),
    "sort_key": ("sortKey", choice_of("ThreadSortKey")),
    "source": ("turnTrigger", text),
    "source_kinds": ("sourceKinds", _list_of(choice_of("ThreadSourceKind"))),
    "summary": ("summary", choice_of("ReasoningSummary")),
    "thread_source": ("threadSource", choice_of("ThreadSource", is_open=True)),
    "token_budget": ("tokenBudget", count),
    "turn_id": ("turnId", identifier),
    "turn_service_tier": ("serviceTierForTurn", text),
    "use_state_db_only": ("useStateDbOnly", flag),
}
