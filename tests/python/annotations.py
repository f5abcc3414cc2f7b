"""Which annotations of public names cannot be evaluated: `python tests/python/annotations.py` prints them.

Owns the walk over every public module, class, method and property. Used by the unit tests, and run as a
program by those of the wheel, on every Python: so it imports nothing but the package.
"""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

MODULES = (
    "codex_app_server",
    "codex_app_server.api",
    "codex_app_server.async_client",
    "codex_app_server.client",
    "codex_app_server.errors",
    "codex_app_server.generated.definitions",
    "codex_app_server.generated.literals",
    "codex_app_server.generated.notification_registry",
    "codex_app_server.generated.notifications",
    "codex_app_server.generated.requests",
    "codex_app_server.generated.v2_all",
    "codex_app_server.models",
    "codex_app_server.requests",
    "codex_app_server.retry",
    "codex_app_server.testing",
    "codex_app_server.tools",
    "codex_app_server.types",
)
# Reached by an attribute of a public object, and named by no public module.
BEHIND = ("codex_app_server._async.rpc", "codex_app_server._sync.rpc")
SPECIAL = (
    *("__init__", "__call__", "__iter__", "__next__", "__enter__", "__exit__"),
    *("__aiter__", "__anext__", "__aenter__", "__aexit__"),
)


def public() -> Iterator[tuple[str, Any]]:
    """Every class, function, method and property that a program may use, with its place."""
    for path in MODULES:
        module = import_module(path)
        for name in getattr(module, "__all__", None) or [each for each in dir(module) if each[0] != "_"]:
            yield from _of(f"{path}.{name}", getattr(module, name))
    for path in BEHIND:
        for name, cls in vars(import_module(path)).items():
            if inspect.isclass(cls) and cls.__module__ == path:
                yield from _of(f"{path}.{name}", cls)


def _of(place: str, found: Any) -> Iterator[tuple[str, Any]]:
    if inspect.isclass(found):
        yield place, found
        for name in dir(found):
            if name[0] != "_" or name in SPECIAL:
                function = plain(inspect.getattr_static(found, name, None))
                if inspect.isfunction(function) and function.__module__.startswith("codex_app_server"):
                    yield f"{place}.{name}", function
    elif inspect.isfunction(found):
        yield place, found


def plain(member: Any) -> Any:
    """The function of a method or property."""
    if isinstance(member, (classmethod, staticmethod)):
        return member.__func__
    if isinstance(member, property):
        return member.fget
    return member.func if isinstance(member, functools.cached_property) else member


def forms(function: Any) -> list[Any]:
    """It and its overloads, where this Python remembers them."""
    overloads: Callable[[Any], list[Any]] = getattr(typing, "get_overloads", lambda _: [])
    return [function, *overloads(function)] if inspect.isfunction(function) else [function]


def unresolved() -> dict[str, str]:
    """The error by its place, of all that `get_type_hints` fails on."""
    wrong: dict[str, str] = {}
    checked: set[int] = set()
    for place, found in public():
        if id(found) not in checked:
            checked.add(id(found))
            for form in forms(found):
                try:
                    typing.get_type_hints(form)
                    typing.get_type_hints(form, include_extras=True)
                except Exception as error:
                    wrong[place] = repr(error)
    assert len(checked) > 2000, "the walk has lost its way"
    return wrong


if __name__ == "__main__":
    for where, why in unresolved().items():
        print(where, why)
    sys.stdout.flush()
