"""The runtime of one client: started once, when it is first needed, and closed once.

Owns the states not started, started and closed, and the warning for a client that nobody closed. The
client, its threads and its turns share one of these, so the runtime lives as long as any of them is used.
"""

from __future__ import annotations

import functools
import logging
import os
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, TypeVar

from .. import types
from .._concurrency import forks
from .._concurrency.atomic import Atomic
from .._concurrency.deadline import NEVER, Deadline
from .._concurrency.resumes import Resumes
from .._incoming.bound import client_state
from .._incoming.failures import transport_closed
from .._launch.config import CodexConfig
from .._native import Subscription
from .._outgoing.requests import Request
from .._outgoing.thread_settings import Place
from .._package import late
from .._serving.handlers import Handler
from .._serving.serving import MOST_AT_ONCE, Serving
from ..errors import ForkedProcessError, InvalidInputError, NotStartedError, StartupError
from ..models import JsonObject
from ..retry import pauses
from .codex_client_state import AsyncCodexClientState
from .connection import AsyncConnection
from .handlers import Handlers
from .startup import LOST_A_RACE, initialize, spawn
from .waiting import Lock, sleep

logger = logging.getLogger("codex_app_server")

T = TypeVar("T")

# A runtime that lost the race for a new database finds it made some 0.2 s later.
_TRIES = 4
_FIRST_PAUSE_S = 0.15
_LONGEST_PAUSE_S = 1.0
_JITTER = 0.5

_NOT_STARTED = (
    "The runtime is not started yet. Enter the client with "  # async only
    "`async with AsyncCodex() as codex:`, or await any of its methods first."  # async only
    # sync only: "The runtime is not started."
)


def _client_of(runtime: weakref.ref[AsyncRuntime]) -> late.AsyncCodex | None:
    found = runtime()
    return None if found is None else found.client


class EarlyTurn:
    """A turn that somebody follows by its ids since before the runtime was started.

    Args:
        thread_id: Its thread.
        turn_id: The turn.
    """

    __slots__ = ("__weakref__", "cursor", "subscription", "thread_id", "turn_id")

    def __init__(self, thread_id: str, turn_id: str) -> None:
        self.thread_id = thread_id
        self.turn_id = turn_id
        # From the moment in which the runtime is there.
        self.subscription: Subscription | None = None
        # What its handle follows it with, of which there is one, whoever asks for it first.
        self.cursor: Atomic[Any] = Atomic(None)


