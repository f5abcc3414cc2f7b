# Made from _async/runtime.py by `python scripts/make_sync.py`; do not edit.

"""The runtime of one client: started once, when it is first needed, and closed once.

Owns the states not started, started and closed, and the warning for a client that nobody closed. The
client, its threads and its turns share one of these, so the runtime lives as long as any of them is used.
"""

from __future__ import annotations

import logging
import warnings
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from .._deadline import NEVER, Deadline
from .._failures import transport_closed
from .._serving.serving import MOST_AT_ONCE, Serving
from ..errors import ForkedProcessError, NotStartedError, StartupError
from ..retry import pauses
from .handlers import Handlers
from .startup import LOST_A_RACE, initialize, spawn
from .waiting import sleep

if TYPE_CHECKING:
    from .._config import CodexConfig
    from .._metadata import InitializeResponse
    from .._requests import Request
    from .client import Codex
    from .codex_client import CodexClient
    from .connection import Connection

logger = logging.getLogger("codex_app_server")

T = TypeVar("T")

# A runtime that lost the race for a new database finds it made some 0.2 s later.
_TRIES = 4
_FIRST_PAUSE_S = 0.15
_LONGEST_PAUSE_S = 1.0
_JITTER = 0.5

_NOT_STARTED = "The runtime is not started."


def runtime_of(client: Codex | CodexClient | Runtime) -> Runtime:
    """The runtime of what a program makes threads and turns with: its client."""
    return client if isinstance(client, Runtime) else client._client


class Runtime:
    """The runtime of one client."""

    def __init__(
        self,
        config: CodexConfig,
        on_request: Any = None,
        max_concurrent_requests: int = MOST_AT_ONCE,
        *,
        by_hand: bool = False,
    ) -> None:
        self._config = config
        # Who answers what the runtime asks.
        self.handlers = Handlers()
        self.serving = Serving(self.handlers.of(on_request), max_concurrent_requests)
        # Started, greeted and started again by the low-level client, and by nobody else.
        self._by_hand = by_hand
        # Set from the moment the process exists; `_metadata` tells whether it is ready.
        self._launch: Any = None
        self._connection: Connection | None = None
        self._metadata: InitializeResponse | None = None
        self._closed = False

    def request(self, request: Request[T], timeout_s: float | None = None) -> T:
        """Send a request, and return its decoded answer: what most methods of the clients do.

        Args:
            request: What to send.
            timeout_s: Seconds for all of it, a start that it needs included; by default the config's.
        """
        deadline = Deadline(timeout_s)
        connection = self.start(deadline)
        return connection.request(request, deadline=deadline)

    def start(self, deadline: Deadline = NEVER) -> Connection:
        """The connection to the runtime, which is started if it is not running yet.

        Concurrent first calls start one. After a failed start the next call tries again.

        Raises:
            RequestTimeoutError: It is not ready by the deadline. A start of this call's own is given up.
        """
        if self._by_hand:
            return self.connection
        self.handlers.bind()
        if self._metadata is None:
            self._start(deadline)
        return self.connection

    def _start(self, deadline: Deadline) -> None:
        for pause in islice(pauses(_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _JITTER), _TRIES - 1):
            try:
                self._start_once(deadline)
            except StartupError as error:
                if LOST_A_RACE not in error.stderr_tail or pause >= deadline.left():
                    raise
                logger.info("The runtime could not open its database, and is started again")
            else:
                return
            sleep(pause)
        self._start_once(deadline)

    def _start_once(self, deadline: Deadline) -> None:
        self.spawn()
        self.initialize(deadline)

    def spawn(self) -> None:
        """Start the process, and no more."""
        self._refuse_closed()
        # Known to close() from now on, which may come from elsewhere while this waits.
        self._launch, self._connection = spawn(self._config)
        self.serving.attach(self._connection.native)

    def initialize(self, deadline: Deadline) -> InitializeResponse:
        """Make the process ready that was spawned; returns its answer as it came."""
        launch, connection = self._launch, self.spawned
        try:
            self._refuse_closed()
            answer = initialize(launch, connection, self._config, deadline)
            self._metadata = answer.with_server_info()
        except BaseException:
            # Still known to close(), which waits for its end.
            connection.native.close()
            raise
        return answer

    def reopen(self) -> None:
        """Forget the runtime that has ended, for another one."""
        self._closed = False
        self._metadata = None

    @property
    def spawned(self) -> Connection:
        """The connection to the process, ready or not."""
        if self._connection is None:
            raise transport_closed("not_started", None, None, "", "")
        return self._connection

    def _refuse_closed(self) -> None:
        if self._closed:
            raise transport_closed("closed_by_client", None, None, "", "")

    @property
    def connection(self) -> Connection:
        """The connection to the runtime, which must have been started."""
        if self._by_hand:
            return self.spawned
        self._refuse_closed()
        if self._metadata is None or self._connection is None:
            raise NotStartedError(_NOT_STARTED)
        return self._connection

    @property
    def is_initialized(self) -> bool:
        """Whether the process was made ready."""
        return self._metadata is not None

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

    @property
    def pid(self) -> int:
        """The process' id, also once it has ended."""
        if self._connection is None:
            raise NotStartedError(_NOT_STARTED)
        return self._connection.native.pid

    def stats(self) -> dict[str, int]:
        """The transport's counters; they stay after the end."""
        if self._connection is None:
            raise NotStartedError(_NOT_STARTED)
        return self._connection.native.stats()

    def close(self) -> None:
        """End the runtime. Everything that still waits for it is told so. Idempotent."""
        self._closed = True
        self.handlers.note_closing()
        native = None
        if self._connection is not None:
            native = self._connection.native
            self._connection.close()
            self.handlers.stop()
        self.serving.ended(native, transport_closed("closed_by_client", None, None, "", ""))

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
