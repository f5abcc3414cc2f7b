"""Every error that the SDK raises.

This module owns the error tree and the mapping from JSON-RPC error objects to it. It imports nothing of the
package and starts nothing. Everybody calls it.

::

    CodexError
    ├── LaunchError                      the runtime could not be started
    │   ├── BinaryNotFoundError          (also FileNotFoundError)
    │   ├── BinaryNotExecutableError     (also PermissionError)
    │   ├── WorkingDirectoryError        (also NotADirectoryError, FileNotFoundError)
    │   └── StartupError                 (also TransportClosedError) it ran, but did not become ready
    ├── DescriptorLimitError             (also OSError) too many open files
    ├── TransportClosedError             the connection has ended: exit code, signal, end of stderr
    │   ├── ClientClosedError            … because this program closed it
    │   ├── ForkedProcessError           … because this process is a fork of the one that opened it
    │   ├── MessageTooLongError          … because the runtime's message was longer than allowed
    │   └── StreamClosedError            only this stream has ended; the connection lives on
    ├── AlreadyImportedError             (also RuntimeError) the official package cannot be replaced any more
    ├── RuntimeTooOldError               an option needs a newer runtime
    ├── NotStartedError                  (also RuntimeError) asked before the runtime was started
    ├── ReentrantCallError               (also RuntimeError) a signal handler called what it has interrupted
    ├── JsonRpcError                     the runtime answered with an error: code, message, data
    │   └── CodexRpcError
    │       ├── ParseError
    │       ├── InvalidRequestError
    │       │   ├── TurnNotRunningError  the turn or goal to steer or interrupt is over
    │       │   └── TurnNotSteerableError  it runs, and takes no input
    │       ├── MethodNotFoundError
    │       ├── InvalidParamsError
    │       ├── InternalRpcError
    │       └── ServerBusyError          worth retrying
    │           └── RetryLimitExceededError
    ├── RequestTimeoutError              (also TimeoutError) no answer in time
    ├── TurnTimeoutError                 (also TimeoutError) a turn took too long, or was silent for too long
    ├── WaitTimeoutError                 (also TimeoutError) what was waited for goes on
    ├── WriteQueueFullError              the runtime takes requests too slowly
    ├── TurnFailedError                  (also RuntimeError) the turn ended with status "failed"
    ├── StreamOverflowError              events of one stream were dropped, and how many
    ├── NoRequestHandlerError            a thread is to ask, and nobody would answer
    ├── RequestSettledError              a request of the runtime waits for no answer any more
    │   └── RequestAnsweredError         … because it was answered
    ├── RequestNotFoundError             (also LookupError) no open request has this token
    ├── RequestHandlerError              a handler of requests failed, so what it was asked was refused
    ├── InvalidInputError                (also ValueError) refused before anything was sent
    └── InvalidInputTypeError            (also TypeError) refused before anything was sent

All of them keep their data when they are pickled or copied.
"""

from __future__ import annotations

import errno as _errno
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._result import TurnResult
    from .generated.v2_all import CodexErrorInfo, ErrorNotification, TurnError

__all__ = [
    "AlreadyImportedError",
    "BinaryNotExecutableError",
    "BinaryNotFoundError",
    "ClientClosedError",
    "CodexError",
    "CodexRpcError",
    "DescriptorLimitError",
    "ForkedProcessError",
    "InternalRpcError",
    "InvalidInputError",
    "InvalidInputTypeError",
    "InvalidParamsError",
    "InvalidRequestError",
    "JsonRpcError",
    "LaunchError",
    "MessageTooLongError",
    "MethodNotFoundError",
    "NoRequestHandlerError",
    "NotStartedError",
    "ParseError",
    "ReentrantCallError",
    "RequestAnsweredError",
    "RequestHandlerError",
    "RequestNotFoundError",
    "RequestSettledError",
    "RequestTimeoutError",
    "RetryLimitExceededError",
    "RuntimeTooOldError",
    "ServerBusyError",
    "StartupError",
    "StreamClosedError",
    "StreamOverflowError",
    "TransportClosedError",
    "TurnFailedError",
    "TurnNotRunningError",
    "TurnNotSteerableError",
    "TurnTimeoutError",
    "WaitTimeoutError",
    "WorkingDirectoryError",
    "WriteQueueFullError",
    "is_retryable_error",
    "map_jsonrpc_error",
]


