"""Reads the schema's definitions into Python classes.

Owns which class each definition becomes and how derived classes are named. Produces ``shapes`` and
writes no text; ``python.py`` does. A schema shape that is not understood is an error here, never a
guess: the next runtime then stops the generator instead of yielding a wrong model.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import cast

from . import policy, variants
from .names import class_name, field_name, member_name, singular
from .protocol import Protocol
from .schema import Bundle, Schema, reference
from .shapes import (
    ANY,
    NONE,
    STR,
    Enumeration,
    Field,
    Members,
    Model,
    Module,
    Root,
    Type,
    named,
    union,
)

_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_CONSTRAINTS = {"minimum": "ge", "minLength": "min_length"}
_MAP = Type("dict[str, Any]")


def build(bundle: Bundle, protocol: Protocol) -> Module:
    """Returns the classes of every definition in ``bundle``, derived ones included."""
    reader = _Reader(bundle, _only_sent(bundle, protocol))
    for name, schema in {**bundle.definitions, **bundle.extra}.items():
        reader.definition(name, schema)
    if unknown := sorted(set(policy.UNTAGGED) - reader.untagged):
        raise ValueError(f"policy.UNTAGGED names {unknown}, which are no tagged unions of the schema")
    # The schema as a whole has a title and no content; the official SDK has a class for it.
    reader.module.add(Model("CodexAppServerProtocolV2", [], None))
    return reader.module


def _only_sent(bundle: Bundle, protocol: Protocol) -> set[str]:
    """Definitions that the client sends and never receives.

    What is received must survive a newer runtime; what is only sent comes from the caller, whose
    mistakes are better found before anything is written.
    """
    sent = ["ClientRequest", "ClientNotification", *(s.response for s in protocol.server_requests)]
    received = ["ServerNotification", "ServerRequest", *(r.response for r in protocol.requests)]
    return bundle.closure(sent) - bundle.closure(received)


class _Reader:
    """Adds to ``module`` what it reads; each method returns what its caller refers to."""

    def __init__(self, bundle: Bundle, only_sent: set[str]) -> None:
        self.bundle: Bundle = bundle
        self.only_sent: set[str] = only_sent
        # The unions of policy.UNTAGGED that were found.
        self.untagged: set[str] = set()
        self.module: Module = Module()

    def definition(self, name: str, schema: Schema) -> None:
        doc = schema.get("description")
        members = policy.OPEN_STRINGS.get(name) or _members(schema)
        branches = schema.get("oneOf") or schema.get("anyOf")
        if members is not None and len(members) > 1:
            self.enumeration(name, name, members, doc)
        elif members is not None:
            known = [_literal(members[0][0])]
            self.module.add(Root(name, union(known if self.closed(name) else [*known, STR]), doc))
        elif branches is not None:
            self.module.add(Root(name, self.union(name, branches, schema), doc))
        elif schema.get("type") == "object" and not _is_map(schema):
            self.model(name, schema)
        else:
            self.module.add(Root(name, self.type(schema, name), doc))

    def closed(self, owner: str) -> bool:
        """True where a value that the schema lacks can only be a mistake of the caller."""
        return owner in self.only_sent

    def enumeration(self, owner: str, name: str, members: Members, doc: str | None = None) -> Type:
        base = "Enum" if self.closed(owner) else "OpenEnum"
        if name in policy.STRING_ENUMS:
            base = "OpenStrEnum"
        spelled = [(member_name(value), value, text) for value, text in members]
        self.module.add(Enumeration(name, spelled, doc, base))
        return named(name)

    def model(self, name: str, schema: Schema) -> Type:
        required = set(schema.get("required", ())) - policy.OPTIONAL.get(name, set())
        fields = [
            self.field(name, wire, value, wire in required)
            for wire, value in schema.get("properties", {}).items()
        ]
        self.module.add(Model(name, fields, schema.get("description")))
        return named(name)

    def field(self, owner: str, wire: str, schema: Schema, required: bool) -> Field:
        annotation = self.type(schema, wire)
        default = None
        if not required:
            # As in the official SDK, what may be left out may also be None.
            annotation = annotation.optional()
            default = self.default(f"{owner}.{wire}", schema)
        return Field(field_name(wire), wire, annotation, default, schema.get("description"))

    def default(self, place: str, schema: Schema) -> Type:
        """A default; an enum's is its member."""
        value = schema.get("default")
        if value is None or isinstance(value, (bool, int)) or value == []:
            return Type(repr(value))
        name = reference(schema.get("items", schema))
        definition = self.bundle.lookup(name) if name else None
        if name is None or definition is None:
            raise ValueError(f"{place} has a default of an unknown shape: {json.dumps(value)}")
        if _members(definition) is None:
            # A wrapper's default is made on demand: making it builds the wrapper's validator.
            inner = f"{name}Value.{member_name(value)}"
            text = f"Field(default_factory=lambda: {name}({inner}))"
            return Type(text, frozenset({name, f"{name}Value"}))
        if isinstance(value, list):
            values = cast("list[str]", value)
            return named(name).inside(f"[{', '.join(f'{{0}}.{member_name(v)}' for v in values)}]")
        return named(name).inside(f"{{}}.{member_name(value)}")

    # -- annotations: ``hint`` names the class of an object that has no name of its own

    def type(self, schema: Schema, hint: str) -> Type:
        if "$ref" in schema:
            return named(schema["$ref"].rsplit("/", 1)[-1])
        for key in ("allOf", "anyOf", "oneOf"):
            if key in schema:
                return union([self.type(branch, hint) for branch in schema[key]])
        if "enum" in schema:
            values: list[str] = schema["enum"]
            if len(values) == 1:
                return _literal(values[0])
            return self.enumeration(class_name(hint), class_name(hint), [(v, None) for v in values])
        kinds = schema.get("type", [])
        if isinstance(kinds, str):
            kinds = [kinds]
        if "null" in kinds and reference(schema.get("additionalProperties")):
            # Plain values where the map may be null, as in the official SDK: they are subscripted.
            return _MAP.optional()
        return union([self.kind(kind, schema, hint) for kind in kinds]) if kinds else ANY

    def kind(self, kind: str, schema: Schema, hint: str) -> Type:
        if kind == "null":
            return NONE
        if kind == "array":
            return self.items(schema.get("items", {}), singular(hint)).inside("list[{}]")
        if kind == "object" and _is_map(schema):
            values = schema["additionalProperties"]
            return self.type({} if values is True else values, hint).inside("dict[str, {}]")
        if kind == "object":
            name = class_name(hint)
            return self.model(name if self.bundle.lookup(name) is None else f"{name}1", schema)
        return _constrained(_SCALARS[kind], schema)

    def items(self, schema: Schema, name: str) -> Type:
        if "minimum" not in schema:
            return self.type(schema, name)
        # The official generator wraps items that carry a constraint.
        self.module.add(Root(name, self.type(schema, name), schema.get("description")))
        return named(name)

    # -- unions

    def union(self, owner: str, branches: list[Schema], shared: Schema) -> Type:
        """The alternatives of a definition, with a fallback for what the schema does not know."""
        found: list[Schema] = []
        strings: list[str] = []
        enums: list[Type] = []
        rest: list[Type] = []
        for branch in branches:
            if "properties" in branch:
                found += variants.objects(branch, shared)
            elif len(branch.get("enum", ())) == 1:
                strings += branch["enum"]
            elif "enum" in branch:
                enums.append(self.strings(owner, branch["enum"]))
            elif branch.get("type") == ["string", "object"]:
                # Whatever else: an enum takes any other string, the map any other object.
                rest.append(_MAP)
            else:
                rest.append(self.type(branch, owner))
        if len(strings) > 1:
            enums.append(self.strings(owner, strings))
        elif strings:
            # In front of the enum, which takes any string.
            enums.insert(0, _literal(strings[0]))
        if not found:
            return _in_order([*enums, *rest]) if enums else union(rest)
        models = self.models(owner, found)
        if _MAP not in rest and not self.closed(owner):
            rest.append(self.fallback(owner, found))
        tag = variants.tag(found)
        if tag is None:
            return _in_order([*enums, *models, *rest])
        if enums:
            raise ValueError(f"{owner} has strings beside objects with the tag {tag}")
        return self.tagged(owner, tag, found, [*models, *rest])

    def strings(self, owner: str, values: list[str]) -> Type:
        """The enum of the strings among a definition's alternatives."""
        return self.enumeration(owner, f"{owner}Value", [(v, None) for v in values])

    def models(self, owner: str, found: list[Schema]) -> list[Type]:
        """The objects among a definition's alternatives."""
        types: list[Type] = []
        untitled = 0
        for schema in found:
            if "title" not in schema:
                untitled += 1
            types.append(self.model(_variant_name(owner, schema, untitled), schema))
        return types

    def tagged(self, owner: str, tag: str, found: list[Schema], types: list[Type]) -> Type:
        """`types`, flat and in the schema's order, with what says that they are read by their tag."""
        tags = [schema["properties"][tag]["enum"][0] for schema in found]
        whole = union(types)
        options: list[str] = []
        if len(set(tags)) == 1:
            whole = _in_order(types)
        elif len(set(tags)) == len(types):
            options.append(f'Field(discriminator="{field_name(tag)}")')
        else:
            # Two variants of one tag, or the unknown one: pydantic's discriminator takes neither.
            options.append(f'Tagged("{field_name(tag)}")')
        if owner in policy.UNTAGGED:
            options.append(self.tag_or(owner, tag, tags))
        return whole.inside(f"Annotated[{{}}, {', '.join(options)}]") if options else whole

    def tag_or(self, owner: str, tag: str, kinds: Collection[str]) -> str:
        """What lets an object without `tag` be the variant that `policy.UNTAGGED` says."""
        variant = policy.UNTAGGED[owner]
        if not self.closed(owner):
            # It would cost every value that the runtime sends a call of Python.
            raise ValueError(f"policy.UNTAGGED names {owner}, which the runtime sends too")
        if variant not in kinds:
            raise ValueError(f"policy.UNTAGGED takes {owner} for {variant!r}, which is none of its variants")
        self.untagged.add(owner)
        return f'tag_or("{tag}", "{variant}")'

    def fallback(self, owner: str, found: list[Schema]) -> Type:
        """Adds the class that holds a variant of ``owner`` that the schema does not know."""
        name = f"Unknown{owner}"
        if any(_variant_name(owner, schema, 0) == name for schema in found):
            name += "Variant"
        doc = f"A variant of {owner} that this version does not know, or whose fields changed."
        tag = variants.tag(found)
        fields = [Field(field_name(tag), tag, ANY, NONE, None)] if tag else []
        self.module.add(Model(name, fields, doc, base="UnknownVariant"))
        return named(name)


