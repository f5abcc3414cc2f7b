# Made from _async/owned.py by `python scripts/make_sync.py`; do not edit.

"""What belongs to a client: threads, turns, goals and logins.

Owns what each of them holds of it, which is the client's runtime in both shells, and how the official name
for that finds what the official package has there.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from .._arguments import wrong
from .._incoming.bound import Bound
from .._package import late
from .runtime import Runtime


def runtime_of(owner: late.Codex | late.CodexClient | Runtime) -> Runtime:
    """The runtime of what a program makes threads and handles with: a client, of either level.

    Raises:
        InvalidInputTypeError: It is none, or one of the other shell.
    """
    runtime = owner if isinstance(owner, Runtime) else getattr(owner, "_runtime", None)
    if not isinstance(runtime, Runtime):
        raise wrong("the client", "Codex or CodexClient", owner)
    return runtime


OwnedT = TypeVar("OwnedT", bound="type[Owned]")


def with_official_fields(owned: OwnedT) -> OwnedT:
    """Have a dataclass' first field called as its parameter is, for patterns and `dataclasses.replace()`.

    Not for a class that other dataclasses are made of: those would have a slot of that name.
    """
    made: Any = owned
    runtime, *others = made.__dataclass_fields__.values()
    owner = copy.copy(runtime)
    owner.name = "_client"
    made.__dataclass_fields__ = {each.name: each for each in (owner, *others)}
    made.__match_args__ = (owner.name, *made.__match_args__[1:])  # type: ignore[misc]
    return owned


class Owned(Bound):
    """The base of what belongs to a client."""

    __slots__ = ()

    _runtime: Runtime

    @property
    def _client(self) -> Any:
        """The client, for programs that were written for the official package."""
        return self._runtime.low_level