def _restore(cls: type[CodexError], args: tuple[Any, ...], state: dict[str, Any]) -> CodexError:
    error = cls.__new__(cls, *args)
    error.args = args
    for name, value in state.items():
        setattr(error, name, value)
    return error


class CodexError(Exception):
    """The root of every error of this SDK."""

    # BaseException pickles by calling the class with `args`, which fails for every class whose
    # constructor takes data. Here the instance is rebuilt without its constructor.
    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self._state())

    def _state(self) -> dict[str, Any]:
        return dict(self.__dict__)


class _WithFilename(CodexError, OSError):
    """What the errors share that are also OSErrors: `errno`, `filename`, and a message as text."""

    _errno = 0

    def __init__(self, message: str, filename: str | None = None) -> None:
        super().__init__(message)
        self.errno = self._errno
        self.strerror = message
        self.filename = filename

    def __str__(self) -> str:
        return str(self.args[0])

    def _state(self) -> dict[str, Any]:
        # These three live in the C struct of OSError, not in __dict__.
        fields = {"errno": self.errno, "strerror": self.strerror, "filename": self.filename}
        return {**super()._state(), **fields}


class LaunchError(CodexError):
    """The runtime could not be started."""


class BinaryNotFoundError(_WithFilename, LaunchError, FileNotFoundError):
    """There is no runtime at the configured path, or the packaged one is not installed.

    Attributes:
        filename: The path that was tried.
    """

    _errno = _errno.ENOENT


class BinaryNotExecutableError(_WithFilename, LaunchError, PermissionError):
    """The configured runtime is a directory, lacks the execute bit or is not a program.

    Attributes:
        filename: The path that was tried.
    """

    _errno = _errno.EACCES


class WorkingDirectoryError(_WithFilename, LaunchError, NotADirectoryError, FileNotFoundError):
    """`CodexConfig.cwd` is not an existing directory.

    Attributes:
        filename: The path that was tried.
    """

    _errno = _errno.ENOENT


class DescriptorLimitError(_WithFilename):
    """The process has no file descriptors left for another runtime.

    Attributes:
        limit: The soft limit (`ulimit -n`) that was hit, when the system tells it.
    """

    _errno = _errno.EMFILE

    def __init__(self, message: str, *, limit: int | None = None) -> None:
        super().__init__(message)
        self.limit = limit


class TransportClosedError(CodexError):
    """The connection to the runtime has ended; every present and later call on it says so.

    Attributes:
        reason: One line: why it ended.
        exit_code: The runtime's exit code, if it exited by itself and the code is known.
        signal: The number of the signal that ended it, if one did.
        stderr_tail: The end of what it wrote to stderr.
    """

    def __init__(
        self,
        message: str = "The connection to the Codex runtime is closed.",
        *,
        reason: str | None = None,
        exit_code: int | None = None,
        signal: int | None = None,
        stderr_tail: str = "",
    ) -> None:
        super().__init__(message)
        self.reason = reason if reason is not None else message
        self.exit_code = exit_code
        self.signal = signal
        self.stderr_tail = stderr_tail


class StartupError(LaunchError, TransportClosedError):
    """The program ran, but did not become a ready runtime.

    It exited at once, it is not Codex, or it did not answer `initialize` in time. The attributes are
    those of `TransportClosedError`.
    """


class ClientClosedError(TransportClosedError):
    """The client was used after it had been closed by this program."""


class ForkedProcessError(TransportClosedError):
    """The client was made before a fork and is used in the forked child."""


class MessageTooLongError(TransportClosedError):
    """A message of the runtime was longer than `CodexConfig.max_message_bytes`."""


class StreamClosedError(TransportClosedError):
    """These events do not come here any more: the stream was read to the end or closed, or its thread was.

    The last is a turn whose end this client will not hear of, because the thread was unsubscribed from,
    archived or deleted.
    """


class AlreadyImportedError(CodexError, RuntimeError):
    """`install_as_openai_codex()` came too late: the official package was imported before it."""


class RuntimeTooOldError(CodexError):
    """An option was given that this runtime would drop without a word. Nothing was sent.

    Attributes:
        option: The option, or several.
        required: The version from which on the runtime knows it.
        version: What the runtime says of itself.
    """

    def __init__(self, option: str, required: str, version: str | None) -> None:
        super().__init__(
            f"{option}: this needs a Codex runtime of version {required} or newer, and the one in use calls "
            f"itself {version!r}. Set CodexConfig.codex_bin to a newer one, or leave it out for the "
            "packaged runtime."
        )
        self.option = option
        self.required = required
        self.version = version


