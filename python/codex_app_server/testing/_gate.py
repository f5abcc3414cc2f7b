"""Holds answers back until they are told to go: what `hold()`, `release()` and `Stall` do, inside the
server's event loop.

The gate knows requests only by number and prompt. It never touches a socket; the server waits at it, the
control channel opens it.
"""

from __future__ import annotations

import asyncio

from .errors import OfflineModelError
from .requests import ModelRequest


class Gate:
    """Requests wait here in the order of their numbers' arrival; a wait that is cancelled leaves nothing
    behind.
    """

    def __init__(self) -> None:
        self._held = False
        self._waiting: dict[asyncio.Future[None], ModelRequest] = {}

    async def enter(self, request: ModelRequest) -> None:
        """Go through at once, or wait for a release when answers are held."""
        if self._held:
            await self.stall(request)

    async def stall(self, request: ModelRequest) -> None:
        """Wait for a release, held or not."""
        released: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[released] = request
        try:
            await released
        finally:
            self._waiting.pop(released, None)

    def hold(self) -> None:
        """From now on every request waits at `enter`."""
        self._held = True

    def release(self, prompt: str | None, count: int | None) -> int:
        """Let waiting requests go, in order of arrival; how many went.

        Without arguments all go and later ones do not wait. With either, the hold stays for the rest.

        Raises:
            OfflineModelError: A prompt or count that the waiting requests do not have.
        """
        chosen = [
            future for future, request in self._waiting.items() if prompt is None or request.prompt == prompt
        ]
        if prompt is None and count is None:
            self._held = False
        elif len(chosen) < (count or 1):
            held = ", ".join(repr(request.prompt) for request in list(self._waiting.values())[:10]) or "none"
            wanted = f"{count or 1} request(s)" + (
                f" with the prompt {prompt!r}" if prompt is not None else ""
            )
            raise OfflineModelError(
                f"release() wants {wanted}, but {len(chosen)} wait(s) here (waiting: {held}). "
                "Call wait_for_requests() first, so that they have arrived."
            )
        chosen = chosen if count is None else chosen[:count]
        for future in chosen:
            # The waiter forgets itself when it runs; a second release before that must not count it again.
            del self._waiting[future]
            if not future.done():
                future.set_result(None)
        return len(chosen)
