"""Events that the native side builds without validation.

Owns which ones, how their models are described to it, and the proof that what it builds equals what
validation builds. Whatever is not exactly as described is validated. Called by `decoding`, once for each
method.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
from collections.abc import Callable, Iterable
from enum import Enum, EnumMeta
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel

from .._native import Decoder
from ..generated._base import Tagged
from ..models import Notification

logger = logging.getLogger("codex_app_server")

# What arrives by the thousand: flat models of strings and integers, and what every turn has: its beginning
# and end, its messages, its usage. docs/design/speed.md has what it brings.
METHODS = (
    "item/agentMessage/delta",
    "item/plan/delta",
    "item/reasoning/textDelta",
    "item/reasoning/summaryTextDelta",
    "item/commandExecution/outputDelta",
    "item/fileChange/outputDelta",
    "item/started",
    "item/completed",
    "turn/started",
    "turn/completed",
    "thread/tokenUsage/updated",
)
# Of unions, these variants: messages, which have nothing but text as a rule.
_VARIANTS = ("agentMessage", "userMessage", "text")

# A field: its name on the wire, its attribute, and a kind as `Decoder.add_fast` takes it.
Fields = list[tuple[str, str, Any]]


def use(decoder: Decoder, method: str, model: type[Any]) -> None:
    """Have `decoder` build `method`'s payloads natively, if they then equal what validation builds."""
    try:
        fields = fields_of(model)
        if fields is None:
            logger.info("%s is decoded by validation: %s is not simple", method, model.__name__)
            return
        params = json.dumps(sample(fields)).encode()
        trial = Decoder(Notification, lambda *_: None)
        trial.add_fast(method, model, fields)
        validated = model.model_validate_json(params)
        # Twice: the second event of a batch may be a changed copy of the first.
        built = (event.payload for event in trial.decode(method, [params, params]))
        found = next(filter(None, (difference(one, validated) for one in built)), "")
    except Exception as error:  # whatever this pydantic does, validation still works
        fields, found = [], repr(error)
    if found:
        logger.warning("%s is decoded by validation, which is slower: %s", method, found)
        return
    decoder.add_fast(method, model, fields)


# --- descriptions


def fields_of(model: type[Any], tag: str | None = None) -> Fields | None:
    """The fields of a model; None where one of them is not simple, or the model has a say of its own."""
    if not _is_plain(model):
        return None
    fields: Fields = []
    for name, field in model.model_fields.items():
        kind = "str" if name == tag else _kind(field.annotation)
        if kind is None or field.metadata:
            return None
        fields.append((field.alias or name, name, kind))
    return fields


# What changes nothing of how a value is made.
_PLAIN_CONFIG = {
    *("extra", "defer_build", "hide_input_in_errors"),
    # Pydantic 2.12 adds the last two where the first is set.
    *("populate_by_name", "validate_by_alias", "validate_by_name"),
}


def _is_plain(model: type[BaseModel]) -> bool:
    """Whether a model has no validators, serializers or settings that the native side would bypass."""
    decorators = model.__pydantic_decorators__
    if any(getattr(decorators, kind.name) for kind in dataclasses.fields(decorators)):
        return False
    return model.model_config.keys() <= _PLAIN_CONFIG


def _kind(annotation: Any) -> Any:
    if annotation in (str, int):
        return annotation.__name__
    if isinstance(annotation, EnumMeta):
        return {member.value: member for member in cast("Iterable[Enum]", annotation)}
    if get_origin(annotation) is list:
        # Of what is not simple, only the empty list is read natively.
        return [kind for kind in map(_kind, get_args(annotation)) if kind is not None]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _union(annotation) if annotation.__pydantic_root_model__ else _model(annotation)
    return _optional([_kind(one) for one in get_args(annotation) if one is not type(None)], annotation)


def _optional(kinds: list[Any], annotation: Any) -> Any:
    if type(None) not in get_args(annotation):
        return None
    # Likewise, only null.
    return (kinds[0],) if len(kinds) == 1 and isinstance(kinds[0], (str, dict, list)) else "null"


def _model(model: type[BaseModel]) -> Any:
    fields = fields_of(model)
    return (model, fields) if fields else None


def _union(wrapper: type[Any]) -> Any:
    """A union's variants that are built natively; the others are left to validation."""
    root = wrapper.model_fields["root"]
    for mark in root.metadata:
        if not isinstance(mark, Tagged):
            continue
        by_tag, _ = mark.sorted(root.annotation)
        planned: list[tuple[str, type[Any], Fields]] = []
        for text, variant in by_tag.items():
            fields = fields_of(variant, mark.tag) if text in _VARIANTS else None
            if fields:
                planned.append((text, variant, fields))
        if planned:
            return wrapper, planned[0][1].model_fields[mark.tag].alias or mark.tag, planned
    return None


def sample(fields: Fields) -> dict[str, Any]:
    """Params that are built natively."""
    return {wire: _sample(kind) for wire, _, kind in fields}


def _sample(kind: Any) -> Any:
    if isinstance(kind, dict):
        return next(iter(kind))
    if isinstance(kind, str):
        return {"str": "text ✓", "int": 7, "null": None}[kind]
    if isinstance(kind, list):
        return [_sample(one) for one in kind] * 2
    if len(kind) == 1:
        return _sample(kind[0])
    if len(kind) == 2:
        return sample(kind[1])
    _, tag, ((value, _, fields), *_) = kind
    # In front, where the native side looks for it.
    return {tag: value} | sample(fields) | {tag: value}


# --- the proof


def difference(fast: Any, validated: Any) -> str:
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
    parts = ((part, validated.__dict__[name]) for name, part in fast.__dict__.items())
    return next(filter(None, (_difference_of_parts(*pair) for pair in parts)), "")


def _difference_of_parts(fast: Any, validated: Any) -> str:
    if isinstance(fast, list):
        return next(filter(None, map(_difference_of_parts, fast, validated)), "")
    return difference(fast, validated) if isinstance(fast, BaseModel) else ""