class NotStartedError(CodexError, RuntimeError):
    """Something was asked of a client that has not started its runtime yet."""


class ReentrantCallError(CodexError, RuntimeError):
    """A signal handler called what its own thread was in the middle of, which is already executing.

    Waiting would be for ever: the handler has interrupted what it would wait for. Nothing was done.
    """


class JsonRpcError(CodexError):
    """The runtime answered a request with an error.

    Attributes:
        code: The JSON-RPC error code.
        message: The runtime's own words.
        data: What it sent along, if anything.
        method: The request that was refused, where known.
        hint: What to do about it, where known.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"JSON-RPC error {code}: {message}")
        self.code = code
        self.message = message
        self.data = data
        self.method: str | None = None
        self.hint: str | None = None

    def __str__(self) -> str:
        return f"{self.args[0]} ({self.hint})" if self.hint else str(self.args[0])


class CodexRpcError(JsonRpcError):
    """A JSON-RPC error with a code that the protocol defines."""


class ParseError(CodexRpcError):
    """A request or an answer could not be parsed."""


class InvalidRequestError(CodexRpcError):
    """The runtime refused the request: unknown thread, wrong state, unknown method, bad fields."""


class TurnNotRunningError(InvalidRequestError):
    """What was to be steered or interrupted is over, or another turn runs in its place.

    It may have ended in this very moment, so a program that steers or interrupts has to expect this.
    """


class TurnNotSteerableError(InvalidRequestError):
    """The turn runs, but takes no more input: it is a review, or compacts the history."""


class MethodNotFoundError(CodexRpcError):
    """The runtime does not support this operation."""


class InvalidParamsError(CodexRpcError):
    """The runtime refused the parameters, for example a prompt that is too long."""


class InternalRpcError(CodexRpcError):
    """The runtime failed while it served the request."""


class ServerBusyError(CodexRpcError):
    """The runtime is overloaded and did not take the request; try again after a pause."""


class RetryLimitExceededError(ServerBusyError):
    """The runtime gave up after retrying by itself."""


# What becomes of what a request may still begin when its answer comes after all.
_UNDONE = {
    "turn/start": "a turn that it may still start is interrupted",
    "thread/start": "a thread that it may still start is unsubscribed from",
    "thread/fork": "a thread that it may still start is unsubscribed from",
    "account/login/start": "a login in a browser that it may still begin is cancelled",
}


class RequestTimeoutError(CodexError, TimeoutError):
    """No answer came in time; or the request could not be sent in time.

    The time is that of `timeout_s` at the call, counted from its beginning; without one it is that of
    `CodexConfig.request_timeout_s`, counted from when the request was written.

    Attributes:
        method: The request.
        timeout_s: The time, in seconds.
        was_sent: Whether the request is known to have gone out.
    """

    def __init__(
        self,
        method: str,
        timeout_s: float,
        *,
        was_sent: bool = True,
        of_call: bool = False,
        goes_on: bool = False,
    ) -> None:
        late = "what it has begun may go on" if goes_on else _UNDONE.get(method)
        undone = f"; {late}" if late is not None else ""
        if method == "turn/interrupt":
            happened = (
                f"The runtime has not confirmed within {timeout_s:g} s that the turn is interrupted. It is "
                "as soon as the runtime comes to that."
            )
        elif was_sent:
            happened = f"No answer to {method} within {timeout_s:g} s, so it was given up{undone}."
        else:
            happened = (
                f"{method} could not be sent within {timeout_s:g} s, so it was given up: what it waits for "
                "(other requests, or the end of a turn that was given up) has not come."
            )
        limit = "timeout_s" if of_call else "CodexConfig.request_timeout_s"
        super().__init__(f"{happened} Raise {limit} if the runtime is merely slow.")
        self.method = method
        self.timeout_s = timeout_s
        self.was_sent = was_sent


class WaitTimeoutError(CodexError, TimeoutError):
    """What was waited for has not come in time. It goes on, and can be waited for again.

    Attributes:
        timeout_s: The time, in seconds.
    """

    def __init__(self, message: str, timeout_s: float) -> None:
        super().__init__(message)
        self.timeout_s = timeout_s


class WriteQueueFullError(CodexError):
    """Too many bytes wait to be written to the runtime, which does not read them. Nothing was sent.

    Attributes:
        queued_bytes: How many bytes wait.
    """

    def __init__(self, queued_bytes: int) -> None:
        super().__init__(
            f"{queued_bytes} bytes wait to be written to the Codex runtime, which does not read them. "
            "Send less at once, or close the client if the runtime hangs."
        )
        self.queued_bytes = queued_bytes


class _OfTurn(CodexError):
    """What the errors share that end the wait for a turn.

    Attributes:
        thread_id: The thread.
        turn_id: The turn; "" if it was not known yet.
        errors: The turn's `error` events so far, the last ones if there were many: what the runtime tried
            again, and what it gave up for.
        request_errors: What handlers have done wrong with requests of the turn.
    """

    def __init__(
        self, message: str, *, thread_id: str, turn_id: str, errors: tuple[ErrorNotification, ...] = ()
    ) -> None:
        super().__init__(message)
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.errors = errors
        self.request_errors: tuple[RequestHandlerError, ...] = ()

    @property
    def last_error(self) -> ErrorNotification | None:
        """The last of `errors`; None if there was none."""
        return self.errors[-1] if self.errors else None


class TurnFailedError(_OfTurn, RuntimeError):
    """A turn ended with status "failed". The message is the runtime's, and what it had tried again before.

    Attributes:
        thread_id: The thread.
        turn_id: The turn.
        error: The turn's error as the runtime sent it, or None.
        codex_error_info: The kind of failure (quota, context window, connection …), or None.
        errors: The turn's `error` events, the last ones if there were many. Collected by `run()` and by
            `stream_text()`; a `stream()` has them among its events.
    """

    def __init__(
        self,
        message: str,
        *,
        thread_id: str,
        turn_id: str,
        error: TurnError | None = None,
        errors: tuple[ErrorNotification, ...] = (),
    ) -> None:
        super().__init__(message, thread_id=thread_id, turn_id=turn_id, errors=errors)
        self.error = error

    @property
    def codex_error_info(self) -> CodexErrorInfo | None:
        # The error of a newer runtime may be of another type.
        return getattr(self.error, "codex_error_info", None)

    def __str__(self) -> str:
        message = str(self.args[0])
        tried = [each for each in self.errors if getattr(each, "will_retry", False) is True]
        if not tried:
            return message
        last = text_of_error(tried[-1]).removesuffix(f": {message}")
        often = "once" if len(tried) == 1 else f"{len(tried)} times"
        return f"{message} (tried again {often}; the last: {last})"


class TurnTimeoutError(_OfTurn, TimeoutError):
    """A turn took longer than `timeout_s`, or nothing of it arrived for `idle_timeout_s`.

    `run()`, and a stream inside a turn's block, have given the turn up: it is interrupted unless somebody
    else holds it. Any other stream can be read on.

    Attributes:
        thread_id: The thread.
        turn_id: The turn; "" if its start was not answered yet.
        timeout_s: The time that is over, in seconds.
        is_idle: Whether it is that of `idle_timeout_s`.
        partial: What `run()` had collected: a result whose status is "inProgress". None from a stream, and
            if the start was not answered yet.
        errors: The turn's `error` events so far, the last ones if there were many.
        last_error: The last of these, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        thread_id: str,
        turn_id: str,
        timeout_s: float,
        is_idle: bool = False,
        partial: TurnResult | None = None,
        errors: tuple[ErrorNotification, ...] = (),
    ) -> None:
        super().__init__(message, thread_id=thread_id, turn_id=turn_id, errors=errors)
        self.timeout_s = timeout_s
        self.is_idle = is_idle
        self.partial = partial


