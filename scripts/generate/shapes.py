"""What the generator knows about a Python class before it is text.

Owns the data between the schema reader (``models.py``) and the writers (``python.py``): types with
the classes they refer to, fields, and the three kinds of classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Type:
    """An annotation: its text and the classes of ours that the text names."""

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
    """One field of a model. ``default`` is source text, None where the field is required."""

    name: str
    wire: str
    type: Type
    default: str | None
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
    """The classes of ours that must exist before ``item`` can be complete."""
    if isinstance(item, Model):
        return frozenset[str]().union(*(f.type.refs for f in item.fields))
    return item.type.refs if isinstance(item, Root) else frozenset()
