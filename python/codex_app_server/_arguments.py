"""What a program gives as an argument: the checks, and the words of their errors.

Owns what counts as a text, a path, a list, a mapping, a command, an environment, a number and a coroutine
function, the same for every call. It knows nothing of the wire. `name` is the argument as the program knows
it. What is quoted of a value is never more than a path or a name: the rest may be a secret. Called by what
describes requests, by what calls a program's functions, and by the configuration.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from .errors import InvalidInputError, InvalidInputTypeError

PartT = TypeVar("PartT")


def wrong(name: str, expected: str, value: Any) -> InvalidInputTypeError:
    """The error for a value of a wrong type."""
    return InvalidInputTypeError(f"{name} must be {expected}, not {type(value).__name__}.")


def text(name: str, value: Any, expected: str = "a str") -> str:
    if not isinstance(value, str):
        raise wrong(name, expected, value)
    return value


def identifier(name: str, value: Any) -> str:
    """A text that is not empty, and can be sent."""
    if not text(name, value):
        raise InvalidInputError(f"{name} is empty.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{name} is not text: {error}.") from error
    return str(value)


def secret(name: str, value: Any) -> str:
    """A text that can be sent. An empty one is the runtime's to judge.

    The check asks and does not try: a codec's exception would carry the whole text along.
    """
    if any("\ud800" <= character <= "\udfff" for character in text(name, value)):
        raise InvalidInputError(f"{name} is not text: it has a lone surrogate.")
    return str(value)


def path(name: str, value: Any, advice: str = "") -> str:
    """A path that is not empty and that the system could have."""
    value = text(name, os.fspath(value) if isinstance(value, os.PathLike) else value, "a path as a str")
    if not value or "\0" in value:
        raise InvalidInputError(f"{name} must be a path, not {value!r}{advice}.")
    return str(value)


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(name, "a bool", value)
    return value


def whole(name: str, value: Any, expected: str = "an int") -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(name, expected, value)
    return value


def count(name: str, value: Any) -> int:
    """A whole number that is not negative."""
    number = whole(name, value)
    if number < 0:
        raise InvalidInputError(f"{name} must not be negative.")
    return number


def positive(name: str, value: Any) -> int:
    """A whole number of at least 1."""
    number = whole(name, value)
    if number < 1:
        raise InvalidInputError(f"{name} must be at least 1, not {number}.")
    return number


def mapping(name: str, value: Any) -> dict[str, Any]:
    """A copy of a mapping with str keys, as JSON has objects."""
    if not isinstance(value, Mapping):
        raise wrong(name, "a mapping", value)
    for key in value:
        text(f"each name in {name}", key)
    return dict(value)


def is_sequence(value: Any) -> bool:
    """Whether it is a list or the like; a text is one value, not a list of letters."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview))


def sequence(
    name: str, value: Any, part: Callable[[str, Any], PartT], expected: str = "a list"
) -> list[PartT]:
    """A list of what `part` makes of each of its parts."""
    if not is_sequence(value):
        raise wrong(name, expected, value)
    return [part(f"each of {name}", each) for each in value]


def command(name: str, value: Any) -> list[str]:
    """A program and its arguments."""
    if not is_sequence(value):
        raise wrong(name, "a list of str (the program and its arguments)", value)
    if not value:
        raise InvalidInputError(f"{name} is empty: give the program and its arguments.")
    return [_for_the_system(f"part {place} of {name}", part) for place, part in enumerate(value, 1)]


def environment(name: str, value: Any) -> dict[str, str | None]:
    """Environment variables; None takes one away."""
    if not isinstance(value, Mapping):
        raise wrong(name, "a mapping", value)
    made: dict[str, str | None] = {}
    for variable, content in value.items():
        called, equals, _ = text(f"each name in {name}", variable).partition("=")
        if equals or not called:
            raise InvalidInputError(
                f"{name}: the name that begins with {called!r} cannot be an environment variable: "
                "it is empty, or has a '='."
            )
        _for_the_system(f"the name {called!r} in {name}", variable)
        made[variable] = None if content is None else _for_the_system(f"{name}[{variable!r}]", content)
    return made


def _for_the_system(name: str, value: Any) -> str:
    if "\0" in text(name, value):
        raise InvalidInputError(f"{name} has a NUL character.")
    return str(value)


def gives_coroutine(function: Any) -> bool:
    """Whether it is a coroutine function, or an object that is called like one."""
    called = innermost(function)
    return inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(
        getattr(called, "__call__", None)  # noqa: B004 - an object with an `async def __call__`
    )


def innermost(function: Any) -> Any:
    """What is called in the end, under the partials around it."""
    while isinstance(function, functools.partial):
        function = function.func
    return function
