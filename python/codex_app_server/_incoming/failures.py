"""What the native transport reports, as errors: the words and the data of each.

Owns what a closed connection and a loss of events say and advise. The native side calls these by name, and
finds `map_jsonrpc_error` here, too; the shells call some of them.
"""

from __future__ import annotations

import re

from .._text.exit_codes import exit_code_text
from .._text.printable import printable
from .._text.redaction import redacted
from ..errors import (
    ClientClosedError,
    ForkedProcessError,
    MessageTooLongError,
    ParseError,
    ReentrantCallError,
    StreamClosedError,
    StreamOverflowError,
    TransportClosedError,
    WriteQueueFullError,
    map_jsonrpc_error,
)

__all__ = [
    "DrainedElsewhereError",
    "drained_elsewhere",
    "map_jsonrpc_error",
    "reentrant",
    "stream_overflow",
    "transport_closed",
    "turn_cut",
    "turn_overflow",
    "unreadable",
    "write_queue_full",
]


def transport_closed(
    kind: str, exit_code: int | None, signal: int | None, stderr_tail: str, detail: str
) -> TransportClosedError:
    """The error for a closed connection; called by the native transport.

    Args:
        kind: "closed_by_client", "process_exited", "stdout_closed", "message_too_long", "write_failed",
            "failed", "forked" or "not_started".
        exit_code: The runtime's exit code, if known.
        signal: The signal that ended it, if one did.
        stderr_tail: The end of its stderr.
        detail: More about it, or "".
    """
    stderr_tail = quotable(stderr_tail)
    cls, reason, advice = _CLOSED.get(kind, (TransportClosedError, "The connection ended", _START_AGAIN))
    if signal is not None:
        reason += f" (killed by signal {signal})"
    elif exit_code is not None:
        reason += f" ({exit_code_text(exit_code)})"
    if detail:
        reason += f": {detail}"
    message = f"{reason}. {advice}"
    if stderr_tail and cls is TransportClosedError:
        message += said(stderr_tail)
    return cls(message, reason=reason, exit_code=exit_code, signal=signal, stderr_tail=stderr_tail)


def quotable(stderr_tail: str) -> str:
    """The end of its stderr as errors have it: the only way from there into a message or an attribute.

    Without what a terminal would obey (the runtime colours its log), and without what looks like a secret.
    """
    return redacted(printable(stderr_tail))


def said(stderr_tail: str) -> str:
    """The end of its stderr, as the end of a message."""
    return f"\nThe end of its stderr:\n{_BACKTRACE.sub('', stderr_tail).rstrip()}"


def last_error(stderr_tail: str) -> str | None:
    """What the runtime itself exited for, if it said that in its own way."""
    errors = _OWN_ERROR.findall(_BACKTRACE.sub("", stderr_tail))
    return errors[-1] if errors else None


# The packaged runtime has no symbols: "0: <unknown>", and so on.
_BACKTRACE = re.compile(r"^Stack backtrace:\n(?:[ \t].*\n?)*", re.MULTILINE)
_OWN_ERROR = re.compile(r"^Error: (\S.*)", re.MULTILINE)
_START_AGAIN = "Open a new client; a thread with a first message can be resumed there with thread_resume()."
_CLOSED: dict[str, tuple[type[TransportClosedError], str, str]] = {
    "closed_by_client": (
        ClientClosedError,
        "This client was closed",
        "Open a new Codex or AsyncCodex; a low-level client can be started again with start().",
    ),
    "process_exited": (TransportClosedError, "The Codex runtime exited", _START_AGAIN),
    "stdout_closed": (TransportClosedError, "The Codex runtime closed its stdout", _START_AGAIN),
    "message_too_long": (
        MessageTooLongError,
        "The Codex runtime has sent a message that was too long",
        f"Raise CodexConfig.max_message_bytes, or ask for less at once. {_START_AGAIN}",
    ),
    "write_failed": (TransportClosedError, "Writing to the Codex runtime failed", _START_AGAIN),
    "failed": (
        TransportClosedError,
        "A thread of codex-app-server-sdk has failed, which is a fault of the package: please report it",
        _START_AGAIN,
    ),
    "not_started": (TransportClosedError, "The Codex runtime is not running", "Call start() first."),
    "forked": (
        ForkedProcessError,
        "This client belongs to the process that was forked",
        "Open a new client in the child process, or fork before opening one.",
    ),
}


