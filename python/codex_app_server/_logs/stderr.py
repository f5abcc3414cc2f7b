"""What the runtime writes to its stderr, line by line, for the program's `on_stderr`.

Owns one thread per runtime, on which the program's function is called: what that does, and how long it takes,
is nobody else's business. It ends with the runtime's stderr, and tells nothing while the interpreter ends.
Called by `startup` and the connections.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable

from .. import _native
from .._concurrency import interpreter_exit

logger = logging.getLogger("codex_app_server")

# Bytes of lines that wait for the program's function.
_CAPACITY = 1 << 20


class StderrLines:
    """The thread that calls `on_stderr` for one runtime."""

    def __init__(self, on_stderr: Callable[[str], object]) -> None:
        self.log = _native.LineLog(_CAPACITY)
        # Set when the last line was told.
        self.done = _native.Gate()
        self._on_stderr = on_stderr
        # Kept until then, so that it is told when the interpreter ends.
        self._connection: object = None
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="codex-stderr", daemon=True)

    def start(self) -> None:
        """Begin to wait for lines.

        Raises:
            OSError: No thread can be made.
        """
        self.log.turn_on()
        try:
            self._thread.start()
        except RuntimeError:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None

    def keep(self, connection: object) -> None:
        """These are the lines of this connection."""
        self._connection = connection

    @property
    def is_awaited(self) -> bool:
        """Whether the last line comes soon, and not on this thread."""
        return not interpreter_exit.is_ending() and threading.current_thread() is not self._thread

    def _run(self) -> None:
        try:
            while (entries := self.log.next()) is not None:
                for origin, _, _, text, length, is_cut in entries:
                    if interpreter_exit.is_ending():
                        return
                    if origin == "lost":
                        logger.warning(
                            "%d lines of the runtime's stderr are lost: on_stderr is too slow", length
                        )
                    else:
                        self._tell(f"{text}… ({length} bytes)" if is_cut else text)
        finally:
            self.log.end()
            self._connection = None
            self.done.set()

    def _tell(self, line: str) -> None:
        try:
            self._on_stderr(line)
        except BaseException:  # a SystemExit would end this thread, and with it all lines, without a word
            self._failures += 1
            # It may fail on each of very many lines.
            if self._failures & (self._failures - 1) == 0:
                logger.exception("on_stderr has failed (%d times so far)", self._failures)
