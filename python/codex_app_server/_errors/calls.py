"""Why a call has no result: refused before anything was sent, given up, or refused by the runtime.

Owns which error stands for which JSON-RPC error object, too.
"""

from __future__ import annotations

from typing import Any

from .base import CodexError


class InvalidInputError(CodexError, ValueError):
    """An argument has a value that makes no sense. Nothing was sent."""


class InvalidInputTypeError(CodexError, TypeError):
    """An argument has the wrong type. Nothing was sent."""


class NotStartedError(CodexError, RuntimeError):
    """Something was asked of a client that has not started its runtime yet."""


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


class ReentrantCallError(CodexError, RuntimeError):
    """A signal handler called what its own thread was in the middle of, which is already executing.

    Waiting would be for ever: the handler has interrupted what it would wait for. Nothing was done.
    """


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
        message = f"{happened} Raise {limit} if the runtime is merely slow."
        if not was_sent and timeout_s <= 0:
            message = f"{method} was not sent: with a {limit} of {timeout_s:g} its time was over before that."
        super().__init__(message)
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


class SettingsNotAppliedError(CodexError):
    """A thread has other settings than those that were asked for, and the runtime does not change them.

    A thread that is loaded keeps what it has. The settings of one call are changed together, or not at all.

    Attributes:
        thread_id: The thread. One that the call has started or loaded is let go of.
        settings: By the option's name what was asked and what the runtime has answered, both as the protocol
            has them.
    """

    def __init__(self, message: str, *, thread_id: str, settings: dict[str, tuple[Any, Any]]) -> None:
        super().__init__(message)
        self.thread_id = thread_id
        self.settings = settings


class JsonRpcError(CodexError):
    """The runtime answered a request with an error, or (`ParseError`) with what cannot be read.

    Attributes:
        code: The JSON-RPC error code.
        message: The runtime's own words.
        data: What it sent along, if anything.
        method: The request that was refused, where known.
        hint: What to do about it, where known.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"JSON-RPC error {code}: {message.rstrip()}")
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
    """The runtime could not read a request, or this package could not read its answer.

    Of an answer, `data` is what the runtime sent, where that may be shown.
    """


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
