"""What a program can name in a package, described so that two packages can be compared.

Owns what counts as public and what two descriptions must have in common. It knows no exceptions; the test
that uses it does.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from enum import Enum
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

from pydantic import BaseModel, RootModel

OFFICIAL = "openai_codex"
OURS = "codex_app_server"
MODULES = (
    "",
    "api",
    "types",
    "errors",
    "retry",
    "models",
    "client",
    "async_client",
    "generated",
    "generated.v2_all",
)
# What the models' base class brings along is not this package's.
FOREIGN = set(dir(BaseModel)) | set(dir(RootModel)) | set(dir(Exception)) | set(dir(str))


def module(package: str, name: str) -> ModuleType | None:
    """A module of a package, None if there is none."""
    whole = f"{package}.{name}".rstrip(".")
    try:
        return importlib.import_module(whole)
    except ModuleNotFoundError as error:
        if error.name != whole:
            raise
        return None


def public(found: ModuleType) -> list[str]:
    """The names of an official module that programs may import from it."""
    if hasattr(found, "__all__"):
        return [*found.__all__]
    return [
        name
        for name, value in vars(found).items()
        if not name.startswith("_")
        and "[" not in name
        and not isinstance(value, (ModuleType, ParamSpec, TypeVar))
        and _belongs(name, getattr(value, "__module__", None), found.__name__)
    ]


def _belongs(name: str, home: str | None, holder: str) -> bool:
    """Whether an official module is where programs take a name from, made there or not."""
    if holder == f"{OFFICIAL}.api":
        return name in importlib.import_module(OFFICIAL).__all__
    if holder == f"{OFFICIAL}.models":
        return home in {"types", "builtins"} or str(home).startswith(OFFICIAL)
    return home == holder


def differences() -> dict[str, str]:
    """What a program that uses the official package would miss in ours, by its place."""
    return dict(_in_modules())


def _in_modules() -> Iterator[tuple[str, str]]:
    for name in MODULES:
        official, ours = module(OFFICIAL, name), module(OURS, name)
        assert official is not None
        if ours is None:
            yield name, "missing"
            continue
        for each in public(official):
            place = f"{name}.{each}".lstrip(".")
            if not hasattr(ours, each):
                yield place, "missing"
            else:
                yield from compare(place, getattr(official, each), getattr(ours, each))


def compare(place: str, official: Any, ours: Any) -> Iterator[tuple[str, str]]:
    """What a program that uses `official` would miss in `ours`."""
    if not isinstance(official, type):
        if callable(official) and not _is_annotation(official):
            yield from _in_calls(place, official, ours)
        elif type(official) is not type(ours):
            yield place, f"{type(official).__name__}, not {type(ours).__name__}"
        return
    if not isinstance(ours, type):
        yield place, "no class"
        return
    if missing := _bases(official) - _bases(ours):
        yield place, f"not below {', '.join(sorted(missing))}"
    if issubclass(official, Enum):
        theirs = {name: member.value for name, member in official.__members__.items()}
        mine = {name: member.value for name, member in getattr(ours, "__members__", {}).items()}
        if theirs != mine:
            yield place, "other members"
        return
    yield from _in_calls(f"{place}()", official, ours)
    for name in dir(official):
        if name.startswith("_") or name in FOREIGN:
            continue
        inner = f"{place}.{name}"
        if not hasattr(ours, name):
            yield inner, "missing"
            continue
        theirs, mine = inspect.getattr_static(official, name), inspect.getattr_static(ours, name)
        if inspect.isfunction(theirs):
            yield from _in_calls(inner, theirs, mine)
        elif callable(mine):
            yield inner, "a method, not a value"


def _in_calls(place: str, official: Any, ours: Any) -> Iterator[tuple[str, str]]:
    if not callable(ours):
        yield place, "not callable"
        return
    if _kind(official) != _kind(ours):
        yield place, f"{_kind(official)}, not {_kind(ours)}"
    theirs, mine = _parameters(official), _parameters(ours)
    if theirs is None or mine is None:
        if (theirs is None) != (mine is None) and not _takes_words(ours):
            yield place, "cannot be made from a message"
        return
    if missing := [name for name in theirs if name not in mine]:
        yield place, f"without {', '.join(missing)}"
        return
    for name, expected in theirs.items():
        if mine[name] != expected:
            yield place, f"{name}: {expected}, not {mine[name]}"
            return
    added = [mine[name] for name in mine if name not in theirs]
    if any(kind != "KEYWORD_ONLY" or default == "required" for kind, default in added):
        yield place, "more to give"
    elif _positional(theirs) != _positional(mine):
        yield place, "another order"


def _parameters(call: Any) -> dict[str, tuple[str, Any]] | None:
    """The parameters that a program may give, kind and default by name; None for a bare exception."""
    if isinstance(call, type) and issubclass(call, BaseModel):
        return _fields(call)
    try:
        signature = inspect.signature(call)
    except ValueError:
        return None
    return {
        name: (parameter.kind.name, _default(parameter.default))
        for name, parameter in signature.parameters.items()
        if name != "self" and not name.startswith("_")
    }


def _fields(model: type[BaseModel]) -> dict[str, tuple[str, Any]]:
    """What a model is made from. Its signature has either the wire's names or Python's, it takes both."""
    by_name = model.model_config.get("validate_by_name") or model.model_config.get("populate_by_name")
    parameters = {}
    for name, field in model.model_fields.items():
        default = (
            "required" if field.is_required() else _default(field.get_default(call_default_factory=True))
        )
        for each in {field.alias or name} | ({name} if by_name else set()):
            parameters[each] = ("KEYWORD_ONLY", default)
    return parameters


def _takes_words(call: Any) -> bool:
    try:
        inspect.signature(call).bind("words")
    except TypeError:
        return False
    return True


def _positional(parameters: dict[str, tuple[str, Any]]) -> list[str]:
    return [name for name, (kind, _) in parameters.items() if kind != "KEYWORD_ONLY"]


def _default(default: Any) -> Any:
    if default is inspect.Parameter.empty:
        return "required"
    return f"= {_plain(default)!r}"


def _plain(default: Any) -> Any:
    # Members of two packages' enums are never equal, and the official models have the bare value for some.
    if isinstance(default, list):
        return [_plain(each) for each in default]
    return default.value if isinstance(default, Enum) else default


def _kind(call: Any) -> str:
    if inspect.isasyncgenfunction(call):
        return "async generator"
    if inspect.isgeneratorfunction(call):
        return "generator"
    return "coroutine" if inspect.iscoroutinefunction(call) else "call"


def _bases(found: type) -> set[str]:
    """The classes that a program could name in `except` or `isinstance`."""
    return {
        base.__name__
        for base in found.__mro__[1:]
        if base is not object and not base.__name__.startswith("_") and "[" not in base.__name__
    }


def _is_annotation(value: Any) -> bool:
    return getattr(value, "__origin__", None) is not None
