"""What each client request is as a call in Python.

Owns the names of calls and the annotations of their arguments and results. Joins a request's schema (what
may be left out, what may be null) with the model of its params (types and names). Writes no text:
``rpc.py`` writes the client from it and ``reference.py`` the page for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from . import policy
from .annotations import Annotations
from .names import field_name
from .protocol import Protocol, Request
from .schema import Bundle, Schema
from .shapes import ANY, Model, Module, Type, named
from .summaries import SUMMARIES


@dataclass(frozen=True)
class Argument:
    """One keyword. ``model`` is its annotation in the models' terms, ``taken`` all that is taken."""

    name: str
    model: Type
    taken: Type
    required: bool
    doc: str | None


@dataclass(frozen=True)
class Call:
    """One request. ``path`` are the names that lead to it: ``thread``, ``turns``, ``list``.

    ``whole`` says that its one argument is the params themselves, which are a union.
    """

    method: str
    path: tuple[str, ...]
    arguments: list[Argument]
    whole: bool
    response: str
    experimental: bool
    open_ended: bool
    descriptions: list[str]


def build(bundle: Bundle, protocol: Protocol, module: Module) -> list[Call]:
    """Returns the call of every client request, sorted by method."""
    annotations = Annotations(module)
    variants = dict(bundle.variants("ClientRequest"))
    return [_call(bundle, module, annotations, row, variants[row.method]) for row in protocol.requests]


def _call(bundle: Bundle, module: Module, annotations: Annotations, row: Request, variant: Schema) -> Call:
    definition: Schema = (row.params and bundle.lookup(row.params)) or {}
    arguments: list[Argument] = []
    whole = row.params is not None and "properties" not in definition and _is_union(definition)
    if whole:
        model = named(cast("str", row.params))
        arguments.append(Argument("params", model, annotations.taken(model), True, None))
    elif row.params is not None:
        required = set(definition.get("required", ()))
        for field in cast("Model", module.classes[row.params]).fields:
            kind = annotations.bare(field.type)
            # Where the schema has no null, the model's None only says that the field may be left out.
            if bundle.nullable(definition["properties"][field.wire]) and kind != ANY:
                kind = kind.optional()
            taken = annotations.taken(kind)
            arguments.append(Argument(field.name, kind, taken, field.wire in required, field.doc))
    return Call(
        method=row.method,
        # One word, as everybody writes it: gateway_oauth, not gateway_o_auth.
        path=tuple(field_name(segment) for segment in row.method.replace("OAuth", "Oauth").split("/")),
        arguments=sorted(arguments, key=lambda argument: not argument.required),
        whole=whole,
        response=row.response,
        experimental=row.experimental,
        open_ended=row.open_ended,
        descriptions=_descriptions(row.method, variant, definition),
    )


def _is_union(definition: Schema) -> bool:
    return "oneOf" in definition or "anyOf" in definition


def _descriptions(method: str, variant: Schema, definition: Schema) -> list[str]:
    """What is known about a request: about the message, then about its params."""
    found = [variant.get("description"), definition.get("description")]
    texts = [text for text in found if text and text not in policy.NO_DESCRIPTIONS]
    if not texts and method in SUMMARIES:
        texts = [SUMMARIES[method]]
    return [_without_mark(text) for text in dict.fromkeys(texts)]


def _without_mark(text: str) -> str:
    plain = text.removeprefix("EXPERIMENTAL - ")
    return plain[0].upper() + plain[1:]


def one_line(description: str) -> str:
    """The first paragraph of a description, on one line."""
    line = " ".join(description.split("\n\n", maxsplit=1)[0].split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
