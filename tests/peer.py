"""A runtime whose every line a test decides: for faults and orders that the real one does not show on demand.

The child process only relays: what it reads on stdin reaches the test, what the test sends it writes to
stdout. So a test can hold an answer until its consumer stands where it wants it.
"""

from __future__ import annotations

import json
import queue
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

RELAY = """
import os, socket, struct, sys, threading
test = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
test.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
def inbound():
    while data := os.read(0, 65536):
        test.sendall(data)
    test.shutdown(socket.SHUT_WR)
    if "lingers" not in sys.argv:
        os._exit(0)
def exactly(count):
    data = b""
    while len(data) < count:
        more = test.recv(count - len(data))
        if not more:
            os._exit(0)
        data += more
    return data
threading.Thread(target=inbound, daemon=True).start()
while True:
    kind, size = struct.unpack(">cI", exactly(5))
    data = exactly(size)
    if kind == b"x":
        os._exit(int(data))
    if kind == b"c":
        os.close(int(data))
        continue
    fd = 1 if kind == b"o" else 2
    while data:
        data = data[os.write(fd, data):]
"""

INITIALIZED = {
    "userAgent": "scripted/0.163.0 (test)",
    "codexHome": "/nowhere",
    "platformFamily": "unix",
    "platformOs": "linux",
}

Answer = Callable[[dict[str, Any]], Any] | Mapping[str, Any]


class Refused(Exception):
    """Raised by an answer: the request is refused with this code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ScriptedPeer:
    """Plays the runtime.

    `answers` (by method: a result, or a function of the params, which may raise `Refused`) are given at
    once; every other message of the client waits in order for `expect`. `lingers`: stays alive when its
    stdin ends.
    """

    def __init__(self, answers: Mapping[str, Answer] | None = None, *, lingers: bool = False) -> None:
        # A notification with an "answer" is passed over.
        self.answers: dict[str, Answer] = {"initialize": INITIALIZED, "initialized": {}, **(answers or {})}
        # By method: what is said after its next answer.
        self._afterwards: dict[str, tuple[Mapping[str, Any], ...]] = {}
        self._received: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._directory = tempfile.mkdtemp(prefix="peer-")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._address = self._listener.getsockname()
        script = Path(self._directory, "relay.py")
        script.write_text(RELAY, encoding="utf-8")
        # -S -E: starts in 20 ms, whatever the environment holds.
        relay = (sys.executable, "-S", "-E", str(script), str(self._address[1]))
        self.argv = (*relay, "lingers") if lingers else relay
        self._socket: socket.socket | None = None
        self._sending = threading.Lock()
        self._connected = threading.Event()
        self._thread = threading.Thread(target=self._read, name="peer", daemon=True)
        self._thread.start()

    def __enter__(self) -> ScriptedPeer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is None:
            # Wakes an accept that nobody will answer; a close would not.
            socket.create_connection(self._address).close()
        else:
            with suppress(OSError):  # the relay was reset
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._listener.close()
        if self._socket is not None:
            self._socket.close()
        shutil.rmtree(self._directory)

    def _read(self) -> None:
        try:
            self._socket, _ = self._listener.accept()
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        except OSError:
            self._received.put(None)
            return
        self._connected.set()
        # A reset is the end of a relay that left something unread; Windows reads nothing of what is shut.
        with self._socket.makefile("rb") as lines, suppress(ConnectionResetError, BrokenPipeError):
            for line in lines:
                message = json.loads(line)
                answer = self.answers.get(message.get("method", ""))
                if answer is None:
                    self._received.put(message)
                elif "id" in message:
                    try:
                        self.answer(message, answer(message.get("params")) if callable(answer) else answer)
                        if afterwards := self._afterwards.pop(message["method"], None):
                            self.send(*afterwards)
                    except Refused as refused:
                        self.refuse(message, refused.code, refused.message)
        self._received.put(None)

    # --- what the runtime sees

    def expect(self, method: str | None = None) -> dict[str, Any]:
        """The next message of the client that is not answered by `answers`; it must be `method`."""
        message = self._received.get(timeout=20)
        assert message is not None, "the client has closed the connection"
        if method is not None:
            assert message.get("method") == method, message
        return message

    @property
    def received(self) -> int:
        """Messages that wait for `expect`."""
        return self._received.qsize()

    def expect_end(self) -> None:
        """The client has closed stdin, and sent nothing more before."""
        assert self._received.get(timeout=20) is None

    # --- what the runtime does

    def send(self, *messages: Mapping[str, Any]) -> None:
        self.send_raw(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def send_once(self, method: str, *messages: Mapping[str, Any]) -> None:
        """Send these after the next request of `method`, which `answers` answers."""
        self._afterwards[method] = messages

    def send_raw(self, data: bytes) -> None:
        self._command(b"o", data)

    def answer(self, request: Mapping[str, Any], result: Any) -> None:
        self.send({"id": request["id"], "result": result})

    def refuse(self, request: Mapping[str, Any], code: int, message: str, data: Any = None) -> None:
        error = {"code": code, "message": message, **({} if data is None else {"data": data})}
        self.send({"id": request["id"], "error": error})

    def write_stderr(self, text: str) -> None:
        self._command(b"e", text.encode())

    def close_stdout(self) -> None:
        self._command(b"c", b"1")

    def exit(self, code: int) -> None:
        self._command(b"x", str(code).encode())

    def _command(self, kind: bytes, data: bytes) -> None:
        assert self._connected.wait(20)
        assert self._socket is not None
        with self._sending:
            self._socket.sendall(kind + len(data).to_bytes(4, "big") + data)


def event(method: str, thread_id: str, turn_id: str, **params: Any) -> dict[str, Any]:
    """A notification of a turn, in the runtime's shape."""
    ids: dict[str, Any] = {"threadId": thread_id}
    if method in {"turn/started", "turn/completed"}:
        status = "inProgress" if method == "turn/started" else params.pop("status", "completed")
        ids["turn"] = {"id": turn_id, "items": [], "status": status, **params}
    else:
        ids |= {"turnId": turn_id, **params}
    return {"method": method, "params": ids, "emittedAtMs": 1_760_000_000_000}


def delta(thread_id: str, turn_id: str, text: str) -> dict[str, Any]:
    """One piece of an agent message."""
    return event("item/agentMessage/delta", thread_id, turn_id, itemId="msg_1", delta=text)


def started(turn_id: str) -> dict[str, Any]:
    """The result of a turn/start."""
    return {"turn": {"id": turn_id, "items": [], "status": "inProgress"}}