def text_of_error(event: Any) -> str:
    """What an `error` event says, in one line."""
    error = getattr(event, "error", event)
    details = getattr(error, "additional_details", None)
    text = str(getattr(error, "message", error))
    return f"{text}: {details}" if isinstance(details, str) and details else text


class StreamOverflowError(CodexError):
    """A stream was not read fast enough, its buffer was full, and events were dropped. Reading can go on.

    Of a turn only deltas are dropped: whole items, usage, errors and the end stay.
    `thread.read(include_turns=True)` gives the whole turn, and `run()` needs nothing that is dropped. Of
    other streams (notifications, a command's output) the newest go: what came before this error is complete,
    what comes after it follows after a gap.

    Attributes:
        thread_id: The thread, if the stream is one thread's.
        turn_id: The turn, if it is a turn's.
        lost_events: How many events were dropped.
        lost_bytes: Their size on the wire, in bytes.
    """

    def __init__(
        self, message: str, *, thread_id: str | None, turn_id: str | None, lost_events: int, lost_bytes: int
    ) -> None:
        super().__init__(message)
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.lost_events = lost_events
        self.lost_bytes = lost_bytes


class NoRequestHandlerError(CodexError):
    """A turn was to start on a thread with `ApprovalMode.ask`, and nobody would answer what it asks.

    Nothing was sent.

    Attributes:
        thread_id: The thread.
    """

    def __init__(self, message: str, *, thread_id: str) -> None:
        super().__init__(message)
        self.thread_id = thread_id


