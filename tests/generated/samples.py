"""A fresh print of the runtime's schema and random values that obey it.

Owns what the tests of generated code are judged by. Imports nothing from the generator: what it
misreads must not be misread here too.
"""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import codex_cli_bin

Schema = dict[str, Any]


class Sampler:
    """Makes random values of a definition."""

    def __init__(self, definitions: dict[str, Schema], seed: int) -> None:
        self.definitions = definitions
        self.random = random.Random(seed)

    def value(self, schema: Any) -> Any:
        if not isinstance(schema, dict) or not set(schema) - {"description", "title", "default"}:
            return self.random.choice([None, 7, "text", [1, "a"], {"anyKey": {"b": [True]}}])
        if "$ref" in schema:
            return self.value(self.definitions[schema["$ref"].rsplit("/", 1)[-1]])
        for key in ("oneOf", "anyOf", "allOf"):
            if key in schema:
                part = self.value(self.random.choice(schema[key]))
                return {**self.fields(schema), **part} if isinstance(part, dict) else part
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        kinds = schema["type"]
        return self.kind(self.random.choice(kinds) if isinstance(kinds, list) else kinds, schema)

    def kind(self, kind: str, schema: Schema) -> Any:
        scalars = {
            "null": None,
            "boolean": self.random.random() < 0.5,
            "integer": self.random.randint(1, 2**40),
            "number": self.random.random(),
            "string": self.random.choice(["a", "zwei Wörter", "\u2028\n\"'", "C:\\x", "12"]),
        }
        if kind in scalars:
            return scalars[kind]
        if kind == "array":
            return [self.value(schema.get("items")) for _ in range(self.random.randint(0, 3))]
        values = schema.get("additionalProperties")
        made = self.fields(schema)
        if "properties" not in schema and isinstance(values, dict):
            made = {key: self.value(values) for key in ("one", "two_words", "threeWords")}
        return made

    def fields(self, schema: Schema) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: self.value(field)
            for name, field in schema.get("properties", {}).items()
            if name in required or self.random.random() < 0.6
        }


def print_schema(folder: Path, *options: str) -> dict[str, Any]:
    program = str(codex_cli_bin.bundled_codex_path())
    command = [program, "app-server", "generate-json-schema", *options, "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    made: dict[str, Any] = {}
    # What stands beside the newest protocol first, so that the newest wins where both have a name.
    for name in ("codex_app_server_protocol.schemas", "codex_app_server_protocol.v2.schemas"):
        text = (folder / f"{name}.json").read_text(encoding="utf-8")
        made.update(json.loads(text)["definitions"])
    made.pop("v2")
    return made
