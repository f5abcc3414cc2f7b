"""What a connection ends with, and a stream of it."""

from __future__ import annotations

from .base import CodexError


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


class ClientClosedError(TransportClosedError):
    """The client was used after it had been closed by this program."""


class ForkedProcessError(TransportClosedError):
    """The client was made before a fork and is used in the forked child."""


class MessageTooLongError(TransportClosedError):
    """A message of the runtime was longer than `CodexConfig.max_message_bytes`."""


class StreamClosedError(CodexError):
    """These events do not come here any more: the stream was read to the end or closed, or its thread was.

    The last is a turn whose end this client will not hear of, because the thread was unsubscribed from,
    archived or deleted. The connection lives on.
    """


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