class RequestSettledError(CodexError):
    """A request of the runtime was to be answered that waits for no answer any more.

    Attributes:
        method: The request's method.
        settlement: What came first: "answered" or "refused" by this program, "resolved" by the runtime or
            another client, "turn_over", "thread_closed", or "closed" with the connection.
    """

    def __init__(self, message: str, *, method: str, settlement: str) -> None:
        super().__init__(message)
        self.method = method
        self.settlement = settlement


class RequestAnsweredError(RequestSettledError):
    """A request of the runtime was to be answered a second time. The first answer stands."""


class RequestNotFoundError(CodexError, LookupError):
    """No request that waits for an answer has this token: it is settled, or of another connection."""


class RequestHandlerError(CodexError):
    """A handler of the runtime's requests failed, so the request was refused, unless it was answered before.

    It raised (that is the `__cause__`), took too long, gave something back, or gave no answer.

    Attributes:
        method: The request's method.
        thread_id: The thread that asked; None for a request that is no thread's.
        turn_id: The turn that asked, likewise.
        item_id: The item that it was about, likewise.
        root_turn_id: For a sub-agent's turn, the one at the root of it, where that is known.
        ancestors: The threads that a sub-agent's thread descends from.
    """

    def __init__(
        self,
        message: str,
        *,
        method: str,
        thread_id: str | None,
        turn_id: str | None,
        item_id: str | None,
        root_turn_id: str | None = None,
        ancestors: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.method = method
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.item_id = item_id
        self.root_turn_id = root_turn_id
        self.ancestors = ancestors


class InvalidInputError(CodexError, ValueError):
    """An argument has a value that makes no sense. Nothing was sent."""


class InvalidInputTypeError(CodexError, TypeError):
    """An argument has the wrong type. Nothing was sent."""


_BY_CODE: dict[int, type[CodexRpcError]] = {
    -32700: ParseError,
    -32600: InvalidRequestError,
    -32601: MethodNotFoundError,
    -32602: InvalidParamsError,
    -32603: InternalRpcError,
}
OVERLOADED_CODE = -32001  # no public name: programs ask is_retryable_error
_SERVER_CODES = range(-32099, -31999)
_GAVE_UP = ("retry limit", "too many failed attempts")
_OVERLOADED = ("server_overloaded", "serveroverloaded")


def map_jsonrpc_error(code: int, message: str, data: Any = None) -> JsonRpcError:
    """The typed error for a JSON-RPC error object.

    Args:
        code: Its `code`.
        message: Its `message`.
        data: Its `data`, decoded.

    Returns:
        The most specific error of the tree. It is returned, not raised.
    """
    known = _BY_CODE.get(code)
    if known is not None:
        return known(code, message, data)
    if code not in _SERVER_CODES:
        return JsonRpcError(code, message, data)
    if any(words in message.lower() for words in _GAVE_UP):
        return RetryLimitExceededError(code, message, data)
    if code == OVERLOADED_CODE or _says_overloaded(data):
        return ServerBusyError(code, message, data)
    return CodexRpcError(code, message, data)


def is_retryable_error(exc: BaseException) -> bool:
    """True for an overload that is likely to pass: the request was not served and may be sent again."""
    if isinstance(exc, ServerBusyError):
        return True
    return isinstance(exc, JsonRpcError) and (exc.code == OVERLOADED_CODE or _says_overloaded(exc.data))


def _says_overloaded(data: Any) -> bool:
    # The marker's place in `data` differs between operations, so it is looked for everywhere.
    if isinstance(data, str):
        return data.lower() in _OVERLOADED
    if isinstance(data, dict):
        return any(_says_overloaded(value) or key == "serverOverloaded" for key, value in data.items())
    if isinstance(data, list):
        return any(_says_overloaded(value) for value in data)
    return False
