"""Requests that begin a stream of their own, and those about such a stream.

Owns the checks of their arguments, the names by which the streams go on the wire and how each is undone. The
handles send what is made here; nothing here waits.
"""

from __future__ import annotations

import base64
import functools
import itertools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .. import _arguments as arguments
from .. import types
from .._incoming import decoding
from ..errors import InvalidInputError
from ..generated.literals import SandboxLiteral
from .requests import Request
from .sandbox import Sandbox, sandbox_policy

T = TypeVar("T")

# A request as the native side sends it when nobody is there to do it: method, params as JSON.
Errand = tuple[str, bytes]

# Streams are named by the client, per connection. One count for all connections of the process is enough.
_numbers = itertools.count(1)


@dataclass(frozen=True)
class StreamRequest(Generic[T]):
    """How a stream is begun and undone.

    Args:
        subject: The property of its notifications that names it.
        name: Its name.
        start: The request that begins it.
        stop: The request that undoes that.
    """

    subject: str
    name: str
    start: Request[T]
    stop: Request[Any]

    @property
    def errand(self) -> Errand:
        """`stop` as the native side sends it when nobody is there to do it."""
        return self.stop.method, json.dumps(self.stop.params).encode()


@dataclass(frozen=True)
class ProgramMethods:
    """What commands and processes have alike, under two sets of names."""

    subject: str
    start: str
    write: str
    resize: str
    stop: str


COMMAND = ProgramMethods(
    subject="processId",
    start="command/exec",
    write="command/exec/write",
    resize="command/exec/resize",
    stop="command/exec/terminate",
)
PROCESS = ProgramMethods(
    subject="processHandle",
    start="process/spawn",
    write="process/writeStdin",
    resize="process/resizePty",
    stop="process/kill",
)


def command_exec(
    command: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None,
    sandbox: Sandbox | types.SandboxMode | SandboxLiteral | None,
    permission_profile: str | None,
    timeout_ms: int | None,
    disable_timeout: bool,
    output_bytes_cap: int | None,
    disable_output_cap: bool,
    **given: Any,
) -> StreamRequest[types.CommandExecResponse]:
    _not_both("sandbox", sandbox, "permission_profile", permission_profile)
    params = {
        **_given("cwd", "cwd", cwd, arguments.path),
        **_given("sandboxPolicy", "sandbox", sandbox, lambda _, value: sandbox_policy(value)),
        **_given("permissionProfile", "permission_profile", permission_profile, arguments.text),
        **_limit("timeoutMs", "timeout_ms", timeout_ms),
        **_limit("outputBytesCap", "output_bytes_cap", output_bytes_cap),
    }
    if _unlimited("timeout_ms", timeout_ms, "disable_timeout", disable_timeout):
        params["disableTimeout"] = True
    if _unlimited("output_bytes_cap", output_bytes_cap, "disable_output_cap", disable_output_cap):
        params["disableOutputCap"] = True
    return _program(COMMAND, command, params, decoding.answer, **given)


def process_spawn(
    command: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None,
    base: str | None,
    timeout_ms: int | None,
    disable_timeout: bool,
    output_bytes_cap: int | None,
    disable_output_cap: bool,
    **given: Any,
) -> StreamRequest[None]:
    params = {
        "cwd": _absolute("cwd", "." if cwd is None else cwd, base),
        **_limit("timeoutMs", "timeout_ms", timeout_ms),
        **_limit("outputBytesCap", "output_bytes_cap", output_bytes_cap),
    }
    # Here null is no limit, where command/exec has a field of its own.
    if _unlimited("timeout_ms", timeout_ms, "disable_timeout", disable_timeout):
        params["timeoutMs"] = None
    if _unlimited("output_bytes_cap", output_bytes_cap, "disable_output_cap", disable_output_cap):
        params["outputBytesCap"] = None
    return _program(PROCESS, command, params, decoding.nothing, **given)


