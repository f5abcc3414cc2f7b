"""What a schema demands, said in words."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from codex_app_server._schemas.words import constraints, described

SAID: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, []),
    "what has no words": ({"type": "string", "title": "T", "enum": ["a"], "$ref": "#"}, []),
    "limits of a number": (
        {"maximum": 9, "exclusiveMinimum": 0.5, "minimum": 1, "exclusiveMaximum": 1e21, "multipleOf": 2},
        ["At least 1.", "More than 0.5.", "At most 9.", "Less than 1e+21.", "A multiple of 2."],
    ),
    "limits of a text": (
        {"minLength": 1, "maxLength": 2, "pattern": '^"a"{2}$', "format": "uri"},
        [
            "Length: at least 1.",
            "Length: at most 2.",
            'Matches the regular expression ^"a"{2}$.',
            "Format: uri.",
        ],
    ),
    "what a text holds": (
        {"contentMediaType": "application/json", "contentEncoding": "base64"},
        ["Holds application/json.", "Encoded as base64."],
    ),
    "limits of a list": (
        {"minItems": 0, "maxItems": 3, "uniqueItems": True},
        ["Items: at least 0.", "Items: at most 3.", "No item twice."],
    ),
    "a list with doubles": ({"uniqueItems": False}, []),
    "limits of a mapping": (
        {"minProperties": 1, "maxProperties": 2},
        ["Entries: at least 1.", "Entries: at most 2."],
    ),
    "a default": ({"default": "é"}, ['Default: "é".']),
    "a default of false": ({"default": False}, ["Default: false."]),
    "a default of nothing": ({"default": None}, []),
    "a default that json has not": (
        {"default": datetime.date(2026, 11, 28)},
        ['Default: "2026-11-28".'],
    ),
    "examples": ({"examples": ["a", None, {"b": 1}]}, ['Examples: "a", null, {"b": 1}.']),
    "examples that are no list": ({"examples": {"a": 1}}, ['Examples: {"a": 1}.']),
    "a value with braces": (
        {"default": "{0}", "pattern": "{}"},
        ["Matches the regular expression {}.", 'Default: "{0}".'],
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_each_constraint_is_one_sentence(name: str) -> None:
    node, sentences = SAID[name]
    assert constraints(node, [*node]) == sentences


def test_only_what_is_asked_for_is_said() -> None:
    node = {"minimum": 1, "maximum": 9, "uniqueItems": True}
    assert constraints(node, ["maximum", "default"]) == ["At most 9."]
    assert constraints(node, []) == []


@pytest.mark.parametrize(
    ("description", "sentences", "said"),
    [
        (None, [], None),
        ("", [], None),
        ("  ", [], None),
        (None, ["At most 9."], "At most 9."),
        ("  ", ["At most 9."], "At most 9."),
        ("A size", [], "A size"),
        (" A size\n", [], "A size"),
        ("A size", ["At most 9.", "Default: 1."], "A size. At most 9. Default: 1."),
        ("A size.", ["At most 9."], "A size. At most 9."),
        ("Which size?", ["At most 9."], "Which size? At most 9."),
        ("Sizes:", ["At most 9."], "Sizes: At most 9."),
        ("A size\n", ["At most 9."], "A size. At most 9."),
    ],
)
def test_sentences_follow_the_description(
    description: str | None, sentences: list[str], said: str | None
) -> None:
    assert described(description, sentences) == said
