"""What the generator knows about a Python class before it is text.

Owns the data between the schema reader (``models.py``) and the writers (``python.py``): types with
the classes they refer to, fields, and the three kinds of classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Type:
    """An annotation or a default: its text and the classes of ours that the text names."""

    text: str
    refs: frozenset[str] = frozenset()

    def optional(self) -> Type:
        """The same type or None."""
        return union([self, NONE])

    def inside(self, template: str) -> Type:
        """``list[int]`` from ``int`` and the template ``list[{}]``."""
        return Type(template.format(self.text), self.refs)


NONE = Type("None")
ANY = Type("Any")
STR = Type("str")


def named(name: str) -> Type:
    """The type that is a class of ours."""
    return Type(name, frozenset({name}))


def union(types: list[Type]) -> Type:
    """Joins types with ``|``, each once, None last."""
    nullable = any(t.text == "None" or t.text.endswith(" | None") for t in types)
    texts = dict.fromkeys(t.text.removesuffix(" | None") for t in types if t.text != "None")
    parts = [*texts, "None"] if nullable else list(texts)
    return Type(" | ".join(parts), frozenset[str]().union(*(t.refs for t in types)))


# The values of an enum with their descriptions.
Members = list[tuple[str, str | None]]


@dataclass(frozen=True)
class Field:
    """One field of a model. ``default`` is None where the field is required."""

    name: str
    wire: str
    type: Type
    default: Type | None
    doc: str | None


@dataclass(frozen=True)
class Model:
    """An object: fields by name. ``base`` is the class of ours that it derives from."""

    name: str
    fields: list[Field]
    doc: str | None
    base: str = "ProtocolModel"


@dataclass(frozen=True)
class Root:
    """A value that is not an object of fixed fields, wrapped: ``x.root``."""

    name: str
    type: Type
    doc: str | None


@dataclass(frozen=True)
class Enumeration:
    """A set of strings: ``(member, value, doc)``. ``base`` says what becomes of other strings."""

    name: str
    members: list[tuple[str, str, str | None]]
    doc: str | None
    base: str


Class = Model | Root | Enumeration


@dataclass
class Module:
    """Classes in the order in which they were found, each name once."""

    classes: dict[str, Class] = field(default_factory=dict[str, Class])

    def add(self, new: Class) -> None:
        """Adds a class. The same class twice is one; two of one name are an error."""
        if self.classes.setdefault(new.name, new) != new:
            raise ValueError(f"two different classes are named {new.name}")


def references(item: Class) -> frozenset[str]:
    """The classes of ours that ``item`` names."""
    if isinstance(item, Model):
        parts = [part for field in item.fields for part in (field.type, field.default) if part]
        return frozenset[str]().union(*(part.refs for part in parts))
    return item.type.refs if isinstance(item, Root) else frozenset()


def closure(classes: Mapping[str, Class], names: Iterable[str]) -> set[str]:
    """Returns ``names`` and every class that they refer to, directly or not."""
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += references(classes[name])
    return found
