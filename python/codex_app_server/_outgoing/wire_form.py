"""What a program's own objects are on the wire: models, members of enums, paths, mappings, sequences.

Owns the one way in which a model is written: by the wire's names, without what was not set, and not at all if
a field was given a value of another type than its own. No error quotes a value: it may be a secret. Used by
whatever makes requests and answers.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, get_args

from .._arguments import is_sequence, mapping, wrong
from ..errors import InvalidInputError

# Of Pydantic's complaint about a value, its field. What the value is comes after it.
_WRONG_FIELD = re.compile(r"as expected \[field_name='(\w+)', input_value=")


def plain(value: Any) -> Any:
    """What JSON has for a model, an enum's member, a path, a mapping that is no dict, or a sequence.

    Raises:
        TypeError: It is none of these.
        ValueError: It is a model that was given values of other types than its own.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    if is_sequence(value):
        return list(value)
    if not is_model(value):
        raise TypeError(f"{type(value).__name__} is no type of JSON")
    try:
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings="error")
    except ValueError as error:
        wrong_fields = _WRONG_FIELD.findall(str(error))
    # Not from the error, which quotes the values.
    what = (
        f"wrong values in its fields {', '.join(wrong_fields)}" if wrong_fields else "values that are no JSON"
    )
    raise ValueError(f"{type(value).__name__} has {what}")


def json_object(name: str, value: Any) -> dict[str, Any]:
    """What JSON has for a mapping, with whatever is in it as it will be sent.

    Raises:
        InvalidInputTypeError: It is none, or a name in it is no text.
        InvalidInputError: It holds something that JSON cannot express.
    """
    given = mapping(name, value)
    try:
        made: dict[str, Any] = json.loads(json.dumps(given, default=plain, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{name} is not JSON: {error}.") from error
    return made


def is_model(value: Any) -> bool:
    """Whether it is a Pydantic model, and not the class of one."""
    return hasattr(value, "model_dump") and not isinstance(value, type)


def model(name: str, value: Any, expected: str = "a model") -> Any:
    """What JSON has for a model.

    Raises:
        InvalidInputTypeError: It is none.
        InvalidInputError: It has values that cannot be sent.
    """
    if not is_model(value):
        raise wrong(name, expected, value)
    try:
        return plain(value)
    except ValueError as error:
        raise InvalidInputError(f"{name} cannot be sent: {error}.") from error


def as_it_came(value: Any) -> Any:
    """What the runtime had sent where this model came from, with what this version does not know."""
    return value.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)


def is_of_kind(kind: str, value: Any) -> bool:
    """Whether `value` is of this class of the protocol, or of a variant of it. Imports the class."""
    from ..generated import v2_all

    made = getattr(v2_all, kind)
    root = getattr(made, "model_fields", {}).get("root")
    # A union with texts is a model, and its texts are an enum beside it.
    classes = [made, getattr(v2_all, f"{kind}Value", made), *(get_args(root.annotation) if root else ())]
    return any(isinstance(each, type) and isinstance(value, each) for each in classes)
