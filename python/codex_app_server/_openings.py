"""Requests that begin a stream of their own, and those about such a stream.

Owns the checks of their arguments, the names by which the streams go on the wire and how each is undone. The
handles send what is made here; nothing here waits.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _decode
from ._params import flag
from ._requests import Request
from ._sandbox import sandbox_policy
from .errors import InvalidInputError, InvalidInputTypeError

if TYPE_CHECKING:
    from ._sandbox import Sandbox
    from .generated.v2_all import CommandExecResponse, FsWatchResponse

T = TypeVar("T")

# A request as the native side sends it when nobody is there to do it: method, params as JSON.
Errand = tuple[str, bytes]

# Streams are named by the client, per connection. One count for all connections of the process is enough.
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Opening(Generic[T]):
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
    sandbox: Sandbox | None,
    permission_profile: str | None,
    timeout_ms: int | None,
    disable_timeout: bool,
    output_bytes_cap: int | None,
    disable_output_cap: bool,
    **given: Any,
) -> Opening[CommandExecResponse]:
    _not_both("sandbox", sandbox, "permission_profile", permission_profile)
    params = {
        **_given("cwd", "cwd", cwd, _path),
        **_given("sandboxPolicy", "sandbox", sandbox, lambda _, value: sandbox_policy(value)),
        **_given("permissionProfile", "permission_profile", permission_profile, _text),
        **_limit("timeoutMs", "timeout_ms", timeout_ms),
        **_limit("outputBytesCap", "output_bytes_cap", output_bytes_cap),
    }
    if _unlimited("timeout_ms", timeout_ms, "disable_timeout", disable_timeout):
        params["disableTimeout"] = True
    if _unlimited("output_bytes_cap", output_bytes_cap, "disable_output_cap", disable_output_cap):
        params["disableOutputCap"] = True
    return _program(COMMAND, command, params, _decode.answer, **given)


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
) -> Opening[None]:
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
    return _program(PROCESS, command, params, _decode.nothing, **given)


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
) -> Opening[T]:
    if size is not None and not flag("tty", tty):
        raise InvalidInputError("size is the size of a terminal: give tty=True with it.")
    name = _name("program")
    params |= {
        methods.subject: name,
        "command": _command(command),
        "tty": flag("tty", tty),
        "streamStdin": flag("stream_stdin", stream_stdin),
        "streamStdoutStderr": True,
        **_given("env", "env", env, _environment),
        **_given("size", "size", size, _size),
    }
    stop = Request(methods.stop, {methods.subject: name}, _decode.nothing)
    return Opening(methods.subject, name, Request(methods.start, params, decode), stop)


def write(methods: ProgramMethods, name: str, data: bytes | bytearray | memoryview | None) -> Request[None]:
    """`data` for the program's stdin, or its end."""
    params: dict[str, Any] = {methods.subject: name}
    if data is None:
        params["closeStdin"] = True
    elif isinstance(data, (bytes, bytearray, memoryview)):
        params["deltaBase64"] = base64.b64encode(data).decode()
    else:
        raise _wrong("data", "bytes", data)
    return Request(methods.write, params, _decode.nothing)


def resize(methods: ProgramMethods, name: str, rows: int, cols: int) -> Request[None]:
    return Request(methods.resize, {methods.subject: name, "size": _size("", (rows, cols))}, _decode.nothing)


def fs_watch(path: str | os.PathLike[str], base: str | None) -> Opening[FsWatchResponse]:
    name = _name("watch")
    params = {"watchId": name, "path": _absolute("path", path, base)}
    stop = Request("fs/unwatch", {"watchId": name}, _decode.nothing)
    return Opening("watchId", name, Request("fs/watch", params, _decode.answer), stop)


def fuzzy_file_search(roots: Sequence[str | os.PathLike[str]], base: str | None) -> Opening[None]:
    if isinstance(roots, (str, bytes)) or not isinstance(roots, Sequence):
        raise _wrong("roots", "a list of paths", roots)
    name = _name("search")
    params = {"sessionId": name, "roots": [_absolute("each of roots", root, base) for root in roots]}
    stop = Request("fuzzyFileSearch/sessionStop", {"sessionId": name}, _decode.nothing)
    return Opening("sessionId", name, Request("fuzzyFileSearch/sessionStart", params, _decode.nothing), stop)


def fuzzy_file_search_update(name: str, query: str) -> Request[None]:
    params = {"sessionId": name, "query": _text("query", query)}
    return Request("fuzzyFileSearch/sessionUpdate", params, _decode.nothing)


# --- checks


def _name(kind: str) -> str:
    return f"sdk-{kind}-{next(_numbers)}"


def _wrong(name: str, expected: str, value: Any) -> InvalidInputTypeError:
    return InvalidInputTypeError(f"{name} must be {expected}, not {type(value).__name__}.")


def _given(wire: str, name: str, value: Any, convert: Callable[[str, Any], Any]) -> dict[str, Any]:
    return {} if value is None else {wire: convert(name, value)}


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "a str", value)
    return value


def _path(name: str, value: Any) -> str:
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not _text(name, value) or "\0" in value:
        raise InvalidInputError(f"{name} must be a path, not {value!r}.")
    return str(value)


def _absolute(name: str, value: Any, base: str | None) -> str:
    """The wire takes absolute paths. A relative one is taken from the runtime's directory."""
    return os.path.abspath(os.path.join(base or "", _path(name, value)))


def _command(command: Any) -> list[str]:
    if isinstance(command, (str, bytes)) or not isinstance(command, Sequence):
        raise _wrong("command", "a list of str (the program and its arguments)", command)
    if not command:
        raise InvalidInputError("command is empty: give the program and its arguments.")
    return [_text("each part of command", part) for part in command]


def _environment(name: str, env: Any) -> dict[str, str | None]:
    if not isinstance(env, Mapping):
        raise _wrong(name, "a mapping", env)
    return {
        _text("each name in env", key): None if value is None else _text(f"env[{key!r}]", value)
        for key, value in env.items()
    }


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, "an int", value)
    return value


def _limit(wire: str, name: str, value: int | None) -> dict[str, Any]:
    if value is not None and _whole(name, value) < 0:
        raise InvalidInputError(f"{name} must not be negative.")
    return {} if value is None else {wire: value}


def _unlimited(name: str, limit: int | None, other: str, disabled: bool) -> bool:
    if flag(other, disabled):
        _not_both(name, limit, other, disabled)
    return disabled


def _not_both(name: str, value: Any, other: str, alternative: Any) -> None:
    if value is not None and alternative is not None:
        raise InvalidInputError(f"{name} and {other} exclude each other: give one of them.")


def _size(_: str, size: Any) -> dict[str, int]:
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise _wrong("size", "a pair (rows, cols)", size)
    rows, cols = _whole("rows", size[0]), _whole("cols", size[1])
    if not (0 < rows < 2**16 and 0 < cols < 2**16):
        raise InvalidInputError(f"A terminal has between 1 and 65535 rows and columns, not {rows} x {cols}.")
    return {"rows": rows, "cols": cols}
