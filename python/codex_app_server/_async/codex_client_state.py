"""What a low-level client keeps: the handler, and the queues of turns, goals and logins.

Owns it for as long as anything holds the runtime, so that a program which keeps a thread only finds it again
by `thread._client`. It refers to nothing that holds the runtime but the handles of goals and logins: else a
client that nobody closes would be found by the collector only.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from .. import types
from .._concurrency import forks
from .._incoming.decoding import decoder
from .._native import Subscription
from .._outgoing import logins
from .._package import late
from ..errors import StreamClosedError, StreamOverflowError, TransportClosedError
from .answering import AsyncAnswering, Handler
from .connection import AsyncConnection
from .feed import AsyncFeed
from .waiting import Lock

# The ends of so many logins are kept for somebody who asks.
_ENDS = 256


class AsyncCodexClientState:
    """What the low-level client of one runtime keeps."""

    def __init__(self) -> None:
        self.handler: Handler | None = None
        # Whether the handler is asked on a thread, as the official package does.
        self.is_apart = False
        self.answering: AsyncAnswering | late.Answering | None = None
        # Around the steps from one state to the next: started, greeted. Closing must not wait for it.
        self.lock = Lock()
        # Of the last runtime, also when it is closed: what it has said can still be read.
        self.unscoped: AsyncFeed | None = None
        # Of those that are registered, what was not read yet: by turn, by thread, and by login.
        self.turns: dict[str, AsyncFeed] = {}
        self.goals: dict[str, Any] = {}
        self.logins: dict[str, Any] = {}
        # How logins have ended that nobody may have asked for yet, and where that is heard.
        self._ends: dict[str, types.AccountLoginCompletedNotification] = {}
        self._ends_of_logins: Subscription | None = None
        # Around a look into these and what follows from it. Nothing waits within.
        self.registering = forks.reentrant_lock()

    def listen(self, connection: AsyncConnection) -> None:
        """Keep what is no turn's from now on, and what the connection has kept of it so far."""
        self._ends_of_logins = connection.native.subscribe_notifications([logins.COMPLETED])
        self.unscoped = AsyncFeed(connection, connection.native.subscribe_backlog(), decoder())

    def end_of_login(self, login_id: str) -> types.AccountLoginCompletedNotification | None:
        """How a login has ended, if that was heard. Called with `registering` held; never waits."""
        heard = self._ends_of_logins
        if heard is not None:
            with suppress(StreamOverflowError, StreamClosedError, TransportClosedError):
                while events := heard.drain(decoder()):
                    for end in filter(None, map(logins.completion_in, events)):
                        if isinstance(end.login_id, str):
                            self._ends[end.login_id] = end
        while len(self._ends) > _ENDS:
            del self._ends[next(iter(self._ends))]
        return self._ends.get(login_id)

    def forget(self) -> None:
        """Another runtime is started: nothing that was registered is of use for that."""
        self.logins.clear()
        self._ends.clear()
        self.turns.clear()
        self.goals.clear()
        self.answering = None
