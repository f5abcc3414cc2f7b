"""The runtime of one client: started once, when it is first needed, and closed once.

Owns the states not started, started and closed, and the warning for a client that nobody closed. The
client, its threads and its turns share one of these, so the runtime lives as long as any of them is used.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ..errors import ForkedProcessError, NotStartedError, transport_closed
from .startup import initialize, spawn
from .waiting import Lock

if TYPE_CHECKING:
    from .._config import CodexConfig
    from .._metadata import InitializeResponse

    # sync only: from .client import Codex
    from .connection import AsyncConnection


_NOT_STARTED = (
    "The runtime is not started yet. Enter the client with "  # async only
    "`async with AsyncCodex() as codex:`, or await any of its methods first."  # async only
    # sync only: "The runtime is not started."
)


# sync only: def runtime_of(client: Codex | Runtime) -> Runtime:
# sync only:     """The runtime of what a program makes threads and turns with: its client."""
# sync only:     return client if isinstance(client, Runtime) else client._client


class AsyncRuntime:
    """The runtime of one client."""

    def __init__(self, config: CodexConfig) -> None:
        self._config = config
        self._lock = Lock()
        # Set from the moment the process exists; `_metadata` tells whether it is ready.
        self._connection: AsyncConnection | None = None
        self._metadata: InitializeResponse | None = None
        self._closed = False

    async def start(self) -> AsyncConnection:
        """The connection to the runtime, which is started if it is not running yet.

        Concurrent first calls start one. After a failed start the next call tries again.
        """
        if self._metadata is None or self._closed:
            async with self._lock:
                if self._metadata is None or self._closed:
                    await self._start()
        return self.connection

    async def _start(self) -> None:
        self._refuse_closed()
        launch, connection = spawn(self._config)
        # Known to close() from now on, which may come from elsewhere while this waits.
        self._connection = connection
        try:
            self._refuse_closed()
            self._metadata = await initialize(launch, connection, self._config)
        except BaseException:
            # Still known to close(), which waits for its end.
            connection.native.close()
            raise

    def _refuse_closed(self) -> None:
        if self._closed:
            raise transport_closed("closed_by_client", None, None, "", "")

    @property
    def connection(self) -> AsyncConnection:
        """The connection to the runtime, which must have been started."""
        self._refuse_closed()
        if self._metadata is None or self._connection is None:
            raise NotStartedError(_NOT_STARTED)
        return self._connection

    @property
    def cwd(self) -> str | None:
        """The runtime's working directory, if it is not this process' own."""
        return self._config.cwd

    @property
    def metadata(self) -> InitializeResponse:
        """What the runtime said about itself when it was started."""
        if self._metadata is None:
            raise NotStartedError(_NOT_STARTED)
        return self._metadata

    def stats(self) -> dict[str, int]:
        """The transport's counters; they stay after the end."""
        if self._connection is None:
            raise NotStartedError(_NOT_STARTED)
        return self._connection.native.stats()

    async def aclose(self) -> None:
        """End the runtime. Everything that still waits for it is told so. Idempotent."""
        self._closed = True
        if self._connection is not None:
            await self._connection.aclose()

    def __del__(self, _warn: Any = warnings.warn) -> None:
        connection = getattr(self, "_connection", None)
        try:
            if connection is None or connection.native.closed:
                return
        except ForkedProcessError:
            return
        connection.native.close()
        message = f"unclosed Codex runtime (pid {connection.native.pid}): use the client in a `with` block"
        _warn(message, ResourceWarning, source=self)
