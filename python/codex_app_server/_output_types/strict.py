"""From the JSON schema of a type to one that the service takes as strict.

Every object is closed and has all of its properties: one that may be left out becomes one that may be null
(outside of unions), and which these are is kept, so that a null can be taken out again. What the service does
not take and Pydantic checks anyway is said in the description. What cannot be said in this way is refused,
with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._schemas import words
from . import rules

Schema = dict[str, Any]

# By keyword: what a type has that the service has no word for.
_REFUSED = {
    "prefixItems": "the items of a tuple have types of their own, which the format cannot say; use a model",
    "patternProperties": "a mapping has names that the schema does not; use a list of objects with a name",
    "propertyNames": "a mapping has names that the schema does not; use a list of objects with a name",
    "not": "`not` has no strict form",
    "if": "`if` has no strict form",
    "dependentRequired": "`dependentRequired` has no strict form",
    "dependentSchemas": "`dependentSchemas` has no strict form",
    "contains": "`contains` has no strict form",
    "unevaluatedProperties": "`unevaluatedProperties` has no strict form",
    "unevaluatedItems": "`unevaluatedItems` has no strict form",
}
_KINDS: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}
_DEFINITION = "#/$defs/"
_MAPPING = "a mapping has names that the schema does not; use a list of objects with a name and a value"
_COMPOUND = "the values of an enum are texts, numbers, booleans or null"
_ANYTHING = "any value is allowed there; name a type"


class NotStrictError(Exception):
    """A schema has no strict form.

    Args:
        place: Where, as `customer.addresses[]`; empty for the root.
        reason: Why.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place = place
        self.reason = reason


@dataclass
class StrictSchema:
    """A strict schema, and what is to be taken out of what was written after it.

    Args:
        schema: What is sent.
        absent: By the identity of an object's node in `schema`: the properties that may be null for being
            left out.
    """

    schema: Schema
    absent: dict[int, frozenset[str]] = field(default_factory=dict)

    def without_absent(self, value: Any) -> Any:
        """A value that follows the schema, without the properties that are null for being left out."""
        return self._pruned(self.schema, value) if self.absent else value

    def _pruned(self, node: Schema, value: Any) -> Any:
        node = self._resolved(node)
        if "anyOf" in node:
            kind = "object" if isinstance(value, dict) else "array"
            branches = [each for each in self._branches(node) if each.get("type") == kind]
            # Of several there is nothing to take out.
            return self._pruned(branches[0], value) if len(branches) == 1 else value
        if isinstance(value, list) and "items" in node:
            return [self._pruned(node["items"], each) for each in value]
        if isinstance(value, dict) and "properties" in node:
            absent = self.absent.get(id(node), frozenset())
            return {
                name: self._pruned(node["properties"].get(name, {}), each)
                for name, each in value.items()
                if each is not None or name not in absent
            }
        return value

    def _branches(self, node: Schema) -> Iterator[Schema]:
        """What a union is of; a reference with a description is a union, too."""
        for branch in map(self._resolved, node["anyOf"]):
            if "anyOf" in branch:
                yield from self._branches(branch)
            else:
                yield branch

    def _resolved(self, node: Schema) -> Schema:
        while "$ref" in node:
            node = self.schema["$defs"][node["$ref"].removeprefix(_DEFINITION)]
        return node


def strict(schema: Schema) -> StrictSchema:
    """The strict form of a schema that Pydantic has made, whose root is an object.

    Raises:
        NotStrictError: It has none.
    """
    return _Conversion(schema).run()


