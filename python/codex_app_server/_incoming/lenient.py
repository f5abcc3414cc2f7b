"""What becomes of data that does not fit its model: the model, with what changed kept as it came.

Owns the way from raw JSON to a model of which some fields have another type than the schema says. Each
such field holds an `UnknownValue`; everything else is validated as usual. Only called after validation has
refused, so it may be slow. Validates JSON and not Python values, because strictness there means the types of
JSON. Used by `_incoming.decoding` for answers and by `_incoming.result` for what a turn comes to.
"""

from __future__ import annotations

import functools
import json
import types
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from ..generated._base import UnknownValue

ModelT = TypeVar("ModelT", bound=BaseModel)

_MISSING = object()


def build(model: type[ModelT], raw: Any) -> ModelT | UnknownValue:
    """`raw` as `model`, or as an `UnknownValue` if it is not even an object. Never raises."""
    try:
        return model.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError:
        pass
    if not isinstance(raw, dict) or issubclass(model, RootModel):
        return UnknownValue(raw)
    left = dict(raw)
    values = {}
    given = set()
    for name, field in model.model_fields.items():
        value = left.pop(field.alias or name, _MISSING)
        if value is not _MISSING:
            given.add(name)
            values[name] = _value(_type(field), value)
        elif field.is_required():
            # Not among the fields that are set, so it is not written back either.
            values[name] = UnknownValue(None)
    made = model.model_construct(given, **values)
    if made.__pydantic_extra__ is not None:
        made.__pydantic_extra__.update(left)
    return made


def _type(field: FieldInfo) -> Any:
    # Constraints stand beside the annotation; both are a part of the type.
    parts = (field.annotation, *field.metadata)
    return Annotated[parts] if field.metadata else field.annotation


def _value(annotation: Any, value: Any) -> Any:
    try:
        return _adapter(annotation).validate_json(json.dumps(value), strict=True)
    except ValidationError:
        return _part(annotation, value)


# Only annotations of models come here, so it is bounded.
@functools.cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _part(annotation: Any, value: Any) -> Any:
    """`value` with those of its parts that fit; `annotation` as a whole has refused it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _part(get_args(annotation)[0], value)
    if origin in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return _part(kinds[0], value) if len(kinds) == 1 else UnknownValue(value)
    if origin is list and isinstance(value, list):
        return [_value(get_args(annotation)[0], part) for part in value]
    if origin is dict and isinstance(value, dict):
        return {key: _value(get_args(annotation)[1], part) for key, part in value.items()}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return build(annotation, value)
    return UnknownValue(value)
