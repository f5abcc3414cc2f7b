"""From the arguments of a typed call to its request.

Owns the check of every argument against the schema, all of it before anything is written: what is left out
is left out, None is null where the schema has null, and everything else must be what the model of the params
says, strictly. Called by the generated calls of `rpc` only, and imported with them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from .._incoming import decoding
from .._package.late import pydantic
from ..errors import InvalidInputError, InvalidInputTypeError
from ..generated.requests import REQUESTS
from .omit import OMIT
from .requests import Request
from .wire_form import plain

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

T = TypeVar("T")

# A union reports each alternative that a value is not; more than the first few help nobody.
_SHOWN_FAULTS = 3


def call(method: str, /, **given: Any) -> Request[T]:
    """The request whose params have the fields `given`.

    What the answer is says the annotation of the generated call, and the table of requests to the decoder.

    Raises:
        InvalidInputTypeError: An argument has the wrong type, or is None where null is not allowed.
        InvalidInputError: An argument has a value that makes no sense.
    """
    fields = {name: value for name, value in given.items() if value is not OMIT}
    for name in REQUESTS[method].not_nullable:
        if fields.get(name, OMIT) is None:
            raise InvalidInputTypeError(
                f"{method}: {name} must not be None. Leave it out for the runtime's default."
            )
    text = ",".join(f'"{name}":{_json(method, name, value)}' for name, value in fields.items())
    turn_of = fields.get("thread_id") if method == "turn/start" else None
    return Request(method, _params(method, f"{{{text}}}"), decoding.answer, turn_of)


def call_with(method: str, params: Any, /) -> Request[T]:
    """The request whose params are `params` as a whole: one variant of a union.

    Raises:
        InvalidInputTypeError: They have the wrong type.
        InvalidInputError: They are no variant of the union.
    """
    return Request(method, _params(method, _json(method, "params", params)), decoding.answer)


def _json(method: str, name: str, value: Any) -> str:
    try:
        return json.dumps(value, default=plain, allow_nan=False)
    except TypeError as error:
        raise InvalidInputTypeError(f"{method}: {name} is not JSON: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{method}: {name} is not JSON: {error}.") from error


def _params(method: str, text: str) -> pydantic.BaseModel | None:
    """`text` as the params of `method`, None for a request without any.

    Validated as JSON, because strictness there means the types of JSON: an enum's string and an object for a
    model are taken, a number for a string is not.
    """
    model = REQUESTS[method].params_model
    if model is None:
        return None
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        refusal = _refusal(method, model, error)
    # Not from the error, which quotes the values.
    raise refusal


def _refusal(method: str, model: type[pydantic.BaseModel], error: ValidationError) -> Exception:
    # The values are left out of the message: they may be secrets.
    faults = error.errors(include_url=False, include_context=False)
    arguments = {field.alias or name: name for name, field in model.model_fields.items()}
    found = []
    for fault in faults[:_SHOWN_FAULTS]:
        first, *inside = fault["loc"] or ("params",)
        place = ".".join(map(str, [arguments.get(str(first), first), *inside]))
        found.append(f"{place}: {fault['msg']}")
    is_type = all(map(_is_of_type, faults))
    kind = InvalidInputTypeError if is_type else InvalidInputError
    return kind(f"{method}: {'; '.join(found)}.")


def _is_of_type(fault: ErrorDetails) -> bool:
    """Whether a value has the wrong type; a number where an enum's string belongs has, too."""
    kind = fault["type"]
    return kind.endswith("_type") or (kind == "enum" and not isinstance(fault["input"], str))