class _Conversion:
    def __init__(self, schema: Schema) -> None:
        self._given = schema
        self._definitions: dict[str, Schema] = schema.get("$defs", {})
        self._absent: dict[int, frozenset[str]] = {}
        # The definitions that were met; and those in unions, where a null would have to be told from another
        # class's: everything below a union is written out.
        self._referred: set[str] = set()
        self._in_unions: set[str] = set()

    def run(self) -> StrictSchema:
        root = {key: value for key, value in self._given.items() if key != "$defs"}
        self._look_for_unions(root, False, set())
        name = ""
        while "$ref" in root:
            # Of a type that refers to itself. The root must be an object and no reference.
            name = root["$ref"].removeprefix(_DEFINITION)
            root = self._definitions[name]
        made = self._node(root, "", name in self._in_unions)
        definitions: dict[str, Schema] = {}
        # Those that nothing refers to are of what is not sent.
        while missing := self._referred - definitions.keys():
            for name in sorted(missing):
                definitions[name] = self._node(self._definitions[name], name, name in self._in_unions)
        if definitions:
            made["$defs"] = definitions
        for place, reason in rules.problems(made):
            raise NotStrictError(".".join(place or ()), reason)
        return StrictSchema(made, self._absent)

    def _look_for_unions(self, node: Any, in_union: bool, seen: set[tuple[str, bool]]) -> None:
        """Note the definitions that can be reached from a union."""
        if not isinstance(node, dict):
            return
        if "$ref" in node:
            name = node["$ref"].removeprefix(_DEFINITION)
            if in_union:
                self._in_unions.add(name)
            if (name, in_union) not in seen:
                seen.add((name, in_union))
                self._look_for_unions(self._definitions.get(name), in_union, seen)
        for keyword in ("anyOf", "oneOf", "allOf"):
            branches = node.get(keyword, ())
            for branch in branches:
                self._look_for_unions(branch, in_union or self._is_union(branches), seen)
        for child in (*node.get("properties", {}).values(), node.get("items")):
            self._look_for_unions(child, in_union, seen)

    def _is_union(self, branches: Sequence[Any]) -> bool:
        """Whether two branches are objects, or lists: a value's kind does not tell which it follows."""
        kinds = [self._resolved(branch).get("type", "union") for branch in branches]
        return any(kinds.count(kind) > 1 for kind in ("object", "array")) or "union" in kinds

    def _resolved(self, node: Any) -> Schema:
        seen = set()
        while isinstance(node, dict) and "$ref" in node and node["$ref"] not in seen:
            seen.add(node["$ref"])
            node = self._definitions.get(node["$ref"].removeprefix(_DEFINITION))
        return node if isinstance(node, dict) else {}

    def _node(self, node: Any, place: str, in_union: bool) -> Schema:
        if not isinstance(node, dict) or not node:
            raise NotStrictError(place, _ANYTHING)
        node = _merged(node, place)
        refused = next((keyword for keyword in node if keyword in _REFUSED), None)
        if refused is not None:
            raise NotStrictError(place, _REFUSED[refused])
        if "$ref" in node:
            self._referred.add(node["$ref"].removeprefix(_DEFINITION))
            return _described({"$ref": node["$ref"]}, node)
        if "anyOf" in node:
            in_union = in_union or self._is_union(node["anyOf"])
            branches = [self._node(each, place, in_union) for each in node["anyOf"]]
            return _described({"anyOf": branches}, node)
        is_listed = "enum" in node or "const" in node
        kind = _kind_of_values(node) if is_listed else node.get("type")
        if kind is None:
            raise NotStrictError(place, _COMPOUND if is_listed else _ANYTHING)
        made: Schema = {"type": kind}
        if kind == "object":
            self._close(made, node, place, in_union)
        elif kind == "array":
            made["items"] = self._node(node.get("items"), f"{place}[]", in_union)
        kept = rules.KEYWORDS.get(kind, frozenset()) if isinstance(kind, str) else frozenset()
        for keyword, value in node.items():
            is_kept = keyword in kept or keyword in ("enum", "const")
            if is_kept and keyword not in made and _is_taken(keyword, value):
                made[keyword] = value
        return _described(made, node)

    def _close(self, made: Schema, node: Schema, place: str, in_union: bool) -> None:
        """Make an object one that has all of its properties and no others."""
        if "properties" not in node and node.get("additionalProperties", True) is not False:
            raise NotStrictError(place, _MAPPING)
        given = node.get("properties", {})
        required = given if in_union else node.get("required", ())
        absent = {
            name
            for name, each in given.items()
            if name not in required and not self._has_null(each) and not self._is_constant(each)
        }
        properties = {
            name: self._node(each, f"{place}.{name}" if place else name, in_union)
            for name, each in given.items()
        }
        made["properties"] = {
            name: _nullable(each) if name in absent else each for name, each in properties.items()
        }
        made["required"] = [*given]
        made["additionalProperties"] = False
        if absent:
            self._absent[id(made)] = frozenset(absent)

    def _is_constant(self, node: Schema) -> bool:
        """Whether there is one value only, as in the mark of a union's class: it is not left out."""
        node = self._resolved(node)
        return "const" in node or len(node.get("enum", ())) == 1

    def _has_null(self, node: Schema) -> bool:
        """Whether null is a value of the type itself."""
        node = self._resolved(node)
        branches = [*node.get("anyOf", ()), *node.get("oneOf", ())]
        is_listed = None in node.get("enum", ()) or ("const" in node and node["const"] is None)
        return node.get("type") == "null" or is_listed or any(map(self._has_null, branches))


def _merged(node: Schema, place: str) -> Schema:
    """A node without the two keywords that have another name, or none, in a strict schema."""
    parts = node.get("allOf", ())
    if len(parts) > 1:
        raise NotStrictError(place, "`allOf` has no strict form")
    for part in parts:
        node = {**part, **{keyword: value for keyword, value in node.items() if keyword != "allOf"}}
    if "oneOf" in node:
        node = {"anyOf" if keyword == "oneOf" else keyword: value for keyword, value in node.items()}
    return node


def _is_taken(keyword: str, value: Any) -> bool:
    """Whether the service takes this value of a keyword that it knows."""
    if keyword == "format":
        return value in rules.FORMATS
    return keyword != "pattern" or not any(look in value for look in rules.LOOKAROUND)


def _described(made: Schema, node: Schema) -> Schema:
    """`made`, which says in its description what it has lost of `node`.

    A reference stands alone: with a description it is put into a union of one.
    """
    lost = [keyword for keyword in node if keyword not in made]
    description = words.described(node.get("description"), words.constraints(node, lost))
    if description is None:
        return made
    if "$ref" in made:
        made = {"anyOf": [made]}
    made["description"] = description
    return made


def _nullable(node: Schema) -> Schema:
    """A node that takes null as well."""
    kind = node.get("type")
    if isinstance(kind, str) and kind != "object" and "enum" not in node and "const" not in node:
        return {**node, "type": [kind, "null"]}
    outside = {"description": node.pop("description")} if "description" in node else {}
    branches = node.get("anyOf", [node])
    return {"anyOf": [*branches, {"type": "null"}], **outside}


def _kind_of_values(node: Schema) -> str | list[str] | None:
    """The type of an enum or a constant that names none."""
    values = [node["const"]] if "const" in node else node.get("enum", ())
    if not all(type(value) in _KINDS for value in values):
        return None
    kinds = list(dict.fromkeys(_KINDS[type(value)] for value in values))
    return kinds[0] if len(kinds) == 1 else kinds or None
