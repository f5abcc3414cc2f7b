"""What a JSON schema demands, in words: for a model that does not get to see the keyword itself.

Owns the sentences. Used for tools, whose schema reaches the model as a signature, and for results, whose
schema may have certain keywords only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

# By keyword; the value stands in place of the braces.
_SENTENCES = {
    "minimum": "At least {}.",
    "exclusiveMinimum": "More than {}.",
    "maximum": "At most {}.",
    "exclusiveMaximum": "Less than {}.",
    "multipleOf": "A multiple of {}.",
    "minLength": "Length: at least {}.",
    "maxLength": "Length: at most {}.",
    "pattern": "Matches the regular expression {}.",
    "format": "Format: {}.",
    "minItems": "Items: at least {}.",
    "maxItems": "Items: at most {}.",
    "minProperties": "Entries: at least {}.",
    "maxProperties": "Entries: at most {}.",
    "contentMediaType": "Holds {}.",
    "contentEncoding": "Encoded as {}.",
    "default": "Default: {}.",
    "examples": "Examples: {}.",
}
# These are texts that are no values.
_PLAIN = frozenset({"pattern", "format", "contentMediaType", "contentEncoding"})


def constraints(node: Mapping[str, Any], keywords: Collection[str]) -> list[str]:
    """One sentence for each of the keywords that the node has and that there are words for."""
    sentences = [
        sentence.format(_said(keyword, node[keyword]))
        for keyword, sentence in _SENTENCES.items()
        if keyword in keywords and keyword in node and not (keyword == "default" and node[keyword] is None)
    ]
    if "uniqueItems" in keywords and node.get("uniqueItems") is True:
        sentences.append("No item twice.")
    return sentences


def described(description: str | None, sentences: Collection[str]) -> str | None:
    """A description with these sentences behind it; None if that is nothing."""
    text = (description or "").strip()
    if text and sentences and text[-1] not in ".!?:;":
        text += "."
    return " ".join(part for part in (text, *sentences) if part) or None


def _said(keyword: str, value: Any) -> str:
    if keyword in _PLAIN:
        return str(value)
    if keyword == "examples" and isinstance(value, list):
        return ", ".join(map(_json, value))
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
