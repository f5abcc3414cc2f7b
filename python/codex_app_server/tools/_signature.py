"""A function's parameters as a tool has them: their JSON schema, and the check of a call's arguments.

Owns how annotations, defaults and docstrings come together. Pydantic makes the schema and checks, through a
TypedDict: its keys may be any names, and what is left out of it is left to the function's own default.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
import typing
from collections.abc import Callable, Collection, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any

from .._schemas.json_schema import json_schema, reads_later
from ..errors import InvalidInputError
from ._context import ToolContext

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

# Subscripted with what checkers cannot know.
_ANNOTATED: Any = Annotated
_EMPTY = inspect.Parameter.empty
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)

# Of a wrong value in what the model is told, in characters; and of mistakes.
_MOST_SHOWN = 200
_MOST_MISTAKES = 10


class WrongArgumentsError(Exception):
    """A call's arguments do not fit: in words for the model."""


class Signature:
    """A function's parameters.

    Args:
        name: The tool's name, for errors.
        function: What is called.
        hints: The annotations of `function`, resolved.
        descriptions: What its docstring says of its parameters.

    Raises:
        InvalidInputError: A parameter cannot be a tool's.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        hints: Mapping[str, Any],
        descriptions: Mapping[str, str],
    ) -> None:
        self._name = name
        try:
            self._signature = inspect.signature(function)
        except ValueError as error:
            raise InvalidInputError(f"Tool {name}: {error}. Wrap it in a function of your own.") from None
        # What a partial has bound by name is not for the model, which might bind it anew.
        bound = _bound_by_name(function)
        parameters = [each for each in self._signature.parameters.values() if each.name not in bound]
        self._first = self._first_of_class(function, parameters)
        self.takes_context = bool(parameters) and _is_context(hints.get(parameters[0].name))
        self._context = parameters.pop(0).name if self.takes_context else ""
        # By name, of those that a call may leave out: where a Field has the default, the Field.
        self._defaults: dict[str, Any] = {}
        fields: dict[str, Any] = {}
        for parameter in parameters:
            self._refuse(parameter, hints)
            fields[parameter.name] = self._field(parameter, hints, descriptions.get(parameter.name))
        self._adapter = self._adapter_of(fields)
        # By name, what the model calls a parameter.
        self._called: dict[str, str] = {}
        self.schema = self._schema()

    def _first_of_class(self, function: Any, parameters: list[inspect.Parameter]) -> str:
        """The first parameter of a function that was defined in a class, and has no object yet."""
        within = str(getattr(function, "__qualname__", "")).rpartition("<locals>.")[2]
        return parameters[0].name if parameters and "." in within and inspect.isfunction(function) else ""

    def _refuse(self, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> None:
        what = f"Tool {self._name}: the parameter {parameter.name}"
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            raise InvalidInputError(f"{what} has no name for its values. Make it a list.")
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            raise InvalidInputError(f"{what} has no names that the model could know. Make it a dict.")
        if _is_context(hints.get(parameter.name)):
            raise InvalidInputError(f"{what} must be the first one.")
        if ToolContext in _parts(hints.get(parameter.name)):
            raise InvalidInputError(f"{what} must be annotated with ToolContext itself.")
        if (
            parameter.name == self._first
            and parameter.name in ("self", "cls")
            and parameter.name not in hints
        ):
            raise InvalidInputError(
                f"Tool {self._name} is a method without its object. Give it as the object has it: "
                f"tools=[thing.{self._name}]."
            )

    def _field(self, parameter: inspect.Parameter, hints: Mapping[str, Any], description: str | None) -> Any:
        from pydantic import Field
        from pydantic.fields import FieldInfo
        from typing_extensions import NotRequired, Required

        hint = hints.get(parameter.name, Any)
        default = parameter.default
        about: list[Any] = []
        if isinstance(default, FieldInfo):
            about.append(default)
            is_required = default.is_required()
        else:
            is_required = default is _EMPTY
        if not is_required:
            self._defaults[parameter.name] = default
        description = _words_of(hint) or description
        if description and not _has_description(hint, default):
            about.insert(0, Field(description=description))
        if about:
            hint = functools.reduce(lambda made, each: _ANNOTATED[made, each], about, hint)
        return Required[hint] if is_required else NotRequired[hint]

    def _adapter_of(self, fields: dict[str, Any]) -> TypeAdapter[Any]:
        from pydantic import ConfigDict, PydanticSchemaGenerationError, PydanticUserError, TypeAdapter
        from typing_extensions import TypedDict

        # A name that the model has made up is a mistake that it can mend, and no reason to drop a value.
        def adapter_of(some: dict[str, Any]) -> TypeAdapter[Any]:
            arguments = TypedDict(self._name, some)  # type: ignore[misc]
            arguments.__pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=False)  # type: ignore[attr-defined]
            adapter: TypeAdapter[Any] = TypeAdapter(arguments)
            json_schema(adapter)
            if reads_later(adapter):
                raise PydanticUserError(
                    "an Iterable is checked only while it is read; use list[…]", code=None
                )
            return adapter

        try:
            return adapter_of(fields)
        except (PydanticSchemaGenerationError, PydanticUserError) as error:
            for name, hint in fields.items():
                try:
                    adapter_of({name: hint})
                except (PydanticSchemaGenerationError, PydanticUserError) as its:
                    raise InvalidInputError(
                        f"Tool {self._name}: the parameter {name} has a type that the model cannot give: "
                        f"{_first_sentence(its.message)}"
                    ) from None
            raise InvalidInputError(
                f"Tool {self._name} has no schema: {_first_sentence(error.message)}"
            ) from None

    def _schema(self) -> dict[str, Any]:
        """The arguments' JSON schema, with the defaults of the function."""
        from pydantic_core import PydanticSerializationError, to_jsonable_python

        schema = json_schema(self._adapter)
        schema.pop("title", None)
        properties = schema.setdefault("properties", {})
        names = json_schema(self._adapter, by_alias=False).get("properties", {})
        if len(names) != len(properties):
            raise InvalidInputError(f"Tool {self._name}: an alias is the name of another parameter.")
        self._called = dict(zip(names, properties, strict=True))
        for name, node in zip(names, properties.values(), strict=True):
            default = self._defaults.get(name, _EMPTY)
            if default is _EMPTY or _is_field(default):
                continue
            try:
                node["default"] = to_jsonable_python(default)
            except (PydanticSerializationError, ValueError):
                continue  # nothing that the model could read
        return schema

    def bind(self, arguments: Any, context: ToolContext[Any] | None) -> inspect.BoundArguments:
        """A call's arguments as the function takes them.

        Raises:
            WrongArgumentsError: They do not fit.
        """
        bound = inspect.BoundArguments(self._signature, {})
        given, values = self._checked(arguments)
        for name, parameter in self._signature.parameters.items():
            if name == self._context:
                bound.arguments[name] = context
            elif parameter.default is _EMPTY or self._called.get(name) in given:
                bound.arguments[name] = values[name]
            elif _is_field(parameter.default):
                bound.arguments[name] = parameter.default.get_default(call_default_factory=True)
            else:
                bound.arguments[name] = parameter.default
        return bound

    def _checked(self, arguments: Any) -> tuple[Collection[Any], dict[str, Any]]:
        """What the model has given, and what it is once it is checked."""
        from pydantic import ValidationError

        try:
            return arguments, self._validated(arguments)
        except ValidationError as error:
            mistakes = error.errors(include_url=False, include_context=False)
        # A model that leaves a parameter out may say so with null.
        nulls = {
            mistake["loc"][0]
            for mistake in mistakes
            if len(mistake["loc"]) > 0
            and isinstance(arguments, dict)
            and arguments.get(mistake["loc"][0], 0) is None
        }
        left_out = nulls & self._names_left_out
        if left_out:
            given = {name: each for name, each in arguments.items() if name not in left_out}
            try:
                return given, self._validated(given)
            except ValidationError as error:
                mistakes = error.errors(include_url=False, include_context=False)
        raise WrongArgumentsError(_told(self._name, mistakes))

    @functools.cached_property
    def _names_left_out(self) -> frozenset[Any]:
        """What a call may leave out, as it calls it."""
        return frozenset(self.schema["properties"]) - frozenset(self.schema.get("required", ()))

    def _validated(self, arguments: Any) -> dict[str, Any]:
        # As JSON, where a text may be a date, and a list a set.
        values: dict[str, Any] = self._adapter.validate_json(json.dumps(arguments))
        return values