def unreadable(message: str, data: str | None = None) -> ParseError:
    """The error for an answer that cannot be read; also called by the native transport.

    It has JSON-RPC's code for that, and no word of it: nobody has sent such an error.
    """
    error = ParseError(_UNREADABLE, message, data)
    error.args = (message,)
    return error


_UNREADABLE = -32700


_KEEP_ALL = "to keep every event, read faster or raise CodexConfig.turn_budget_bytes and total_budget_bytes."


def turn_overflow(thread_id: str, turn_id: str, lost_events: int, lost_bytes: int) -> StreamOverflowError:
    """The error for a turn's stream that lost events; called by the native transport."""
    return StreamOverflowError(
        f"Turn {turn_id} of thread {thread_id} outgrew its buffer: {lost_events} events "
        f"({lost_bytes} bytes) were dropped. Read the whole turn with thread.read(include_turns=True); "
        f"{_KEEP_ALL}",
        thread_id=thread_id,
        turn_id=turn_id,
        lost_events=lost_events,
        lost_bytes=lost_bytes,
    )


def turn_partial(thread_id: str, turn_id: str, lost_events: int, lost_bytes: int) -> StreamOverflowError:
    """The error for a turn that may lack events from its beginning; called by the native transport."""
    return StreamOverflowError(
        f"Before the start of turn {turn_id} was answered, more turns began on thread {thread_id} than are "
        f"kept: {lost_events} events ({lost_bytes} bytes) were dropped, and may be this turn's. Read the "
        f"whole turn with thread.read(include_turns=True).",
        thread_id=thread_id,
        turn_id=turn_id,
        lost_events=lost_events,
        lost_bytes=lost_bytes,
    )


def stream_overflow(stream: str, thread_id: str, lost_events: int, lost_bytes: int) -> StreamOverflowError:
    """The error for another stream that lost events; called by the native transport.

    Args:
        stream: What it is a stream of.
        thread_id: The thread, or "" if it is no thread's.
        lost_events: How many events were dropped.
        lost_bytes: Their size on the wire, in bytes.
    """
    return StreamOverflowError(
        f"The stream of {stream} outgrew its buffer: {lost_events} events ({lost_bytes} bytes) were dropped "
        f"here. Read on for what came after them; {_KEEP_ALL}",
        thread_id=thread_id or None,
        turn_id=None,
        lost_events=lost_events,
        lost_bytes=lost_bytes,
    )


def turn_cut(thread_id: str, turn_id: str, why: str) -> StreamClosedError:
    """The error for a turn whose end will not be heard; called by the native transport.

    Args:
        thread_id: The thread.
        turn_id: The turn.
        why: "unsubscribed" or "thread_closed".
    """
    happened, advice = _CUT[why]
    return StreamClosedError(
        f"Nothing more is heard of turn {turn_id}: thread {thread_id} {happened}. {advice}"
    )


_CUT = {
    "unsubscribed": (
        "was unsubscribed from",
        "Resume it with thread_resume() before its next turn, and read this one with "
        "thread.read(include_turns=True).",
    ),
    "thread_closed": ("was archived, deleted or unloaded", "A thread that was archived can be unarchived."),
}


def reentrant() -> ReentrantCallError:
    """The error of a signal handler that calls what it interrupts; also called by the native transport."""
    return ReentrantCallError("A signal handler called what it has interrupted: it is already executing.")


class DrainedElsewhereError(RuntimeError):
    """Another thread drains a subscription at this moment.

    A class of its own, because a signal's handler may raise any `RuntimeError` from a wait.
    """


def drained_elsewhere() -> DrainedElsewhereError:
    """The error for two threads that drain one subscription; called by the native transport."""
    return DrainedElsewhereError("another thread drains this subscription: one consumer at a time")


def write_queue_full(queued_bytes: int) -> WriteQueueFullError:
    """The error for a request that found no room to be written; called by the native transport."""
    return WriteQueueFullError(queued_bytes)
