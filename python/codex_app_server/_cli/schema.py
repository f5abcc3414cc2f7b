"""The check of the protocol: what a runtime's own schema says, against what this package was generated from.

Owns the comparison, in terms of methods: those that came, those that are gone, and those whose messages have
changed in any definition that they are made of. Descriptions do not count. Called by `doctor`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..generated.definitions import DIGESTS, digest, read
from ..generated.notifications import PAYLOADS
from ..generated.requests import REQUESTS, SERVER_REQUESTS
from . import command
from .report import Finding, Status

Schema = dict[str, Any]

_FILE = "codex_app_server_protocol.schemas.json"
_SHOWN = 8


def compare(program: str, timeout_s: float) -> Finding:
    """Ask the runtime for its schema, and compare."""
    with tempfile.TemporaryDirectory() as folder:
        printer = [program, "app-server", "generate-json-schema", "--experimental", "--out", folder]
        done = command.run(printer, timeout_s)
        path = Path(folder, _FILE)
        if done.exit_code != 0 or not path.is_file():
            why = f"it {done.stopped}" if done.stopped is not None else done.stderr or "it wrote none"
            return Finding(Status.warning, f"nothing is compared: the runtime printed no schema: {why}")
        try:
            return judge(path.read_text("utf-8"))
        except (LookupError, TypeError, ValueError, AttributeError):
            return Finding(Status.warning, "nothing is compared: the runtime's schema is of another form")


def judge(text: str) -> Finding:
    """What the schema in `text` has that the package has not, and the other way round."""
    definitions = read(text)
    changed = {name for name, definition in definitions.items() if digest(definition) != DIGESTS.get(name)}
    # A definition that is gone has changed, too, for whoever was made of it.
    changed |= DIGESTS.keys() - definitions.keys()
    data: dict[str, Any] = {"added": [], "removed": [], "changed": {}}
    counts = []
    for kind, union, known in _KINDS:
        theirs = _methods(definitions, union)
        counts.append(f"{len(theirs)} {kind}s")
        data["added"] += [f"{kind} {method}" for method in sorted(theirs.keys() - known.keys())]
        data["removed"] += [f"{kind} {method}" for method in sorted(known.keys() - theirs.keys())]
        for method in sorted(theirs.keys() & known.keys()):
            if different := sorted(_closure(definitions, theirs[method] | known[method]) & changed):
                data["changed"][f"{kind} {method}"] = different
    lines = [f"+ {each}" for each in data["added"]] + [f"- {each}" for each in data["removed"]]
    lines += [f"~ {method} ({', '.join(names)})" for method, names in data["changed"].items()]
    if not lines:
        return Finding(Status.ok, f"{', '.join(counts)}: all as this package has them", data=data)
    more = [f"… {len(lines) - _SHOWN} more (--json has all)"] if len(lines) > _SHOWN else []
    told = "\n".join(["the runtime's protocol differs from this package's:", *lines[:_SHOWN], *more])
    return Finding(Status.warning, told, data=data)


# By kind: the definition that lists its methods, and the models of each method that the package knows.
_KINDS: tuple[tuple[str, str, Mapping[str, set[str]]], ...] = (
    (
        "request",
        "ClientRequest",
        {
            method: {spec.response, *((spec.params,) if spec.params else ())}
            for method, spec in REQUESTS.items()
        },
    ),
    ("notification", "ServerNotification", {method: {payload} for method, payload in PAYLOADS.items()}),
    (
        "server request",
        "ServerRequest",
        {method: {spec.params, spec.response} for method, spec in SERVER_REQUESTS.items()},
    ),
)


def _methods(definitions: Mapping[str, Schema], union: str) -> dict[str, set[str]]:
    """The methods of a union of messages, and what the params of each are made of."""
    messages = [variant["properties"] for variant in definitions[union]["oneOf"]]
    return {message["method"]["enum"][0]: _references(message.get("params")) for message in messages}


def _closure(definitions: Mapping[str, Schema], names: Iterable[str]) -> set[str]:
    """These definitions and all that they are made of."""
    found: set[str] = set()
    pending = set(names)
    while pending:
        name = pending.pop()
        found.add(name)
        pending |= _references(definitions.get(name)) - found
    return found


def _references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"].rsplit("/", 1)[-1]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(_references, node.values()))
