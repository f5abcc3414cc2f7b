"""Driving the native module by hand: what the shells do, without them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from codex_app_server._native import Call, Connection, Decoder, Subscription
from codex_app_server.models import Notification
from tests.peer import ScriptedPeer

#: Leaves payloads as parsed JSON, so that these tests know no models.
decoder = Decoder(Notification, lambda _method, params: json.loads(params))


@contextmanager
def connected(peer: ScriptedPeer, **settings: Any) -> Iterator[Connection]:
    connection = Connection(peer.argv, **settings)
    try:
        yield connection
    finally:
        connection.close()
        assert connection.wait(20)


def start(connection: Connection, method: str, params: Any = None, *, thread_id: str | None = None) -> Call:
    """Sends a request and leaves its answer to be waited for."""
    call = connection.open_call(method, thread_id=thread_id)
    assert call.wait(20)
    call.send(json.dumps(params or {}).encode())
    return call


def finish(call: Call) -> Any:
    assert call.wait(20)
    return json.loads(call.take())


def start_turn(connection: Connection, thread_id: str) -> Call:
    return start(connection, "turn/start", {"threadId": thread_id, "input": []}, thread_id=thread_id)


def caught_up(connection: Connection, peer: ScriptedPeer) -> None:
    """Returns when the reader has routed everything that the peer sent before."""
    call = start(connection, "model/list")
    peer.answer(peer.expect("model/list"), {})
    finish(call)


def drain(subscription: Subscription) -> list[Notification]:
    """Everything until the turn is over."""
    events: list[Notification] = []
    while not subscription.finished:
        events += subscription.drain(decoder)
        if not subscription.finished:
            assert subscription.wait(20)
    return events


def texts(events: list[Notification]) -> list[str]:
    """The deltas, and the last word of every other method."""
    return [raw(event).get("delta", event.method.rsplit("/", 1)[-1]) for event in events]


def raw(event: Notification) -> Any:
    """The params: this decoder leaves them as they are."""
    return event.payload
