"""The protocol as tables: one row per notification, client request and server request.

Owns what is derived from the schema (where a payload carries its ids, which stream it names, which
params and response belong to a method) and joins it with ``policy.py``. Refuses to go on when the
two disagree. The writers of Rust and Python tables read the ``Protocol`` made here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from . import policy
from .names import field_name
from .schema import Bundle, Schema, reference


class SchemaError(Exception):
    """The schema has something that the generator cannot place."""


# A path into params: () is absent, ("turnId",) is params.turnId, ("turn", "id") is params.turn.id.
IdPath = tuple[str, ...]


@dataclass(frozen=True)
class Notification:
    """A message that the server sends without wanting an answer."""

    method: str
    payload: str
    thread: IdPath
    turn: IdPath
    # The property that names the stream it belongs to, if it is no turn's.
    subject: str | None
    ends: bool
    droppable: bool
    begins: bool = False
    result: bool = False
    text: bool = False


@dataclass(frozen=True)
class Request:
    """A message that the client sends and the server answers.

    ``not_nullable`` names the fields of its params that may be left out but not be null.
    """

    method: str
    params: str | None
    params_optional: bool
    response: str
    window: str
    open_ended: bool
    experimental: bool
    not_nullable: tuple[str, ...]


@dataclass(frozen=True)
class ServerRequest:
    """A message that the client has to answer; ``refusal`` is JSON, or None for an error."""

    method: str
    params: str
    response: str
    refusal: str | None


@dataclass(frozen=True)
class Protocol:
    """All methods of one runtime, each list sorted by method."""

    notifications: list[Notification]
    requests: list[Request]
    server_requests: list[ServerRequest]
    # Every property that names streams.
    subjects: tuple[str, ...]


def build(bundle: Bundle) -> Protocol:
    """Derives the tables from ``bundle``.

    Raises:
        SchemaError: A curated method is not in the schema, or the schema has a server request
            without a refusal, or a message whose params or response cannot be found.
    """
    notifications = [_notification(bundle, *v) for v in bundle.variants("ServerNotification")]
    requests = [_request(bundle, *v) for v in bundle.variants("ClientRequest")]
    known = {r.method for r in requests}
    sent = {n.method for n in notifications}
    _exists("DROPPABLE", policy.DROPPABLE, sent)
    _exists("RESULT", policy.RESULT, sent)
    _exists("TEXT", policy.TEXT, sent)
    _exists("EVERY_TURN", policy.EVERY_TURN, sent)
    _exists("ENDS", policy.ENDS, {n.method for n in notifications if n.turn or n.subject})
    _exists("SUBJECTS", policy.SUBJECTS, {n.subject for n in notifications if n.subject})
    _exists("OPEN_ENDED", policy.OPEN_ENDED, known)
    _exists("SLOW", policy.SLOW, known)
    _exists("CONTROL", policy.CONTROL, known)
    _exists("RESPONSES", policy.RESPONSES, known)
    for both in (policy.OPEN_ENDED & policy.SLOW, (policy.OPEN_ENDED | policy.SLOW) & policy.CONTROL):
        if both:
            raise SchemaError(f"policy.py has two places for {sorted(both)}")
    asked = dict(bundle.variants("ServerRequest"))
    _exists("REFUSALS", policy.REFUSALS, set(asked))
    if missing := sorted(set(asked) - set(policy.REFUSALS)):
        raise SchemaError(f"policy.REFUSALS lacks {missing}: how is it refused when nobody handles it?")
    return Protocol(
        sorted(notifications, key=lambda n: n.method),
        sorted(requests, key=lambda r: r.method),
        sorted((_server_request(bundle, *v) for v in asked.items()), key=lambda s: s.method),
        policy.SUBJECTS,
    )


def _exists(table: str, names: Iterable[str], known: set[str]) -> None:
    if unknown := sorted(set(names) - known):
        raise SchemaError(f"policy.{table} names {unknown}, which the schema does not have")


def _notification(bundle: Bundle, method: str, variant: Schema) -> Notification:
    payload = reference(variant["properties"]["params"])
    definition = bundle.lookup(payload) if payload else None
    if payload is None or definition is None:
        raise SchemaError(f"notification {method} has no payload definition")
    properties = definition.get("properties", {})
    turn = _id_path(properties, "turnId", "Turn")
    return Notification(
        method=method,
        payload=payload,
        thread=_id_path(properties, "threadId", "Thread"),
        turn=turn,
        subject=None if turn else _subject(method, properties),
        ends=method in policy.ENDS,
        # Items come from a turn that has begun, and from it only.
        begins=method == "turn/started" or method.startswith("item/"),
        result=method in policy.RESULT,
        text=method in policy.TEXT,
        droppable=method in policy.DROPPABLE,
    )


def _subject(method: str, properties: Schema) -> str | None:
    found = [name for name in policy.SUBJECTS if name in properties]
    if len(found) > 1:
        raise SchemaError(f"{found} could each name the stream of {method}")
    return found[0] if found else None


def _id_path(properties: Schema, name: str, carrier: str) -> IdPath:
    """Finds the id of what a payload is about: its own property, else its object's."""
    if name in properties:
        return (name,)
    objects = [key for key, schema in properties.items() if reference(schema) == carrier]
    if len(objects) > 1:
        raise SchemaError(f"two properties could carry {name}: {objects}")
    return (objects[0], "id") if objects else ()


def _request(bundle: Bundle, method: str, variant: Schema) -> Request:
    schema = variant["properties"]["params"]
    params = reference(schema)
    if params is None and schema != {"type": "null"}:
        raise SchemaError(f"request {method} has params of an unknown shape: {json.dumps(schema)}")
    open_ended = method in policy.OPEN_ENDED
    if open_ended or method in policy.SLOW:
        window = "Long"
    elif method in policy.CONTROL:
        window = "Control"
    else:
        window = "Short"
    return Request(
        method=method,
        params=params,
        params_optional="$ref" not in schema,
        response=_response(bundle, method, params),
        window=window,
        open_ended=open_ended,
        experimental=method not in bundle.stable_methods,
        not_nullable=_not_nullable(bundle, params),
    )


def _not_nullable(bundle: Bundle, params: str | None) -> tuple[str, ...]:
    definition = (params and bundle.lookup(params)) or {}
    required = definition.get("required", ())
    return tuple(
        field_name(wire)
        for wire, schema in definition.get("properties", {}).items()
        if wire not in required and not bundle.nullable(schema)
    )


def _response(bundle: Bundle, method: str, params: str | None) -> str:
    """Finds a request's response by the naming convention of the schema: XParams → XResponse."""
    if method in policy.RESPONSES:
        candidates = [policy.RESPONSES[method]]
    elif params is not None:
        candidates = [params.removesuffix("Params") + "Response"]
    else:
        words = "".join(w[:1].upper() + w[1:] for w in method.replace("_", "/").split("/"))
        candidates = [words + "Response"]
    for name in candidates:
        if bundle.lookup(name) is not None:
            return name
    raise SchemaError(f"no response of {method} found (tried {candidates}): add it to policy.RESPONSES")


def _server_request(bundle: Bundle, method: str, variant: Schema) -> ServerRequest:
    params = reference(variant["properties"]["params"])
    if params is None or bundle.lookup(params) is None:
        raise SchemaError(f"server request {method} has no params definition")
    response = params.removesuffix("Params") + "Response"
    if bundle.lookup(response) is None:
        raise SchemaError(f"server request {method} has no {response}")
    refusal = policy.REFUSALS[method]
    compact = None if refusal is None else json.dumps(refusal, separators=(",", ":"))
    return ServerRequest(method, params, response, compact)
