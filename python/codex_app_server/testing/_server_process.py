"""The server's process: raises its own descriptor limit, serves the model, and obeys the control channel on
its standard streams.

Started by `_control` and never imported by it. A "stop" ends the process at once: it has nothing to save, and
the kernel closes its connections. The channel's end without one means that the owner was killed: then the
owner's private home is removed first.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import signal
import sys
import threading
from typing import IO, Any

from ._frames import read_frames, write_frame
from ._home import Legacy
from ._server import ModelServer
from .answers import Answer
from .requests import ModelRequest


def main() -> None:
    """Serve until the control channel ends."""
    # Ctrl-C in a terminal reaches the whole group; the owner decides when the model ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _raise_descriptor_limit()
    incoming = sys.stdin.buffer
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # A stray print must not fall between two frames.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asyncio.run(_Service(incoming, outgoing).run())


def _raise_descriptor_limit() -> None:
    """Every stream is a socket: lift the soft limit of this process to its hard one. The owner's limits stay
    as they are.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS names no hard limit, yet refuses a soft one above its own maximum; this is its OPEN_MAX.
    soft = 10_240 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class _Service:
    """Commands come in as `(id, name, arguments)`, with id 0 where no answer is wanted; answers go out as
    `(id, error or None, value)`, questions to the responder as `(None, id, request)`.

    Two threads do the blocking reads and writes of the pipes (no event loop can do that for pipes
    everywhere), so a slow owner never stops a stream.
    """

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._out: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._questions: dict[int, asyncio.Future[Answer]] = {}
        self._asked = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = ModelServer(None, self._ask)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._write, daemon=True).start()
        self._out.put(("ready", None, await self._server.start()))
        threading.Thread(target=self._read, args=(loop,), daemon=True).start()
        await loop.create_future()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        legacy: Legacy | None = None
        for command_id, name, arguments in read_frames(self._incoming):
            # Both are done here, not in the loop, so that the channel's end is never seen before them.
            if name == "stop":
                os._exit(0)
            elif name == "bequeath":
                (legacy,) = arguments
            else:
                loop.call_soon_threadsafe(self._begin, command_id, name, arguments)
        if legacy is not None:
            legacy.remove()
        os._exit(0)

    def _write(self) -> None:
        # Without a reader the owner is gone: the other thread sees that too, and has the last word.
        with contextlib.suppress(OSError):
            while True:
                write_frame(self._outgoing, self._out.get())

    def _begin(self, command_id: int, name: str, arguments: tuple[Any, ...]) -> None:
        # A task starts in the order of its command, so what does not wait is done in order too.
        task = asyncio.get_running_loop().create_task(self._obey(command_id, name, arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _obey(self, command_id: int, name: str, arguments: tuple[Any, ...]) -> None:
        try:
            value: object = None
            if name == "reset":
                self._server.reset(*arguments)
            elif name == "hold":
                self._server.gate.hold()
            elif name == "release":
                value = self._server.gate.release(*arguments)
            elif name == "requests":
                value = self._server.requests[arguments[0] :]
            elif name == "aborted":
                value = self._server.aborted
            elif name == "wait_for_requests":
                await self._server.wait_for_requests(*arguments)
            elif name == "wait_for_aborts":
                await self._server.wait_for_aborts(*arguments)
            elif name == "answer":
                self._answer(*arguments)
        except Exception as error:
            self._out.put((command_id, error, None))
        else:
            if command_id:
                self._out.put((command_id, None, value))

    async def _ask(self, request: ModelRequest) -> Answer:
        self._asked += 1
        question = self._asked
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._questions[question] = answered
        self._out.put((None, question, request))
        try:
            return await answered
        finally:
            self._questions.pop(question, None)

    def _answer(self, question: int, answer: Answer) -> None:
        # The runtime may have hung up while the responder was thinking.
        waiting = self._questions.get(question)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
