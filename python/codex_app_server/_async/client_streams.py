"""What a client offers besides threads and turns: listening, programs, watches, searches.

A part of the client. Thin: it names the arguments, `_outgoing` checks them, the handles do the rest.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .. import types
from .._arguments import identifier
from .._concurrency.deadline import Deadline
from .._outgoing import notification_methods, stream_requests
from .._outgoing.sandbox import Sandbox
from .._package.late import pydantic
from ..generated.literals import SandboxLiteral
from .notifications import AsyncNotificationStream
from .programs import AsyncCommandHandle, AsyncProcessHandle
from .runtime import AsyncRuntime
from .watching import AsyncFsWatch, AsyncFuzzyFileSearch

if TYPE_CHECKING:
    from ..generated.notifications import KnownPayload

PayloadT = TypeVar("PayloadT", bound="KnownPayload")
OtherT = TypeVar("OtherT", bound="KnownPayload")
ThirdT = TypeVar("ThirdT", bound="KnownPayload")


class AsyncClientStreams:
    """The base of the client."""

    _runtime: AsyncRuntime

    # Without kinds it is this form and not the one of many classes, which basedpyright says fits as well.
    @overload
    def notifications(  # pyright: ignore[reportOverlappingOverload]
        self, *, thread_id: str | None = None
    ) -> AsyncNotificationStream: ...
    @overload
    def notifications(
        self, kind: type[PayloadT], other: type[OtherT], /, *, thread_id: str | None = None
    ) -> AsyncNotificationStream[PayloadT | OtherT]: ...
    @overload
    def notifications(
        self,
        kind: type[PayloadT],
        other: type[OtherT],
        third: type[ThirdT],
        /,
        *,
        thread_id: str | None = None,
    ) -> AsyncNotificationStream[PayloadT | OtherT | ThirdT]: ...
    @overload
    def notifications(
        self, *kinds: type[PayloadT], thread_id: str | None = None
    ) -> AsyncNotificationStream[PayloadT]: ...
    @overload
    def notifications(
        self, *kinds: str | type[pydantic.BaseModel], thread_id: str | None = None
    ) -> AsyncNotificationStream: ...
    def notifications(
        self, *kinds: str | type[pydantic.BaseModel], thread_id: str | None = None
    ) -> AsyncNotificationStream[Any]:
        """Listen to notifications, from this call on. Not awaited; close it when it is not read any more.

        Args:
            kinds: Names of notifications ("turn/completed") or classes of their payloads
                (`TurnCompletedNotification`; a class that several have stands for all of them). These are
                given whosever they are, a turn's included. Without any: everything that is no turn's.
            thread_id: Only those of this thread.

        Raises:
            NotStartedError: The runtime was not started yet, which only happens to async clients.
            InvalidInputError: A class is no notification's payload, or a name or id is empty.
            InvalidInputTypeError: An argument has the wrong type.
            TransportClosedError: The client was closed. (If the runtime has ended, the iteration says so.)
        """
        methods = notification_methods.methods(kinds)
        if thread_id is not None:
            identifier("thread_id", thread_id)
        connection = self._runtime.connection
        subscription = connection.native.subscribe_notifications(methods, thread_id=thread_id)
        classes = notification_methods.classes(kinds)
        return AsyncNotificationStream(connection, subscription, classes, methods, thread_id)

    async def command_exec(
        self,
        command: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None = None,
        disable_output_cap: bool = False,
        disable_timeout: bool = False,
        env: Mapping[str, str | None] | None = None,
        output_bytes_cap: int | None = None,
        permission_profile: str | None = None,
        sandbox: Sandbox | types.SandboxMode | SandboxLiteral | None = None,
        size: tuple[int, int] | None = None,
        stream_stdin: bool = True,
        timeout_ms: int | None = None,
        timeout_s: float | None = None,
        tty: bool = False,
    ) -> AsyncCommandHandle:
        """Run a command in the runtime's sandbox, without a thread or a turn.

        Returns when the request is on its way. What the runtime has to say against it is raised by the
        handle's `wait()`, and at the end of its output.

        Args:
            command: The program and its arguments.
            cwd: Its working directory; the runtime's by default.
            disable_output_cap: Whether all output is given, however much.
            disable_timeout: Whether it may run for as long as it takes.
            env: Variables on top of the runtime's environment; None takes one away.
            output_bytes_cap: How many bytes of each output stream are given; the runtime's limit by default.
            permission_profile: The permissions that hold for it; the user's by default.
            sandbox: What it may touch, instead of `permission_profile`.
            size: The terminal's rows and columns, with `tty`.
            stream_stdin: Whether it has a stdin that is written to; else it reads an end at once.
            timeout_ms: After how many milliseconds it is killed; the runtime's limit (10 s) by default.
            timeout_s: Seconds until the request is on its way.
            tty: Whether it runs on a terminal.

        Raises:
            InvalidInputError: An argument makes no sense. Nothing was sent.
            InvalidInputTypeError: An argument has the wrong type. Nothing was sent.
            TransportClosedError: The connection has ended.
        """
        deadline = Deadline(timeout_s)
        stream_request = stream_requests.command_exec(
            command,
            cwd=cwd,
            disable_output_cap=disable_output_cap,
            disable_timeout=disable_timeout,
            env=env,
            output_bytes_cap=output_bytes_cap,
            permission_profile=permission_profile,
            sandbox=sandbox,
            size=size,
            stream_stdin=stream_stdin,
            timeout_ms=timeout_ms,
            tty=tty,
        )
        return await AsyncCommandHandle._begin(await self._runtime.start(deadline), stream_request, deadline)

    async def process_spawn(
        self,
        command: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None = None,
        disable_output_cap: bool = False,
        disable_timeout: bool = False,
        env: Mapping[str, str | None] | None = None,
        output_bytes_cap: int | None = None,
        size: tuple[int, int] | None = None,
        stream_stdin: bool = True,
        timeout_ms: int | None = None,
        timeout_s: float | None = None,
        tty: bool = False,
    ) -> AsyncProcessHandle:
        """Start a process on the runtime's machine, outside of any sandbox. Experimental in the protocol.

        Returns when it has started, which may take `timeout_s` seconds. The other arguments are those of
        `command_exec()`; a relative `cwd` is taken from the runtime's working directory.

        Raises:
            InvalidInputError: An argument makes no sense. Nothing was sent.
            InvalidInputTypeError: An argument has the wrong type. Nothing was sent.
            JsonRpcError: The runtime refused, or could not start it.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s)
        stream_request = stream_requests.process_spawn(
            command,
            cwd=cwd,
            base=self._runtime.cwd,
            disable_output_cap=disable_output_cap,
            disable_timeout=disable_timeout,
            env=env,
            output_bytes_cap=output_bytes_cap,
            size=size,
            stream_stdin=stream_stdin,
            timeout_ms=timeout_ms,
            tty=tty,
        )
        return await AsyncProcessHandle._begin(await self._runtime.start(deadline), stream_request, deadline)

    async def fs_watch(self, path: str | os.PathLike[str], *, timeout_s: float | None = None) -> AsyncFsWatch:
        """Watch a file or directory for changes. Returns when it is watched.

        Args:
            path: What to watch; a relative path is taken from the runtime's working directory.
            timeout_s: Seconds for the whole call.

        Raises:
            InvalidInputError: That is no path. Nothing was sent.
            InvalidInputTypeError: `path` has the wrong type. Nothing was sent.
            JsonRpcError: The runtime refused.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s)
        stream_request = stream_requests.fs_watch(path, self._runtime.cwd)
        return await AsyncFsWatch._begin(await self._runtime.start(deadline), stream_request, deadline)

    async def fuzzy_file_search(
        self, roots: Sequence[str | os.PathLike[str]], *, timeout_s: float | None = None
    ) -> AsyncFuzzyFileSearch:
        """Begin to search for files by parts of their names. Experimental in the protocol.

        Args:
            roots: The directories to search in; relative ones are taken from the runtime's.
            timeout_s: Seconds for the whole call.

        Raises:
            InvalidInputError: A root is no path. Nothing was sent.
            InvalidInputTypeError: `roots` has the wrong type. Nothing was sent.
            JsonRpcError: The runtime refused.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s)
        stream_request = stream_requests.fuzzy_file_search(roots, self._runtime.cwd)
        return await AsyncFuzzyFileSearch._begin(
            await self._runtime.start(deadline), stream_request, deadline
        )
