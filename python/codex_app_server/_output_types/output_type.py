"""`OutputType`: what a program wants a turn's final response to be.

Owns the way from a Python type to the schema that is sent, and from the text that comes back to a value. A
type whose schema is no object travels in an object of one property. Used by `_outgoing` and by the handles.
"""

from __future__ import annotations

import functools
import inspect
import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, get_args, get_origin

from .._incoming.result import TurnResult
from .._package.late import pydantic
from .._schemas.json_schema import json_schema, reads_later
from ..errors import InvalidInputError, InvalidInputTypeError, OutputValidationError
from .strict import NotStrictError, StrictSchema, strict

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


T = TypeVar("T")

# The property in which a value travels that is no object.
_WRAPPER = "value"


class OutputType(Generic[T]):
    """A type that results are of."""

    def __init__(
        self, name: str, adapter: pydantic.TypeAdapter[T], schema: StrictSchema, is_wrapped: bool
    ) -> None:
        self.name = name
        self._adapter = adapter
        self._strict = schema
        self._is_wrapped = is_wrapped

    @property
    def schema(self) -> dict[str, Any]:
        """What is sent: a strict JSON schema."""
        return self._strict.schema

    def read(self, result: TurnResult[Any]) -> T:
        """The value in a turn's final response.

        Raises:
            OutputValidationError: There is none, or it does not fit.
        """
        from pydantic import ValidationError

        text = result.final_response
        status = getattr(result.status, "value", result.status)
        if text is None:
            raise self.missing(result, f"the turn's status is {status}")
        try:
            return self._value(text)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_context=False)
        except Exception as error:  # of a validator of the program's
            message = f"The final response is no {self.name}: a validator raised {type(error).__name__}."
            raise OutputValidationError(message, text=text, errors=(), result=result) from error
        wrong = "; ".join(f"{_place(each)}{each['msg']}" for each in errors[:_SHOWN])
        more = f"; and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
        # What was stopped may have said a part of it.
        stopped = "" if status == "completed" else f"The turn's status is {status}. "
        raise OutputValidationError(
            f"{stopped}The final response is no {self.name}. {wrong}{more}. `text` has all of it, `result` "
            "the turn.",
            text=text,
            errors=tuple(errors),
            result=result,
        )

    def missing(self, result: TurnResult[Any], why: str) -> OutputValidationError:
        """The error for a result in which there is nothing to read."""
        message = f"There is no final response that could be a {self.name}: {why}."
        return OutputValidationError(message, text=None, errors=(), result=result)

    def _value(self, text: str) -> T:
        from pydantic import ValidationError

        if not self._is_wrapped and not self._strict.absent:
            return self._adapter.validate_json(text)
        try:
            value = self._strict.without_absent(json.loads(text))
        except (ValueError, RecursionError):
            return self._adapter.validate_json(text)  # which says what is wrong
        if self._is_wrapped:
            if not isinstance(value, dict) or _WRAPPER not in value:
                missing = [{"type": "missing", "loc": (_WRAPPER,), "input": value}]
                raise ValidationError.from_exception_data(self.name, missing)  # type: ignore[arg-type]
            value = value[_WRAPPER]
        return self._adapter.validate_json(json.dumps(value))


_SHOWN = 5


def _place(error: ErrorDetails) -> str:
    return "".join(f"{part}." for part in map(str, error["loc"]))[:-1] + ": " if error["loc"] else ""


def output_type_of(given: Any) -> OutputType[Any]:
    """What `output_type=` was given.

    Raises:
        InvalidInputTypeError: It is no type that Pydantic has a schema for.
        InvalidInputError: It has no strict schema. The error says where and why.
    """
    try:
        hash(given)
    except TypeError:  # a union with something in it that has no hash
        return _made.__wrapped__(given, "")
    # Unions are equal in any order, but not the same: the first class that fits is the one.
    return _made(given, repr(given))


@functools.lru_cache(maxsize=256)
def _made(given: Any, _written: str) -> OutputType[Any]:
    from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter

    if isinstance(given, TypeAdapter):
        adapter, name = given, _name_of(given._type)
    else:
        name = _name_of(given)
        if isinstance(given, (list, tuple)):
            raise InvalidInputTypeError(
                f"output_type must be a type, not a {type(given).__name__} of types: write list[…] for a "
                "list, and TypeAdapter(A | B) for one of several."
            )
        if _is_no_type(given):
            raise InvalidInputTypeError(
                f"output_type must be a type, not a {type(given).__name__}. A JSON schema is given as "
                "output_schema."
            )
        try:
            adapter = TypeAdapter(given)
        except PydanticSchemaGenerationError:
            raise InvalidInputTypeError(f"output_type {name} is no type that Pydantic knows.") from None
        except PydanticUserError as error:
            raise InvalidInputTypeError(f"output_type {name} has no schema: {error.message}") from None
    if reads_later(adapter):
        raise InvalidInputError(
            f"output_type {name} has an Iterable, whose items would be read only when the program iterates: "
            "use list[…] or Sequence[…]."
        )
    try:
        schema = json_schema(adapter)
    except PydanticUserError as error:
        raise InvalidInputError(f"output_type {name} has no JSON schema: {error.message}") from None
    is_wrapped = not _is_object(schema)
    if is_wrapped:
        definitions = schema.pop("$defs", None)
        schema = {"type": "object", "properties": {_WRAPPER: schema}, "required": [_WRAPPER]}
        if definitions:
            schema["$defs"] = definitions
    try:
        return OutputType(name, adapter, strict(schema), is_wrapped)
    except NotStrictError as error:
        # Of a type that travels in a property, its own root is that.
        place = re.sub(rf"^{_WRAPPER}(?=$|[.\[])\.?", "", error.place) if is_wrapped else error.place
        where = f" at {place}" if place else ""
        raise InvalidInputError(
            f"output_type {name} has no strict schema{where}: {error.reason.rstrip('.')}."
        ) from None


def _is_no_type(given: Any) -> bool:
    """Whether it is what Pydantic would take all the same, or what is easily meant to be a type."""
    is_function = inspect.isroutine(given) or isinstance(given, functools.partial)
    return is_function or isinstance(given, (str, dict)) or hasattr(type(given), "model_fields")


def _is_object(schema: dict[str, Any]) -> bool:
    node = schema
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return node.get("type") == "object" and "properties" in node


def _name_of(given: Any) -> str:
    if get_origin(given) is Annotated:
        given = get_args(given)[0]
    if isinstance(given, type) and not get_args(given):
        return given.__name__
    return _MODULES.sub(lambda found: found[1] or "", str(given))


# As Python writes the names of types inside of others; not what is in quotes.
_MODULES = re.compile(r"""('[^']*'|"[^"]*")|\b(?:\w+\.)+(?=\w)""")
