"""The alternatives of a union, brought into one shape.

Owns the rewriting of ``oneOf`` and ``anyOf`` branches before they become classes: shared properties
are merged in, nested alternatives split, and the property that tells them apart is found. Called by
``models.py`` only.
"""

from __future__ import annotations

from .schema import Schema


def objects(branch: Schema, shared: Schema) -> list[Schema]:
    """The objects that one branch of a union stands for.

    ``shared`` is the definition around the union, whose own properties belong to each branch. A
    branch that has alternatives of its own is split; the first of them keeps its title.
    """
    whole = _merged(shared, branch)
    inner = whole.get("anyOf")
    if inner is None:
        return [whole]
    outer = {key: value for key, value in whole.items() if key != "anyOf"}
    first, *others = [_merged(outer, alternative) for alternative in inner]
    return [{**first, "title": whole["title"]}, *others]


def tag(variants: list[Schema]) -> str | None:
    """The property that is required and has one fixed string in every variant."""
    common = sorted(set[str].intersection(*(_fixed(variant) for variant in variants)))
    if len(common) > 1:
        raise ValueError(f"two properties could be the tag: {common}")
    return common[0] if common else None


def _fixed(variant: Schema) -> set[str]:
    properties: dict[str, Schema] = variant["properties"]
    return {
        wire
        for wire, value in properties.items()
        if len(value.get("enum", ())) == 1 and wire in variant.get("required", ())
    }


def _merged(shared: Schema, branch: Schema) -> Schema:
    if "properties" not in shared:
        return branch
    return {
        **branch,
        "properties": {**shared["properties"], **branch["properties"]},
        "required": [*shared.get("required", ()), *branch.get("required", ())],
    }
