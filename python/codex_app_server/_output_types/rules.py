"""Which JSON schemas the service takes as a *strict* output format, in one table.

Owns the rules and the check of them. The SDK makes schemas that follow them (`strict`), and the offline model
refuses those that do not, as the service would. Pure: it imports nothing of the package.

As of 2026-11-28: the guide "Structured model outputs" of the OpenAI API, and its answers as users report
them. Where the two differ (`minLength`, `maxLength`: not in the guide, taken by some models), the guide
counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# What may stand in a node, by the node's type.
KEYWORDS: dict[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"pattern", "format"}),
    "number": frozenset({"multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "integer": frozenset({"multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "boolean": frozenset(),
    "null": frozenset(),
}
# What may stand in any node. A reference stands alone.
ANYWHERE = frozenset({"type", "enum", "const", "anyOf", "description", "title"})
AT_THE_ROOT = frozenset({"$defs"})
FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
# Regular expressions that look around are refused, or answered with a server error.
LOOKAROUND = ("(?=", "(?!", "(?<=", "(?<!")

MOST_LEVELS = 10
MOST_PROPERTIES = 5_000
MOST_ENUM_VALUES = 1_000
# Of the names of properties and definitions, and of the values of enums and constants.
MOST_CHARACTERS = 120_000
# Of one enum that has more values than this.
LARGE_ENUM = 250
MOST_CHARACTERS_OF_A_LARGE_ENUM = 15_000

Place = tuple[str, ...]
# None for what is about the whole schema, which the service names no place for.
Problem = tuple[Place | None, str]

# What a keyword's value must be, before anything else of it is looked at.
_VALUES: dict[str, type | tuple[type, ...]] = {
    "$defs": dict,
    "properties": dict,
    "required": list,
    "enum": list,
    "anyOf": list,
    "type": (str, list),
    "description": str,
    "title": str,
    "format": str,
    "pattern": str,
}


def problems(schema: Any) -> Iterator[Problem]:
    """What the service would refuse in a schema: where, by the keys that lead there, and why."""
    if not isinstance(schema, dict) or schema.get("type") != "object" or "anyOf" in schema:
        given = schema.get("type") if isinstance(schema, dict) and "anyOf" not in schema else None
        yield None, f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{given}\"'."
        return
    malformed = list(_malformed(schema, ()))
    if malformed:
        yield from malformed
        return
    definitions = schema.get("$defs", {})
    yield from _of_node(schema, (), definitions, AT_THE_ROOT)
    for name, each in definitions.items():
        yield from _of_node(each, ("$defs", name), definitions)
    yield from _of_sizes(schema, definitions)


def _malformed(node: Any, place: Place) -> Iterator[Problem]:
    """What has not even the form of a JSON schema."""
    if not isinstance(node, dict):
        yield place, "schema must be an object."
        return
    for keyword, kind in _VALUES.items():
        value = node.get(keyword, "" if kind is str else None)
        names = value if keyword in ("type", "required") and isinstance(value, list) else ()
        if keyword in node and not (isinstance(value, kind) and all(isinstance(each, str) for each in names)):
            yield place, f"the value of '{keyword}' is not valid."
            return
    for keyword in ("enum", "anyOf"):
        if node.get(keyword) == []:
            yield place, f"'{keyword}' must not be empty."
    for keyword in ("$defs", "properties"):
        for name, each in node.get(keyword, {}).items():
            yield from _malformed(each, (*place, keyword, name))
    for index, branch in enumerate(node.get("anyOf", ())):
        yield from _malformed(branch, (*place, "anyOf", str(index)))
    if "items" in node:
        yield from _malformed(node["items"], (*place, "items"))


def _of_node(
    node: Any, place: Place, definitions: dict[str, Any], more: frozenset[str] = frozenset()
) -> Iterator[Problem]:
    if "$ref" in node:
        if len(node) > 1:
            others = ", ".join(sorted(repr(key) for key in node if key != "$ref"))
            yield place, f"$ref cannot have keywords {{{others}}}."
        if not _is_known(node["$ref"], definitions):
            yield place, f"reference to component '{node['$ref']}' which was not found in the schema."
        return
    types = node.get("type", [])
    types = types if isinstance(types, list) else [types]
    if not types and "anyOf" not in node:
        yield place, "schema must have a 'type' key."
        return
    unknown = [each for each in types if each not in KEYWORDS]
    if unknown:
        yield place, f"'{unknown[0]}' is not valid under any of the given schemas."
        return
    yield from _of_keywords(node, place, types, more)
    if "object" in types:
        yield from _of_object(node, place, definitions)
    if "array" in types and "items" not in node:
        yield place, "array schema missing items."
    if "items" in node:
        yield from _of_node(node["items"], (*place, "items"), definitions)
    for index, branch in enumerate(node.get("anyOf", ())):
        yield from _of_node(branch, (*place, "anyOf", str(index)), definitions)


def _of_keywords(
    node: dict[str, Any], place: Place, types: list[str], more: frozenset[str]
) -> Iterator[Problem]:
    allowed = ANYWHERE.union(more, *(KEYWORDS[each] for each in types))
    for keyword in node:
        if keyword not in allowed:
            yield place, f"'{keyword}' is not permitted."
    if node.get("format") not in (None, *FORMATS):
        yield place, f"'{node['format']}' is not a valid format."
    if any(look in str(node.get("pattern", "")) for look in LOOKAROUND):
        yield place, "lookaround is not permitted in 'pattern'."


def _of_object(node: dict[str, Any], place: Place, definitions: dict[str, Any]) -> Iterator[Problem]:
    if node.get("additionalProperties") is not False:
        yield place, "'additionalProperties' is required to be supplied and to be false."
    properties = node.get("properties", {})
    missing = next((name for name in properties if name not in node.get("required", ())), None)
    extra = next((name for name in node.get("required", ()) if name not in properties), None)
    if missing is not None:
        yield (
            place,
            "'required' is required to be supplied and to be an array including every key in properties. "
            f"Missing '{missing}'.",
        )
    if extra is not None:
        yield place, f"Extra required key '{extra}' supplied."
    for name, each in properties.items():
        yield from _of_node(each, (*place, "properties", name), definitions)


def _is_known(reference: Any, definitions: dict[str, Any]) -> bool:
    return reference == "#" or any(reference == f"#/$defs/{name}" for name in definitions)


def _of_sizes(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[Problem]:
    levels = max(_levels(each) for each in (schema, *definitions.values()))
    if levels > MOST_LEVELS:
        yield None, f"{levels} levels of nesting exceeds limit of {MOST_LEVELS}."
    names: list[str] = [*definitions]
    values: list[Any] = []
    for node in _nodes(schema):
        names += node.get("properties", {})
        enum = node.get("enum", ())
        values += enum
        characters = sum(len(each) for each in enum if isinstance(each, str))
        if len(enum) > LARGE_ENUM and characters > MOST_CHARACTERS_OF_A_LARGE_ENUM:
            yield (
                None,
                f"an enum of more than {LARGE_ENUM} values has {characters} characters, which exceeds the "
                f"limit of {MOST_CHARACTERS_OF_A_LARGE_ENUM}.",
            )
    properties = len(names) - len(definitions)
    if properties > MOST_PROPERTIES:
        yield None, f"{properties} parameters exceeds limit of {MOST_PROPERTIES}."
    if len(values) > MOST_ENUM_VALUES:
        yield (
            None,
            f"Expected at most {MOST_ENUM_VALUES} enum values in total within a single schema when using "
            f"structured outputs, but received {len(values)}.",
        )
    constants = [node["const"] for node in _nodes(schema) if "const" in node]
    characters = sum(len(str(each)) for each in (*names, *values, *constants))
    if characters > MOST_CHARACTERS:
        yield None, f"names and values of {characters} characters exceed the limit of {MOST_CHARACTERS}."


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """A node and all below it, definitions included."""
    if isinstance(node, dict):
        yield node
        for child in _children(node):
            yield from _nodes(child)
        for definition in node.get("$defs", {}).values():
            yield from _nodes(definition)


def _children(node: dict[str, Any]) -> Iterator[Any]:
    yield from node.get("properties", {}).values()
    yield from node.get("anyOf", ())
    if "items" in node:
        yield node["items"]


def _levels(node: Any) -> int:
    """How many objects are nested; references are not followed."""
    if not isinstance(node, dict):
        return 0
    below = max((_levels(child) for child in _children(node)), default=0)
    return below + ("properties" in node)