def _program(
    methods: ProgramMethods,
    command: Any,
    params: dict[str, Any],
    decode: Callable[[str, bytes], T],
    *,
    env: Mapping[str, str | None] | None,
    tty: bool,
    size: tuple[int, int] | None,
    stream_stdin: bool,
) -> StreamRequest[T]:
    if size is not None and not arguments.flag("tty", tty):
        raise InvalidInputError("size is the size of a terminal: give tty=True with it.")
    name = _name("program")
    params |= {
        methods.subject: name,
        "command": arguments.command("command", command),
        "tty": arguments.flag("tty", tty),
        "streamStdin": arguments.flag("stream_stdin", stream_stdin),
        "streamStdoutStderr": True,
        **_given("env", "env", env, arguments.environment),
        **_given("size", "size", size, _size),
    }
    stop = Request(methods.stop, {methods.subject: name}, decoding.nothing)
    return StreamRequest(methods.subject, name, Request(methods.start, params, decode), stop)


def write(methods: ProgramMethods, name: str, data: bytes | bytearray | memoryview | None) -> Request[None]:
    """`data` for the program's stdin, or its end."""
    params: dict[str, Any] = {methods.subject: name}
    if data is None:
        params["closeStdin"] = True
    elif isinstance(data, (bytes, bytearray, memoryview)):
        params["deltaBase64"] = base64.b64encode(data).decode()
    else:
        raise arguments.wrong("data", "bytes", data)
    return Request(methods.write, params, decoding.nothing)


def resize(methods: ProgramMethods, name: str, rows: int, cols: int) -> Request[None]:
    return Request(methods.resize, {methods.subject: name, "size": _size("", (rows, cols))}, decoding.nothing)


def fs_watch(path: str | os.PathLike[str], base: str | None) -> StreamRequest[types.FsWatchResponse]:
    name = _name("watch")
    params = {"watchId": name, "path": _absolute("path", path, base)}
    stop = Request("fs/unwatch", {"watchId": name}, decoding.nothing)
    return StreamRequest("watchId", name, Request("fs/watch", params, decoding.answer), stop)


def fuzzy_file_search(roots: Sequence[str | os.PathLike[str]], base: str | None) -> StreamRequest[None]:
    part = functools.partial(_absolute, base=base)
    name = _name("search")
    params = {"sessionId": name, "roots": arguments.sequence("roots", roots, part, "a list of paths")}
    stop = Request("fuzzyFileSearch/sessionStop", {"sessionId": name}, decoding.nothing)
    return StreamRequest(
        "sessionId", name, Request("fuzzyFileSearch/sessionStart", params, decoding.nothing), stop
    )


def fuzzy_file_search_update(name: str, query: str) -> Request[None]:
    params = {"sessionId": name, "query": arguments.text("query", query)}
    return Request("fuzzyFileSearch/sessionUpdate", params, decoding.nothing)


# --- checks


def _name(kind: str) -> str:
    return f"sdk-{kind}-{next(_numbers)}"


def _given(wire: str, name: str, value: Any, convert: Callable[[str, Any], Any]) -> dict[str, Any]:
    return {} if value is None else {wire: convert(name, value)}


def _absolute(name: str, value: Any, base: str | None) -> str:
    """The wire takes absolute paths. A relative one is taken from the runtime's directory."""
    return os.path.abspath(os.path.join(base or "", arguments.path(name, value)))


def _limit(wire: str, name: str, value: int | None) -> dict[str, Any]:
    return _given(wire, name, value, arguments.count)


def _unlimited(name: str, limit: int | None, other: str, disabled: bool) -> bool:
    if arguments.flag(other, disabled):
        _not_both(name, limit, other, disabled)
    return disabled


def _not_both(name: str, value: Any, other: str, alternative: Any) -> None:
    if value is not None and alternative is not None:
        raise InvalidInputError(f"{name} and {other} exclude each other: give one of them.")


def _size(_: str, size: Any) -> dict[str, int]:
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise arguments.wrong("size", "a pair (rows, cols)", size)
    rows, cols = arguments.whole("rows", size[0]), arguments.whole("cols", size[1])
    if not (0 < rows < 2**16 and 0 < cols < 2**16):
        raise InvalidInputError(f"A terminal has between 1 and 65535 rows and columns, not {rows} x {cols}.")
    return {"rows": rows, "cols": cols}
