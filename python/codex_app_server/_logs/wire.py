"""The lines of the wire, on the logger `codex_app_server.wire`.

Owns the log that the native threads of all connections write to, whether it is on, and the one thread that
hands its lines to the logger while that is enabled for DEBUG. Whether it is enabled is looked at where a
request begins and where a batch of events is taken. Called by the connections.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time

from .. import _native
from .._concurrency import interpreter_exit
from .._text.messages import redacted_message

_logger = logging.getLogger("codex_app_server.wire")
_complaints = logging.getLogger("codex_app_server")

# Bytes of lines that wait for the logger, of all connections.
_CAPACITY = 8 << 20
# How long the end of the interpreter waits for them.
_LAST_LINES_S = 1.0

_ARROWS = {"sent": "->", "received": "<-"}
# They would do something to a terminal. In JSON they are mostly escaped, but need not be.
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


class _WireLog:
    """The log of this process."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self.lines = _native.LineLog(capacity)
        # Of these one drains it; others find that out, and end.
        self._threads: set[threading.Thread] = set()
        self._has_failed = False

    def look(self) -> bool:
        """Turn the log on or off as the logger is. False if no thread can be made for it. Never blocks."""
        while True:
            is_enabled = _logger.isEnabledFor(logging.DEBUG)
            if not is_enabled:
                self.lines.turn_off()
            else:
                try:
                    if self.lines.turn_on():
                        self._start()
                except RuntimeError:
                    self.lines.turn_off()
                    return False
                except BaseException:
                    # After a Ctrl-C nobody may drain it. Once it is off, the next look turns it on again.
                    self.lines.turn_off()
                    raise
            # It may have changed meanwhile, and whoever has changed it may have been here before.
            if _logger.isEnabledFor(logging.DEBUG) is is_enabled:
                return True

    def check(self) -> None:
        """The same, if there is anything to do."""
        if _logger.isEnabledFor(logging.DEBUG) is not self.lines.is_on and not self.look():
            _complaints.warning("The lines of the wire are not logged: no thread can be made")

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="codex-wire-log", daemon=True)
        thread.start()
        self._threads.add(thread)

    def _run(self) -> None:
        if not self.lines.claim():
            return
        thread = threading.current_thread()
        self._threads = {thread}
        try:
            while (entries := self.lines.next()) is not None:
                for entry in entries:
                    self._log(*entry)
                self.look()
        except BaseException:
            self.lines.resign()
            raise

    def _log(self, origin: str, pid: int, at_s: float, text: str, length: int, is_cut: bool) -> None:
        try:
            record = _record(origin, pid, text, length, is_cut=is_cut)
            if at_s:
                # When it was on the wire.
                record.relativeCreated -= (record.created - at_s) * 1000
                record.created = at_s
                record.msecs = at_s % 1 * 1000
            _logger.handle(record)
        except BaseException:  # a handler's SystemExit, too
            if not self._has_failed:
                self._has_failed = True
                _complaints.exception(
                    "A line of the wire is not logged, nor is any other on which this fails"
                )

    def end(self) -> None:
        """No line is logged any more, but those that wait, if that does not take long."""
        self.lines.end()
        until = time.monotonic() + _LAST_LINES_S
        for thread in self._threads - {threading.current_thread()}:
            thread.join(max(0.0, until - time.monotonic()))


def _record(origin: str, pid: int, text: str, length: int, *, is_cut: bool) -> logging.LogRecord:
    if origin == "lost":
        said: tuple[str, tuple[object, ...]] = (
            "%d lines were not logged here, which is too slow for them",
            (length,),
        )
    else:
        line = _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", redacted_message(text, is_cut=is_cut))
        if is_cut:
            line = f"{line}… ({length} bytes)"
        said = ("%d %s %s", (pid, _ARROWS[origin], line))
    return _logger.makeRecord(_logger.name, logging.DEBUG, __file__, 0, *said, None, "wire")


_log = _WireLog()


_is_attached = False


def attach() -> _native.LineLog:
    """What a new connection writes its lines to."""
    global _is_attached  # noqa: PLW0603
    if not _is_attached:
        _is_attached = True
        interpreter_exit.at_end(_end)
    check()
    return _log.lines


def check() -> None:
    """See whether the logger was enabled or disabled."""
    _log.check()


def _end() -> None:
    _log.end()


def _begin_anew() -> None:
    """In a forked child: the thread is the parent's."""
    global _log  # noqa: PLW0603
    _log = _WireLog()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
