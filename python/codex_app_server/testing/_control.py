"""The owner's side of the server's process: starts it, sends commands, runs the user's responder, and sees
the process to its end.

`OfflineModel` owns one `Control`. One thread reads the channel (idle while nothing is asked, so it costs the
program under test nothing) and reaps the process; a second one exists only for a callable responder, so that
a slow responder never holds up an answer to a command.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
from concurrent.futures import Future
from typing import IO, Any, cast

from ._frames import read_frames, write_frame
from ._home import Legacy
from .answers import Answer
from .errors import OfflineModelError
from .requests import ModelRequest
from .script import Responder, returned_answer, script_failure

_log = logging.getLogger(__name__)

# Isolated (-I) and with the owner's path, so that the child finds this package wherever the owner found it.
_BOOTSTRAP = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from codex_app_server.testing._server_process import main
main()
"""
_EXIT_GRACE_S = 5.0


class Control:
    """A running server process.

    Attributes:
        ready: Resolves to the server's port.
        ended: Resolves when the process is reaped and both pipes are closed.
    """

    def __init__(self) -> None:
        if not sys.executable:
            raise OfflineModelError(
                "The offline model starts a Python process of its own, but sys.executable is empty here"
            )
        self.ready: Future[int] = Future()
        self.ended: Future[None] = Future()
        self.responder: Responder | None = None
        self._lock = threading.Lock()
        self._next_id = 0
        self._pending: dict[int, Future[Any]] = {}
        self._questions: queue.SimpleQueue[tuple[int, ModelRequest] | None] = queue.SimpleQueue()
        self._responding: threading.Thread | None = None
        path = [entry if entry else os.getcwd() for entry in sys.path if isinstance(entry, str)]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-c", _BOOTSTRAP, json.dumps(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._stdin = cast(IO[bytes], self._process.stdin)
        self._reading = threading.Thread(target=self._read, name="offline-model", daemon=True)
        self._reading.start()

    def call(self, name: str, *arguments: object) -> Future[Any]:
        """Send a command; the future resolves to its value, or to the error that it raised or that ended the
        process.
        """
        future: Future[Any] = Future()
        with self._lock:
            if self.ended.done():
                raise OfflineModelError("The offline model is closed")
            self._next_id += 1
            self._pending[self._next_id] = future
            self._write((self._next_id, name, arguments))
        return future

    def bequeath(self, legacy: Legacy) -> None:
        """Leave a directory to the process: it removes it when this program ends without `stop()`."""
        with self._lock:
            self._write((0, "bequeath", (legacy,)))

    def stop(self) -> None:
        """Ask the process to end; wait on `ended` for it."""
        # Said in a frame too: a forked child of this program may hold the pipe open.
        with self._lock:
            self._write((0, "stop", ()))
            self._close_stdin()

    def kill(self) -> None:
        """End the process the hard way."""
        self._process.kill()

    def join(self) -> None:
        """Join this object's threads, after `ended`.

        Raises:
            OfflineModelError: The user's responder does not return.
        """
        self._reading.join()
        if self._responding is not None:
            self._questions.put(None)
            self._responding.join(_EXIT_GRACE_S)
            if self._responding.is_alive():
                raise OfflineModelError(
                    "The offline model's responder has not returned; its thread is left behind"
                )

    def _write(self, frame: tuple[Any, ...]) -> None:
        # A write fails when the process has ended or stop() was called: the reader fails every call with the
        # reason.
        with contextlib.suppress(OSError, ValueError):
            write_frame(self._stdin, frame)

    def _close_stdin(self) -> None:
        # Closing flushes, and what is left for a process that has ended cannot be.
        with contextlib.suppress(OSError):
            self._stdin.close()

    def _read(self) -> None:
        with cast(IO[bytes], self._process.stdout) as channel:
            for key, tag, value in read_frames(channel):
                if key is None:
                    self._put(tag, value)
                elif key == "ready":
                    _settle(self.ready, None, value)
                else:
                    self._resolve(key, tag, value)
        status = self._process.wait()
        error = OfflineModelError(
            f"The offline model's server process ended (exit status {status}); its standard error says why"
        )
        with self._lock:
            self._close_stdin()
            self.ended.set_result(None)
            pending = list(self._pending.values())
            self._pending.clear()
        for future in [*pending, self.ready]:
            _settle(future, error, None)

    def _resolve(self, command_id: int, error: BaseException | None, value: object) -> None:
        with self._lock:
            future = self._pending.pop(command_id)
        _settle(future, error, value)

    def _put(self, question: int, request: ModelRequest) -> None:
        if self._responding is None:
            self._responding = threading.Thread(
                target=self._respond, name="offline-model-responder", daemon=True
            )
            self._responding.start()
        self._questions.put((question, request))

    def _respond(self) -> None:
        while (asked := self._questions.get()) is not None:
            question, request = asked
            answer = self._answer(request)
            with self._lock:
                self._write((0, "answer", (question, answer)))

    def _answer(self, request: ModelRequest) -> Answer:
        responder = self.responder
        try:
            if responder is None:
                return Answer(request.prompt)
            return returned_answer(responder(request), request)
        except Exception as error:
            _log.exception("The offline model's responder failed for request %d", request.number)
            failure = f"The offline model's responder failed for request {request.number}"
            return script_failure(f"{failure}: {type(error).__name__}: {error}")


def _settle(future: Future[Any], error: BaseException | None, value: object) -> None:
    """Resolve a future once; one that a cancelled task gave up stays as it is."""
    if future.done() or not future.set_running_or_notify_cancel():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)
