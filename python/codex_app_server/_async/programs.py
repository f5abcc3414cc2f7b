"""Handles of programs that the runtime runs for the client: sandboxed commands and plain processes.

Owns what the two have alike (output, input, the terminal, the end) and where they differ: a command ends with
the answer to its request, a process with a notification. The requests are in
`_outgoing.stream_requests`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar, Generic, TypeVar, cast

from .. import types
from .._concurrency.deadline import Deadline
from .._incoming import output_chunks
from .._incoming.output_chunks import OutputChunk
from .._native import Call, Subscription
from .._outgoing import stream_requests
from .._outgoing.stream_requests import COMMAND, PROCESS, ProgramMethods, StreamRequest
from ..errors import CodexError, ForkedProcessError, InvalidRequestError
from ..models import Notification, UnknownNotification
from .connection import AsyncConnection
from .stream_handle import AsyncStreamHandle, opened
from .waiting import Lock, Waitable, entering, wait_ready

EndT = TypeVar("EndT")

# How long a program that was ended may take to be gone, in seconds. It was killed, so this is for the
# runtime's bookkeeping and for output that a child of the program holds open.
_LAST_WORDS_S = 5.0


class _AsyncProgram(AsyncStreamHandle["OutputChunk | UnknownNotification"], Generic[EndT]):
    _methods: ClassVar[ProgramMethods]

    def __init__(
        self,
        connection: AsyncConnection,
        stream_request: StreamRequest[Any],
        subscription: Subscription,
        end: Waitable,
    ) -> None:
        super().__init__(connection, stream_request, subscription, output_chunks.decoder())
        self._end = end
        self._ending = Lock()
        self._outcome: EndT | CodexError | None = None

    def _made(self, event: Notification) -> OutputChunk | UnknownNotification | None:
        payload: Any = event.payload
        # What is no output: the exit, which wait() tells, and what a newer runtime says besides.
        return payload if event.method.endswith("/outputDelta") else None

    async def _ended(self) -> None:
        if not self._closed:
            await self.wait()  # it may have been refused

    async def write(self, data: bytes | bytearray | memoryview, *, timeout_s: float | None = None) -> None:
        """Write to the program's stdin.

        Raises:
            InvalidInputTypeError: `data` is not bytes. Nothing was sent.
            InvalidRequestError: The program has ended, or has no stdin.
        """
        await self._request(stream_requests.write(self._methods, self._stream_request.name, data), timeout_s)

    async def close_stdin(self, *, timeout_s: float | None = None) -> None:
        """Close the program's stdin: it reads the end of its input.

        Raises:
            InvalidRequestError: The program has ended, or has no stdin.
        """
        await self._request(stream_requests.write(self._methods, self._stream_request.name, None), timeout_s)

    async def resize(self, rows: int, cols: int, *, timeout_s: float | None = None) -> None:
        """Tell a program on a terminal that the terminal has another size, in characters.

        Raises:
            InvalidInputError: That is no size of a terminal. Nothing was sent.
            InvalidRequestError: The program has ended, or has no terminal.
        """
        await self._request(
            stream_requests.resize(self._methods, self._stream_request.name, rows, cols), timeout_s
        )

    async def terminate(self, *, timeout_s: float | None = None) -> None:
        """Kill the program. Its last output can still be read, and `wait()` tells how it ended.

        Does nothing if it has ended.
        """
        with suppress(InvalidRequestError):
            await self._request(self._stream_request.stop, timeout_s)

    async def wait(self, *, timeout_s: float | None = None) -> EndT:
        """Wait until the program has ended, and return how. Takes no output away from the iteration.

        Output that nobody reads meanwhile is kept up to `CodexConfig.turn_budget_bytes`.
        Cancelled, it leaves the program running; call it again, or `terminate()`.

        Args:
            timeout_s: Seconds that it may take; for ever by default.

        Raises:
            JsonRpcError: The runtime refused to run it.
            WaitTimeoutError: The program has not ended in time. It runs on.
            TransportClosedError: The connection ended first.
            StreamClosedError: The handle was closed before the end was known.
        """
        deadline = Deadline(timeout_s)
        while self._outcome is None:
            if not await wait_ready(self._end, deadline.left() if deadline.is_given else None):
                raise deadline.missed_end("The program")
            # Not while it waits: a signal handler may ask, too.
            async with entering(self._ending):
                if self._outcome is None:
                    self._outcome = self._told()
        outcome = self._outcome
        if isinstance(outcome, CodexError):
            raise outcome
        return outcome

    def _told(self) -> EndT | CodexError | None:
        """How it ended, once `_end` is ready."""
        raise NotImplementedError

    async def _stop(self, deadline: Deadline) -> None:
        patience_s = _LAST_WORDS_S if self._subscription.owes else 0.0
        await super()._stop(deadline)
        if await wait_ready(self._end, min(patience_s, max(0.0, deadline.left()))):
            with suppress(CodexError):  # wait() tells it to who asks
                await self.wait()


class AsyncCommandHandle(_AsyncProgram["types.CommandExecResponse"]):
    """A command that the runtime runs in its sandbox, without a thread or a turn.

    Async form of `CommandHandle`. Made by `AsyncCodex.command_exec()`. Iterated, it gives the output as
    `OutputChunk`s until the command has ended. Leaving its block kills the command if it still runs.

    Example:
        >>> async def main():
        ...     async with AsyncCodex() as codex:
        ...         async with await codex.command_exec(["ls", "-l"]) as command:
        ...             async for chunk in command:
        ...                 print(chunk.data.decode(), end="")
        ...             print((await command.wait()).exit_code)
    """

    _methods = COMMAND

    def __init__(
        self,
        connection: AsyncConnection,
        stream_request: StreamRequest[types.CommandExecResponse],
        subscription: Subscription,
        call: Call,
    ) -> None:
        super().__init__(connection, stream_request, subscription, call)
        self._call = call
        self._start = stream_request.start

    @classmethod
    async def _begin(
        cls,
        connection: AsyncConnection,
        stream_request: StreamRequest[types.CommandExecResponse],
        deadline: Deadline,
    ) -> AsyncCommandHandle:
        subscription = connection.subscribe_stream(stream_request)
        try:
            call = await connection.begin(stream_request.start, subscription, deadline)
        except BaseException:
            subscription.close()
            raise
        return cls(connection, stream_request, subscription, call)

    def _told(self) -> types.CommandExecResponse | CodexError | None:
        try:
            return self._connection.answer(self._call, self._start)
        except CodexError as error:
            return error
        except RuntimeError:  # given up by the closing of the handle
            return self._closed_error()

    def _let_go(self) -> None:
        with suppress(ForkedProcessError):
            self._call.abandon()
        super()._let_go()


def _exit_of(payload: Any) -> types.ProcessExitedNotification:
    if isinstance(payload, UnknownNotification):
        from .._incoming.lenient import build
        from ..generated.v2_all import ProcessExitedNotification

        # What a newer runtime has changed is in its field, as in answers.
        payload = build(ProcessExitedNotification, payload.params)
    return cast("types.ProcessExitedNotification", payload)


class AsyncProcessHandle(_AsyncProgram["types.ProcessExitedNotification"]):
    """A process that the runtime has started on its machine, outside of any sandbox.

    Async form of `ProcessHandle`. Made by `AsyncCodex.process_spawn()`. Iterated, it gives the output as
    `OutputChunk`s until the process has ended. Leaving its block kills the process if it still runs.

    Example:
        >>> async def main():
        ...     async with AsyncCodex() as codex:
        ...         async with await codex.process_spawn(["cat"]) as process:
        ...             await process.write(b"hello")
        ...             await process.close_stdin()
        ...             async for chunk in process:
        ...                 print(chunk.data)
    """

    _methods = PROCESS

    def __init__(
        self,
        connection: AsyncConnection,
        stream_request: StreamRequest[None],
        subscription: Subscription,
        exit: Subscription,
    ) -> None:
        super().__init__(connection, stream_request, subscription, exit)
        self._exit = exit

    @classmethod
    async def _begin(
        cls, connection: AsyncConnection, stream_request: StreamRequest[None], deadline: Deadline
    ) -> AsyncProcessHandle:
        # The exit has a mailbox of its own, so that wait() and the iteration take nothing from each other.
        exit = connection.subscribe_stream(stream_request)
        exit.select("end")
        try:
            subscription, _ = await opened(connection, stream_request, deadline)
        except BaseException:
            exit.close()
            raise
        return cls(connection, stream_request, subscription, exit)

    def _told(self) -> types.ProcessExitedNotification | CodexError | None:
        try:
            events = self._exit.drain(output_chunks.decoder(), 1)
        except CodexError as error:
            return error
        except RuntimeError:  # closed with the handle
            return self._closed_error()
        if events:
            return _exit_of(events[0].payload)
        # Finished without an exit: a Ctrl-C came between taking it and keeping it.
        return self._closed_error() if self._exit.finished else None

    def _let_go(self) -> None:
        with suppress(ForkedProcessError):
            self._exit.close()
        super()._let_go()
