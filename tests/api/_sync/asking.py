# Made from _async/asking.py by `python scripts/make_sync.py`; do not edit.

"""Handlers and waits that the tests of requests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codex_app_server import Codex
from codex_app_server.requests import ServerRequest
from tests.api._sync.concurrency import Marks, expected
from tests.peer import ScriptedPeer


def reply(peer: ScriptedPeer) -> dict[str, Any]:
    """The client's next message, whatever it is."""
    return expected(peer, None)


def silent(peer: ScriptedPeer, codex: Codex) -> None:
    """The client has read all, and has written nothing that nobody has looked at."""
    codex.models()
    assert peer.received == 0


class Deferring:
    """A handler that keeps everything for later."""

    def __init__(self) -> None:
        self.marks = Marks()
        self.kept: list[Any] = []

    def __call__(self, request: ServerRequest) -> None:
        request.defer()
        self.kept.append(request)
        self.marks.reach(str(len(self.kept)))

    def first(self, count: int = 1) -> Any:
        """The newest, once there are `count`."""
        self.marks.wait(str(count))
        return self.kept[count - 1]


def settle(request: ServerRequest) -> str | None:
    """What has settled it, once it is."""
    assert request.wait_settled(20)
    return request.settlement


class Handler:
    """Answers each request by `answer`, and remembers them."""

    def __init__(self, answer: Callable[[Any], object]) -> None:
        self._answer = answer
        self.asked: list[Any] = []

    def __call__(self, request: ServerRequest) -> None:
        self.asked.append(request)
        self._answer(request)


def states(result: Any, kind: str) -> list[str]:
    """The states of a result's items of a kind."""
    return [str(item.root.status.value) for item in result.items if item.root.type == kind]
