# Made from _async/startup.py by `python scripts/make_sync.py`; do not edit.

"""From a `CodexConfig` to a ready connection.

Owns the handshake and everything that can go wrong before it is done: each failure becomes a typed error
that carries what the process said, and leaves no process behind. Called by `runtime`.
"""

from __future__ import annotations

from .. import _native, types
from .._concurrency.deadline import Deadline
from .._incoming import decoding
from .._incoming.failures import last_error, quotable, said
from .._launch import runtime_version
from .._launch.command import Launch, raise_spawn_error, resolve
from .._launch.config import CodexConfig
from .._logs import wire
from .._logs.stderr import StderrLines
from .._outgoing import requests
from ..errors import ClientClosedError, CodexError, StartupError, TransportClosedError
from .connection import Connection
from .waiting import in_thread, now, wait_ready

# A runtime answers `initialize` in well under a second. One that has printed something else by now
# is not a Codex runtime, and waiting for the whole startup timeout would tell nobody anything.
_PATIENCE_S = 1.5

# What a runtime exits with when two are started on a home that has no database yet: each makes it, and the
# second fails (0.163.0: in 9 of 10 tries).
LOST_A_RACE = "failed to initialize sqlite state runtime"

_ABOUT_DATABASE = "If another runtime was just making it, start again; else check the directory and its disk."
_ABOUT_SETTINGS = "Check what CodexConfig sets, and config.toml in the runtime's home."


class _LateError(Exception):
    """The time for the start is over."""


def spawn(config: CodexConfig) -> tuple[Launch, Connection]:
    """Start the process; it is not initialised yet."""
    launch = resolve(config)
    stderr_lines = None if config.on_stderr is None else StderrLines(config.on_stderr)
    try:
        if stderr_lines is not None:
            stderr_lines.start()
        native = _native.Connection(
            launch.argv,
            env=list(launch.env.items()),
            cwd=launch.cwd,
            turn_budget=config.turn_budget_bytes,
            total_budget=config.total_budget_bytes,
            stderr_tail=config.stderr_tail_bytes,
            max_message=config.max_message_bytes,
            open_files=config.max_open_files,
            eof_grace_s=config.shutdown_grace_s,
            term_grace_s=config.shutdown_grace_s,
            wire_log=wire.attach(),
            stderr_log=None if stderr_lines is None else stderr_lines.log,
        )
    except BaseException as error:
        if stderr_lines is not None:
            stderr_lines.log.end()
        if isinstance(error, OSError):
            raise_spawn_error(launch, error)
        raise
    return launch, Connection(native, config, stderr_lines)


def initialize(
    launch: Launch, connection: Connection, config: CodexConfig, deadline: Deadline
) -> types.InitializeResponse:
    """Make the runtime ready.

    Raises:
        StartupError: It exited, is not Codex, refused, or did not answer in time. It is gone then.
        RequestTimeoutError: It was not ready by the deadline. It is being ended then; nobody waits for that.
    """
    request = requests.initialize(config)
    native = connection.native
    due = now() + min(config.startup_timeout_s, deadline.left())
    try:
        call = native.open_call(request.method)
        try:
            wait_ready(call, due - now())
            call.send(requests.serialise(request))
            # Importing the models takes as long as the runtime takes to boot, so it is done now.
            if not in_thread(decoding.decoder, due - now()):
                raise _LateError
            _answer(call, launch, connection, due)
            answer = request.decode(request.method, call.take())
        finally:
            call.abandon()
        native.notify("initialized", None)
        server = answer.with_server_info().serverInfo
        connection.version = server.version if server is not None else None
        runtime_version.warn_once(connection.version)
        return answer
    except BaseException as error:
        noted = [quotable(note) for note in native.take_diagnostics()]
        if isinstance(error, _LateError):
            native.close(hurry=True)
            if deadline.left() <= 0:
                raise deadline.missed(request.method) from None
            error = _slow(launch, config.startup_timeout_s)
        connection.close(hurry=True)
        if isinstance(error, ClientClosedError) or not isinstance(error, CodexError):
            raise
        raise _startup_error(launch, error, noted, quotable(native.stderr_tail)) from error


def _answer(call: _native.Call, launch: Launch, connection: Connection, due: float) -> None:
    while not wait_ready(call, max(0.0, min(_PATIENCE_S, due - now()))):
        if connection.native.stats()["malformed_lines"]:
            raise StartupError(f"{launch.program} printed something else than JSON-RPC")
        if now() >= due:
            raise _LateError


def _slow(launch: Launch, timeout_s: float) -> StartupError:
    return StartupError(
        f"{launch.program} did not answer within {timeout_s:g} s; "
        "if it is merely slow, raise CodexConfig.startup_timeout_s"
    )


def _startup_error(launch: Launch, cause: CodexError, noted: list[str], stderr_tail: str) -> StartupError:
    exit_code = signal = own = None
    reason = str(cause)
    advice = "Check that it is Codex (`--version`) and that CodexConfig has its path and arguments right."
    if isinstance(cause, TransportClosedError):
        exit_code, signal = cause.exit_code, cause.signal
        stderr_tail = cause.stderr_tail or stderr_tail
        reason = cause.reason
        own = last_error(stderr_tail)
        if own is not None:
            reason = f"{reason}: {own}"
            advice = _ABOUT_DATABASE if LOST_A_RACE in own else _ABOUT_SETTINGS
    message = f"{launch.program} did not become a ready Codex runtime: {reason}. {advice}"
    news = [note for note in noted[:3] if note not in reason]
    if news:
        message += "\nNoted meanwhile:\n" + "\n".join(news)
    # Where that is all of it, it was said.
    if stderr_tail and stderr_tail.strip() != f"Error: {own}":
        message += said(stderr_tail)
    return StartupError(message, reason=reason, exit_code=exit_code, signal=signal, stderr_tail=stderr_tail)