def hints_of(function: Callable[..., Any], local: Mapping[str, Any]) -> dict[str, Any]:
    """The annotations of a function, resolved. `local` are names from where it was defined.

    Raises:
        NameError: One names what is not known.
    """
    described = source_of(function)
    innermost = inspect.unwrap(described)
    closure = getattr(innermost, "__closure__", None)
    names = getattr(getattr(innermost, "__code__", None), "co_freevars", ())
    known = {
        **local,
        **{
            name: cell.cell_contents
            for name, cell in zip(names, closure or (), strict=False)
            if _is_filled(cell)
        },
    }
    # Without what it returns, which the model does not give.
    annotations = {name: each for name, each in _annotations(described).items() if name != "return"}
    type_params = getattr(innermost, "__type_params__", ())
    shown: Any = SimpleNamespace(__annotations__=annotations, __type_params__=type_params)
    return typing.get_type_hints(shown, getattr(innermost, "__globals__", {}), known, include_extras=True)


def _annotations(function: Any) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        # One that is not known yet is none that stops the others.
        return get_annotations(function, format=Format.FORWARDREF)
    found: dict[str, Any] = getattr(function, "__annotations__", {})
    return found


def _bound_by_name(function: Any) -> set[str]:
    bound: set[str] = set()
    while function is not None:
        if isinstance(function, functools.partial):
            bound |= function.keywords.keys()
            function = function.func
        else:  # behind a decorator there may be one, too
            function = getattr(function, "__wrapped__", None)
    return bound