def _variant_name(owner: str, schema: Schema, untitled: int) -> str:
    if owner == "ServerNotification":
        # Their titles are the names of their payloads.
        return class_name(schema["properties"]["method"]["enum"][0]) + owner
    if "title" not in schema:
        return f"{owner}{untitled}"
    return class_name(schema["title"].replace("v2::", ""))


def _members(schema: Schema) -> Members | None:
    """The values of a definition that is a set of strings, with their descriptions."""
    if "enum" in schema:
        return [(value, None) for value in schema["enum"]]
    branches: list[Schema] = schema.get("oneOf", [])
    if branches and all(len(branch.get("enum", ())) == 1 for branch in branches):
        return [(branch["enum"][0], branch.get("description")) for branch in branches]
    return None


def _is_map(schema: Schema) -> bool:
    return "properties" not in schema and schema.get("additionalProperties", False) is not False


def _literal(value: str) -> Type:
    return Type(f"Literal[{json.dumps(value)}]")


def _constrained(text: str, schema: Schema) -> Type:
    arguments = [f"{to}={int(schema[key])}" for key, to in _CONSTRAINTS.items() if key in schema]
    return Type(f"Annotated[{text}, Field({', '.join(arguments)})]" if arguments else text)


def _in_order(types: list[Type]) -> Type:
    """A union whose alternatives are tried from left to right: what takes anything stands last."""
    if len(types) == 1:
        return types[0]
    return union(types).inside('Annotated[{}, Field(union_mode="left_to_right")]')