class AsyncRuntime:
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
        # The client's tools, by name.
        self._tools: Mapping[str, late.Tool[..., Any]] = {}
        # The client, and what makes another one over the same runtime: a program may keep a thread only.
        self._owner: weakref.ref[late.AsyncCodex] | None = None
        # What the low-level client keeps; and that client, since it was first asked for, and the lock under
        # which it is made. One of a program's own class cannot be made anew, so it is kept.
        self.low_level_state = AsyncCodexClientState()
        self._low_level: weakref.ref[late.AsyncCodexClient] | None = None
        self._of_own_class: late.AsyncCodexClient | None = None
        self._making = forks.reentrant_lock()
        self._make_client: Any = None
        self.resumes: Resumes[Lock] = Resumes(Lock)
        # Of handles that were made before it was started. These have them.
        self._early: weakref.WeakSet[EarlyTurn] = weakref.WeakSet()
        # Started, greeted and started again by the low-level client, and by nobody else.
        self._by_hand = by_hand
        # Around a start. That of the threads' client is over before anybody can call it.  # async only
        self._lock = Lock()  # async only
        # Set from the moment the process exists; `_metadata` tells whether it is ready.
        self._launch: Any = None
        self._connection: AsyncConnection | None = None
        self._metadata: types.InitializeResponse | None = None
        self._closed = False

    def serve(
        self,
        client: late.AsyncCodex,
        make_client: Callable[[AsyncRuntime], late.AsyncCodex],
        tools: Iterable[Callable[..., Any]],
    ) -> None:
        """This is the runtime of a client that has these tools.

        Args:
            client: The client.
            make_client: Makes another one, for tools that are called when that is gone.
            tools: Its tools.

        Raises:
            InvalidInputError: A function cannot be a tool.
            InvalidInputTypeError: An argument has the wrong type.
        """
        self._owner = weakref.ref(client)
        self._make_client = make_client
        self._tools = self._tools_of(tools)
        self.serving.use_tools(self._answering(self._tools))

    @property
    def client(self) -> late.AsyncCodex:
        """A client of this runtime."""
        client = None if self._owner is None else self._owner()
        return self._make_client(self) if client is None else client

    @property
    def is_by_hand(self) -> bool:
        """Whether a low-level client starts it, and nobody else."""
        return self._by_hand

    def adopt(self, client: late.AsyncCodex) -> None:
        """This runtime, which a low-level client was made with, is that client's from now on."""
        self._by_hand = False
        self._owner = weakref.ref(client)
        self._make_client = client._over

    @property
    def low_level(self) -> late.AsyncCodexClient:
        """The low-level client of this runtime, made when it is first asked for."""
        with self._making:
            found = None if self._low_level is None else self._low_level()
            if found is None:
                from .codex_client import AsyncCodexClient

                found = AsyncCodexClient._over(self)
                owner = None if self._owner is None else self._owner()
                if owner is not None:
                    owner._low_level = found
                if self._connection is not None and self.low_level_state.unscoped is None:
                    self.low_level_state.listen(self._connection)
            return found

    def low_level_is(self, client: late.AsyncCodexClient, *, is_of_own_class: bool) -> None:
        """This is the runtime's low-level client, perhaps of a class of the program's."""
        self._low_level = weakref.ref(client)
        self._of_own_class = client if is_of_own_class else None

    def offer(self, tools: Iterable[Callable[..., Any]]) -> tuple[list[JsonObject], dict[str, Handler]]:
        """What a new thread that has these tools offers to the model, and what answers for them.

        Raises:
            InvalidInputError: A function cannot be a tool, or not beside those of the client.
            InvalidInputTypeError: An argument has the wrong type.
        """
        own = self._tools_of(tools)
        offered = {**self._tools, **own}
        if own:
            from ..tools._tool import refuse_alike

            refuse_alike(offered)
        return [tool.spec for tool in offered.values()], self._answering(own)

    def answering(self, tools: Iterable[Callable[..., Any]]) -> dict[str, Handler]:
        """What answers the calls of tools, by their names.

        Raises:
            InvalidInputError: A function cannot be a tool.
            InvalidInputTypeError: An argument has the wrong type.
        """
        return self._answering(self._tools_of(tools))

    def _tools_of(self, tools: Any) -> dict[str, late.Tool[..., Any]]:
        if tools == ():
            return {}
        # Most programs have none, and need not import what makes them.
        from ..tools._tool import as_tools

        made = as_tools(tools)
        if made and not self._config.experimental_api:
            raise InvalidInputError(
                "Tools need a client that was made with CodexConfig(experimental_api=True)."
            )
        return made

    def _answering(self, tools: Mapping[str, late.Tool[..., Any]]) -> dict[str, Handler]:
        if not tools:
            return {}
        from .._serving.tool_calls import ToolRole, answering

        # Weakly: a client that nobody closes is found as soon as nobody has it.
        client_of = functools.partial(_client_of, weakref.ref(self))
        return {
            name: self.handlers.made(answering(tool, client_of, awaits=self.handlers.awaits), ToolRole(tool))
            for name, tool in tools.items()
        }

    async def request(self, request: Request[T], timeout_s: float | None = None) -> T:
        """Send a request, and return its decoded answer: what most methods of the clients do.

        Args:
            request: What to send.
            timeout_s: Seconds for all of it, a start that it needs included; by default the config's.
        """
        return await self.ask(request, Deadline(timeout_s))

    async def ask(self, request: Request[T], deadline: Deadline) -> T:
        """The same, as one of several that have a deadline together."""
        connection = await self.start(deadline)
        return await connection.request(request, deadline=deadline)

    async def start(self, deadline: Deadline = NEVER) -> AsyncConnection:
        """The connection to the runtime, which is started if it is not running yet.

        Concurrent first calls start one. After a failed start the next call tries again.

        Raises:
            RequestTimeoutError: It is not ready by the deadline. A start of this call's own is given up.
        """
        # Its own handler, if it is a coroutine function, is asked in the client's loop.  # async only
        if self.handlers.bind() and self._low_level is not None:  # async only
            self.low_level._serve()  # async only
        if self._by_hand:
            return self.connection
        # sync only: if self._metadata is None:
        # sync only:     self._start(deadline)
        if self._metadata is None or self._closed:  # async only
            if not self._lock.take() and not await self._lock.wait(deadline.left()):  # async only
                raise deadline.missed("initialize")  # async only
            try:  # async only
                if self._metadata is None or self._closed:  # async only
                    await self._start(deadline)  # async only
            finally:  # async only
                self._lock.release()  # async only
        return self.connection

    async def _start(self, deadline: Deadline) -> None:
        if deadline.left() <= 0:
            raise deadline.missed("initialize", was_sent=False)
        for pause in islice(pauses(_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _JITTER), _TRIES - 1):
            try:
                await self._start_once(deadline)
            except StartupError as error:
                if LOST_A_RACE not in error.stderr_tail or pause >= deadline.left():
                    raise
                logger.info("The runtime could not open its database, and is started again")
            else:
                return
            await sleep(pause)
        await self._start_once(deadline)

    async def _start_once(self, deadline: Deadline) -> None:
        # By hand it may be spawned already.
        if self._connection is None or self._connection.native.closed:
            self.spawn()
        await self.initialize(deadline)

    def spawn(self) -> None:
        """Start the process, and no more."""
        self._refuse_closed()
        # Known to close() from now on, which may come from elsewhere while this waits.
        self._launch, self._connection = spawn(self._config)
        self._connection.native.keep_backlog()
        self.serving.attach(self._connection.native)
        for early in list(self._early):
            self._follow(early, self._connection)
        if self._low_level is not None and not self._by_hand:
            self.low_level_state.listen(self._connection)
            # What was asked before may have ended with a process that did not become ready.
            self.low_level._serve()

    async def initialize(self, deadline: Deadline) -> types.InitializeResponse:
        """Make the process ready that was spawned; returns its answer as it came."""
        launch, connection = self._launch, self.spawned
        try:
            self._refuse_closed()
            answer = await initialize(launch, connection, self._config, deadline)
            self._metadata = answer.with_server_info()
            # Until here another process may have come in the place of this one.
            self._early.clear()
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
    def spawned(self) -> AsyncConnection:
        """The connection to the process, ready or not."""
        if self._connection is None:
            raise transport_closed("not_started", None, None, "", "")
        return self._connection

    def _refuse_closed(self) -> None:
        if self._closed:
            raise transport_closed("closed_by_client", None, None, "", "")

    @property
    def connection(self) -> AsyncConnection:
        """The connection to the runtime, which must have been started."""
        if self._by_hand:
            return self.spawned
        self._refuse_closed()
        if self._metadata is None or self._connection is None:
            raise NotStartedError(_NOT_STARTED)
        return self._connection

    @property
    def config(self) -> CodexConfig:
        """How it is launched."""
        return self._config

    @property
    def is_to_be_started(self) -> bool:
        """Whether it is neither ready nor closed: not started, being started, or the start has failed."""
        is_there = self._connection if self._by_hand else self._metadata
        return is_there is None and not self._closed

    @property
    def was_closed(self) -> bool:
        """Whether it was closed from here."""
        return self._closed

    def early(self, thread_id: str, turn_id: str) -> EarlyTurn:
        """Follow a turn from the moment in which the runtime is there."""
        turn = EarlyTurn(thread_id, turn_id)
        # In this order: a start that is under way finds it, or is found.
        self._early.add(turn)
        if self._connection is not None and not self._connection.native.closed:
            self._follow(turn, self._connection)
        return turn

    def _follow(self, early: EarlyTurn, connection: AsyncConnection) -> None:
        early.subscription = connection.subscribe(early.thread_id, early.turn_id)

    @property
    def is_spawned(self) -> bool:
        """Whether there is a process, ready or not."""
        return self._connection is not None

    @property
    def process(self) -> late.RuntimeProcess | None:
        """The process; None before it is there, and once it was ended from here."""
        if self._connection is None or self._closed:
            return None
        from .._official_names import RuntimeProcess

        return RuntimeProcess(self._connection.native)

    @property
    def is_initialized(self) -> bool:
        """Whether the process was made ready."""
        return self._metadata is not None

    @property
    def cwd(self) -> str | None:
        """The runtime's working directory, if it is not this process' own."""
        return None if self._config.cwd is None else os.fspath(self._config.cwd)

    @property
    def place(self) -> Place:
        """Where it was launched, which says what paths mean to it."""
        return Place(self._launch.directory, self._launch.env.get("HOME"))

    @property
    def metadata(self) -> types.InitializeResponse:
        """What the runtime said about itself when it was started."""
        if self._metadata is None:
            raise NotStartedError(_NOT_STARTED)
        return self._metadata

    def standing(self) -> str:
        """Where it stands, for the `repr` of whatever is bound to it."""
        native = None if self._connection is None else self._connection.native
        return client_state(native, is_ready=self._metadata is not None, was_closed=self._closed)

    @property
    def pid(self) -> int:
        """The process' id, also once it has ended."""
        if self._connection is None:
            raise NotStartedError(_NOT_STARTED)
        return self._connection.native.pid

    @property
    def exit_code(self) -> int | None:
        """How the process has ended; None before its start, while it runs, and if that is not known."""
        return None if self._connection is None else self._connection.native.exit_code

    def stats(self) -> dict[str, int]:
        """The transport's counters; they stay after the end."""
        if self._connection is None:
            raise NotStartedError(_NOT_STARTED)
        return self._connection.native.stats()

    async def aclose(self) -> None:
        """End the runtime. Everything that still waits for it is told so. Idempotent."""
        self._closed = True
        self.handlers.note_closing()
        native = None
        if self._connection is not None:
            native = self._connection.native
            await self._connection.aclose()
            await self.handlers.stop()
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
