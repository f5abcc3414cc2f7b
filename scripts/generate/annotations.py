"""The annotations of arguments: models, and the plain values that are taken in their place.

Owns what a caller may write for a model: the strings of an enum, the text of a path, a dict for an object.
Validation takes them all; this says so to type checkers. Called by ``calls.py`` only.
"""

from __future__ import annotations

import ast
import json

from .shapes import NONE, Enumeration, Module, Root, Type, union

_OBJECT = "dict[str, Any]"


class Annotations:
    """Rewrites annotations of fields into those of arguments."""

    def __init__(self, module: Module) -> None:
        self._classes = module.classes

    def bare(self, kind: Type) -> Type:
        """``kind`` without constraints, which no type checker reads, and without None."""
        types = [Type(self._spell(part, plain=False)) for part in _alternatives(_parsed(kind.text))]
        return Type(union([t for t in types if t != NONE] or [NONE]).text, kind.refs)

    def taken(self, kind: Type) -> Type:
        """``kind`` or what is taken in its place."""
        parts = _alternatives(_parsed(kind.text))
        models = [self._sequence(part) or self._spell(part, plain=False) for part in parts]
        plain = [self._sequence(part) or self._spell(part, plain=True) for part in parts]
        return Type(union([Type(text) for text in (*models, *plain)]).text, kind.refs)

    def _sequence(self, node: ast.expr) -> str | None:
        """A list of enum members as a sequence of members and strings, None for anything else.

        In a union of two lists mypy does not read a list of strings as one of literals.
        """
        match node:
            case ast.Subscript(ast.Name("list"), ast.Name(name)):
                if isinstance(self._classes.get(name), Enumeration):
                    return f"Sequence[{name} | {self._name(name, plain=True)}]"
        return None

    def _spell(self, node: ast.expr, *, plain: bool) -> str:
        match node:
            case ast.Name(name):
                return self._name(name, plain=plain)
            case ast.BinOp():
                parts = [Type(self._spell(part, plain=plain)) for part in _alternatives(node)]
                return union(parts).text
            case ast.Subscript(ast.Name("Annotated"), ast.Tuple([inner, *_])):
                return self._spell(inner, plain=plain)
            case ast.Subscript(ast.Name("list" | "dict" as container), items):
                inside = items.elts if isinstance(items, ast.Tuple) else [items]
                return f"{container}[{', '.join(self._spell(part, plain=plain) for part in inside)}]"
            case _:
                return ast.unparse(node).replace("'", '"')

    def _name(self, name: str, *, plain: bool) -> str:
        shape = self._classes.get(name)
        if shape is None or not plain:
            return name
        if isinstance(shape, Enumeration):
            return f"Literal[{', '.join(json.dumps(value) for _, value, _ in shape.members)}]"
        return self._spell(_parsed(shape.type.text), plain=True) if isinstance(shape, Root) else _OBJECT


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_alternatives(node.left), *_alternatives(node.right)]
    return [node]
