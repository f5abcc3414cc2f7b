"""Types at random, with samples: what a model writes, null for what is left out, and the value that it means.

Owns the choices, all from one seed. The models of a union can be told apart, because each has a field that no
other has; what stands in a union is written out. Used by the tests of `output_type=`.
"""

from __future__ import annotations

import dataclasses
import enum
import random
from collections.abc import Callable
from typing import Any, ForwardRef, NamedTuple

from pydantic import Field, create_model
from typing_extensions import NotRequired, TypedDict


class Sample(NamedTuple):
    """What a model writes, and the value that it means."""

    written: Any
    value: Any


class Kind(NamedTuple):
    """A type, and what makes samples of it, about so deep."""

    hint: Any
    sample: Callable[[int], Sample]
    has_null: bool = False


class Member(NamedTuple):
    """A field of a class."""

    kind: Kind
    is_required: bool
    default: Any

    @property
    def field(self) -> Any:
        return dataclasses.field(default_factory=lambda: self.default)


_SIMPLE: list[tuple[Any, tuple[Any, ...]]] = [
    (int, (0, -1, 10**20)),
    (str, ("", "null", "é")),
    (bool, (True, False)),
    (float, (0.5, -2.0)),
]


class Maker:
    """Makes types, all of them by one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._made = 0
        # How many unions there are around what is being made.
        self._unions = 0

    def model(self, depth: int) -> Kind:
        """A class with fields: a model, which may hold itself, a dataclass or a TypedDict."""
        self._made += 1
        name, own, number = f"Made{self._made}", f"own{self._made}", self._made
        members = {f"f{n}": self._member(depth - 1) for n in range(self._random.randrange(1, 5))}
        form = self._random.choice([_model, _model, _model, _dataclass, _typed_dict])
        is_recursive = form is _model and self._random.random() < 0.5
        again: dict[str, Any] = {"again": (list[ForwardRef(name)], [])} if is_recursive else {}  # type: ignore[misc]
        hint = form(name, own, members, again)
        in_union = self._unions > 0

        def sample(room: int) -> Sample:
            written: dict[str, Any] = {own: number}
            given: dict[str, Any] = {own: number}
            for field, member in members.items():
                is_written = member.is_required or member.kind.has_null or in_union
                if is_written or self._random.random() < 0.5:
                    written[field], given[field] = member.kind.sample(room - 1)
                else:
                    written[field] = None
            if is_recursive and room > 0 and self._random.random() < 0.5:
                written["again"], given["again"] = _several([sample(room - 1) for _ in range(2)])
            elif is_recursive:
                written["again"] = [] if in_union else None
            return Sample(written, hint(**given))

        return Kind(hint, sample)

    def _member(self, depth: int) -> Member:
        kind = self._kind(depth)
        is_required = self._random.random() < 0.4
        return Member(kind, is_required, None if is_required else kind.sample(1).value)

    def _kind(self, depth: int) -> Kind:
        flat = [self._simple, self._simple, self._enum]
        deep = [*flat, self._list, self._optional, self._union, self.model]
        return self._random.choice(flat if depth <= 0 else deep)(depth)

    def _simple(self, _depth: int) -> Kind:
        hint, values = self._random.choice(_SIMPLE)

        def sample(_room: int) -> Sample:
            value = self._random.choice(values)
            return Sample(value, value)

        return Kind(hint, sample)

    def _enum(self, _depth: int) -> Kind:
        self._made += 1
        values = {"TEXT": f"text {self._made}", "NUMBER": self._made}
        made: Any = enum.Enum(f"Made{self._made}", values)  # type: ignore[misc]

        def sample(_room: int) -> Sample:
            member = self._random.choice([*made])
            return Sample(member.value, member)

        return Kind(made, sample)

    def _list(self, depth: int) -> Kind:
        kind = self._kind(depth - 1)

        def sample(room: int) -> Sample:
            return _several([kind.sample(room - 1) for _ in range(self._random.randrange(3))])

        return Kind(list[kind.hint], sample)  # type: ignore[name-defined]

    def _optional(self, depth: int) -> Kind:
        kind = self._kind(depth - 1)

        def sample(room: int) -> Sample:
            return Sample(None, None) if self._random.random() < 0.4 else kind.sample(room)

        return Kind(kind.hint | None, sample, has_null=True)

    def _union(self, depth: int) -> Kind:
        flat = self._random.choice([self._simple, self._enum])(depth)
        self._unions += 1
        branches = [self.model(depth - 1), self.model(depth - 1), flat]
        self._unions -= 1
        hint = branches[0].hint | branches[1].hint | branches[2].hint
        return Kind(hint, lambda room: self._random.choice(branches).sample(room))


def _several(samples: list[Sample]) -> Sample:
    return Sample([each.written for each in samples], [each.value for each in samples])


def _model(name: str, own: str, members: dict[str, Member], more: dict[str, Any]) -> Any:
    fields: dict[str, Any] = {own: (int, ...)}
    for number, (field, member) in enumerate(members.items()):
        # A default that is made by a function does not stand in the schema.
        made = Field(default_factory=lambda member=member: member.default)
        default = made if number % 2 else member.default
        fields[field] = (member.kind.hint, ... if member.is_required else default)
    return create_model(name, **fields, **more)


def _dataclass(name: str, own: str, members: dict[str, Member], _more: dict[str, Any]) -> Any:
    required = [(field, member.kind.hint) for field, member in members.items() if member.is_required]
    others = [
        (field, member.kind.hint, member.field) for field, member in members.items() if not member.is_required
    ]
    return dataclasses.make_dataclass(name, [(own, int), *required, *others])


def _typed_dict(name: str, own: str, members: dict[str, Member], _more: dict[str, Any]) -> Any:
    hints: dict[str, Any] = {
        field: member.kind.hint if member.is_required else NotRequired[member.kind.hint]
        for field, member in members.items()
    }
    return TypedDict(name, {own: int, **hints})  # type: ignore[operator]