def source_of(function: Any) -> Any:
    """The function that has the annotations and the docstring of what is called."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function):
        return function
    return type(function).__call__


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _is_context(hint: Any) -> bool:
    if typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    return hint is ToolContext or typing.get_origin(hint) is ToolContext


def _parts(hint: Any) -> list[Any]:
    """A type, and what it is made of."""
    inner = [part for each in typing.get_args(hint) for part in _parts(each)]
    return [hint, typing.get_origin(hint), *inner]


def _words_of(hint: Any) -> str | None:
    """A description that stands in an annotation as a text, or as a `Doc`."""
    for each in getattr(hint, "__metadata__", ()):
        words = each if isinstance(each, str) else getattr(each, "documentation", None)
        if isinstance(words, str):
            return words
    return None


def _is_field(value: Any) -> bool:
    from pydantic.fields import FieldInfo

    return isinstance(value, FieldInfo)


def _has_description(hint: Any, default: Any) -> bool:
    """Whether a Field describes the parameter."""
    extras = getattr(hint, "__metadata__", ())
    return any(_is_field(each) and each.description for each in (*extras, default))


def _first_sentence(message: str) -> str:
    return message.split("\n", maxsplit=1)[0].split(". ", maxsplit=1)[0].rstrip(".") + "."


def _told(name: str, mistakes: list[ErrorDetails]) -> str:
    lines = [f"The call of {name} failed, and nothing was done: its arguments do not fit."]
    for mistake in mistakes[:_MOST_MISTAKES]:
        place = ".".join(map(str, mistake["loc"])) or "the arguments"
        given = ""
        if mistake["type"] not in ("missing", "json_invalid"):
            shown = json.dumps(mistake["input"], ensure_ascii=False, default=str)
            given = f" (given: {shown if len(shown) <= _MOST_SHOWN else shown[:_MOST_SHOWN] + '…'})"
        lines.append(f"- {place}: {mistake['msg']}{given}")
    if len(mistakes) > _MOST_MISTAKES:
        lines.append(f"- and {len(mistakes) - _MOST_MISTAKES} more")
    return "\n".join(lines)
