"""Asks the packaged runtime for its JSON schema.

Owns the call of the runtime's schema printer and the merge of its files into one set of
definitions. Knows nothing about Python classes or Rust tables; the rest of the generator reads the
``Bundle`` made here.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import codex_cli_bin

Schema = dict[str, Any]

# The repository: what is generated stands below it.
ROOT = Path(__file__).resolve().parents[2]

_REFERENCE = re.compile(r'"\$ref": "[^"]*/([^"/]+)"')
_BUNDLE = "codex_app_server_protocol.v2.schemas.json"
_EVERYTHING = "codex_app_server_protocol.schemas.json"


@dataclass(frozen=True)
class Bundle:
    """The definitions of one runtime.

    ``definitions`` holds the newest protocol's, the experimental ones included, ``extra`` the
    ones that only server requests and a few responses use (the runtime prints those into other
    files), ``stable_methods`` the requests that need no experimental capability, ``version`` is
    the runtime's, and ``text`` is its file of everything as it was printed.
    """

    definitions: dict[str, Schema]
    extra: dict[str, Schema]
    stable_methods: frozenset[str]
    version: str
    text: str

    def lookup(self, name: str) -> Schema | None:
        """Returns the definition called ``name``, or None."""
        return self.definitions.get(name) or self.extra.get(name)

    def closure(self, names: Iterable[str]) -> set[str]:
        """Returns ``names`` and every definition that they refer to, directly or not."""
        found: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name not in found:
                found.add(name)
                pending += _mentions(self.lookup(name))
        return found

    def nullable(self, schema: Schema) -> bool:
        """True where ``schema`` has null among its values."""
        if "$ref" in schema:
            return self.nullable(self.definitions[schema["$ref"].rsplit("/", 1)[-1]])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return any(self.nullable(branch) for branch in schema[key])
        if "allOf" in schema:
            return all(self.nullable(part) for part in schema["allOf"])
        kinds = schema.get("type", "null" if "enum" not in schema else "string")
        return "null" in ([kinds] if isinstance(kinds, str) else kinds)

    def variants(self, name: str) -> Iterator[tuple[str, Schema]]:
        """Yields ``(method, schema)`` of a message union, in the schema's order."""
        definition = self.lookup(name)
        if definition is None:
            raise KeyError(f"the schema has no {name}")
        for variant in definition["oneOf"]:
            yield variant["properties"]["method"]["enum"][0], variant


def load() -> Bundle:
    """Runs the packaged runtime's schema printer and returns what it wrote."""
    texts = _print_schema(experimental=True)
    everything = {name: _parsed(text) for name, text in texts.items()}
    stable = _parsed(_print_schema(experimental=False)[_BUNDLE])
    definitions: dict[str, Schema] = everything[_BUNDLE]["definitions"]
    # The file of everything keeps the newest protocol in a namespace of its own; what stands
    # beside it is shared with, or only found in, the messages that the server sends first.
    extra = {
        name: definition
        for name, definition in everything[_EVERYTHING]["definitions"].items()
        if name != "v2" and name not in definitions
    }
    stable_methods = frozenset(
        variant["properties"]["method"]["enum"][0]
        for variant in stable["definitions"]["ClientRequest"]["oneOf"]
    )
    return Bundle(definitions, extra, stable_methods, version("openai-codex-cli-bin"), texts[_EVERYTHING])


def _print_schema(*, experimental: bool) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(codex_cli_bin.bundled_codex_path()), "app-server", "generate-json-schema"]
        if experimental:
            command.append("--experimental")
        subprocess.run([*command, "--out", folder], check=True, stdout=subprocess.DEVNULL)
        return {name: Path(folder, name).read_text("utf-8") for name in (_BUNDLE, _EVERYTHING)}


def _parsed(text: str) -> Schema:
    return cast("Schema", json.loads(text, object_hook=_without_true))


def _without_true(node: Schema) -> Schema:
    """Spells the schema that allows anything as ``{}`` where a field or an item has it."""
    if node.get("items") is True:
        node["items"] = {}
    if isinstance(node.get("properties"), dict):
        fields = cast("Schema", node["properties"])
        node["properties"] = {name: {} if field is True else field for name, field in fields.items()}
    return node


def reference(schema: Any) -> str | None:
    """Returns the one definition that ``schema`` points at, be it nullable or wrapped."""
    if not isinstance(schema, dict):
        return None
    whole = cast("Schema", schema)
    if "$ref" in whole:
        return str(whole["$ref"]).rsplit("/", 1)[-1]
    for key in ("allOf", "anyOf", "oneOf"):
        branches = [b for b in whole.get(key, ()) if b != {"type": "null"}]
        if len(branches) == 1:
            return reference(branches[0])
    return None


def _mentions(schema: Schema | None) -> list[str]:
    return _REFERENCE.findall(json.dumps(schema))
