"""What of a tool's schema the model gets to see, and how the rest is said.

The runtime shows the model a signature, or a schema that it has cut down (measured: `docs/design/tools.md`):
names, types and the descriptions of properties arrive, while defaults, bounds and formats vanish. Of a schema
above a certain size the descriptions vanish, too. So what vanishes is repeated where it does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .._schemas import words

Schema = dict[str, Any]

# Bytes of compact JSON. Above it, the runtime drops descriptions, then definitions, then what is deep.
MOST_BYTES = 5_000
# By keyword: gone in what the model sees.
_VANISHING = (
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern", "format", "contentMediaType", "contentEncoding"),
    *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "default", "examples"),
)
# Not sent: what says nothing to the model in any form, and what may be none of JSON's values.
_DROPPED = frozenset({"title", "discriminator", "default", "examples", "$defs"})


def shown(schema: Schema) -> Schema:
    """The schema as it is sent: what would vanish stands in the descriptions of its properties."""
    definitions = schema.get("$defs", {})
    made: Schema = _node(schema, definitions)
    if definitions:
        made["$defs"] = {name: _node(each, definitions) for name, each in definitions.items()}
    return made


def said(description: str, schema: Schema) -> str:
    """A tool's description, which is never cut; with the whole schema in it if that is."""
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) <= MOST_BYTES:
        return description
    return f"{description}\n\nThe arguments follow this JSON schema:\n{text}".strip()


def _node(node: Any, definitions: Mapping[str, Schema]) -> Any:
    if not isinstance(node, dict):
        # A schema that is only true is shown as a text.
        return {} if node is True else node
    made = {key: value for key, value in node.items() if key not in _DROPPED}
    if "properties" in node:
        made["properties"] = {name: _property(each, definitions) for name, each in node["properties"].items()}
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in node:
            made[keyword] = [_node(each, definitions) for each in node[keyword]]
    if node.get("type") == "array":
        # Shown as a list of texts without them.
        places = made.pop("prefixItems", None)
        made["items"] = _node(node.get("items", {"anyOf": places} if places else {}), definitions)
    values = [node.get("additionalProperties"), *made.pop("patternProperties", {}).values()]
    schemas = [_node(each, definitions) for each in values if isinstance(each, dict)]
    if schemas:
        made["additionalProperties"] = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    made.pop("propertyNames", None)
    return made


def _property(node: Any, definitions: Mapping[str, Schema]) -> Any:
    made = _node(node, definitions)
    if isinstance(node, dict):
        description = words.described(
            node.get("description") or _description_behind(node, definitions),
            list(_sentences(node, definitions)),
        )
        if description is not None:
            made["description"] = description
    return made


def _sentences(
    node: Any, definitions: Mapping[str, Schema], behind: frozenset[str] = frozenset()
) -> Iterator[str]:
    """What vanishes of a node, and of the parts of it that have no name of their own.

    Args:
        node: The node.
        definitions: What it may refer to. Of an object, each property tells it itself.
        behind: The references that have led here.
    """
    if not isinstance(node, dict):
        return
    name = node.get("$ref", "").removeprefix("#/$defs/")
    if name and name not in behind and "properties" not in definitions.get(name, {}):
        yield from _sentences(definitions.get(name), definitions, behind | {name})
    is_tuple = "prefixItems" in node
    yield from words.constraints(node, [each for each in _VANISHING if not (is_tuple and "Items" in each)])
    for keyword in ("anyOf", "oneOf", "allOf"):
        for branch in node.get(keyword, ()):
            yield from _sentences(branch, definitions, behind)
    if is_tuple:
        yield _tuple(node, definitions, behind)
    parts = [("Each item", node.get("items")), ("Each name", node.get("propertyNames"))]
    parts += [("Each name", {"pattern": pattern}) for pattern in node.get("patternProperties", ())]
    values = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
    for what, part in [*parts, *(("Each value", value) for value in values)]:
        each = " ".join(_sentences(part, definitions, behind))
        if each:
            yield f"{what}: {each}"


def _tuple(node: Schema, definitions: Mapping[str, Schema], behind: frozenset[str]) -> str:
    """The places of a tuple, by their names where it has these."""
    places = []
    for place in node["prefixItems"]:
        kind = str(place.get("type", place.get("$ref", "any"))).rpartition("/")[2]
        words_of_it = " ".join([kind, *_sentences(place, definitions, behind)])
        places.append(f"{place['title']} ({words_of_it})" if "title" in place else words_of_it)
    least, most = node.get("minItems", 0), node.get("maxItems", len(places))
    count = f"{most}" if least == most else f"{least} to {most}"
    return f"A list of {count} items in this order: {', '.join(places)}."


def _description_behind(node: Schema, definitions: Mapping[str, Schema]) -> str | None:
    """That of the definition which a node refers to: it is shown beside a reference only."""
    unions = (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ()))
    parts = [node, *unions, node.get("items"), node.get("additionalProperties")]
    for part in parts:
        if isinstance(part, dict) and "$ref" in part:
            found = definitions.get(part["$ref"].rpartition("/")[2], {}).get("description")
            if found:
                return str(found)
    return None
