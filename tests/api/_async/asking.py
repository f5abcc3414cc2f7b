"""Handlers and waits that the tests of requests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codex_app_server import AsyncCodex
from codex_app_server.requests import ServerRequest
from tests.api._async.concurrency import Marks, expected
from tests.peer import ScriptedPeer


async def reply(peer: ScriptedPeer) -> dict[str, Any]:
    """The client's next message, whatever it is."""
    return await expected(peer, None)


async def silent(peer: ScriptedPeer, codex: AsyncCodex) -> None:
    """The client has read all, and has written nothing that nobody has looked at."""
    await codex.models()
    assert peer.received == 0


class Deferring:
    """A handler that keeps everything for later."""

    def __init__(self) -> None:
        self.marks = Marks()
        self.kept: list[Any] = []

    async def __call__(self, request: ServerRequest) -> None:
        request.defer()
        self.kept.append(request)
        await self.marks.reach(str(len(self.kept)))

    async def first(self, count: int = 1) -> Any:
        """The newest, once there are `count`."""
        await self.marks.wait(str(count))
        return self.kept[count - 1]


async def settle(request: ServerRequest) -> str | None:
    """What has settled it, once it is."""
    assert await request.async_wait_settled(20)  # async only
    # sync only: assert request.wait_settled(20)
    return request.settlement


class Handler:
    """Answers each request by `answer`, and remembers them."""

    def __init__(self, answer: Callable[[Any], object]) -> None:
        self._answer = answer
        self.asked: list[Any] = []

    async def __call__(self, request: ServerRequest) -> None:
        self.asked.append(request)
        self._answer(request)


def states(result: Any, kind: str) -> list[str]:
    """The states of a result's items of a kind."""
    return [str(item.root.status.value) for item in result.items if item.root.type == kind]
