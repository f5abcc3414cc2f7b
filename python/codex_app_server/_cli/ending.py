"""The signals that end a command from outside: each becomes what Ctrl-C is, so that nothing is left running.

Owns their handlers while a command runs. Without them Python would end at once, and a runtime that hangs,
which has a session of its own, would stay. What is ignored stays ignored, as `nohup` wants it. Called by
`main`.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Windows lacks the second.
_NAMES = ("SIGTERM", "SIGHUP")


class Interruption:
    """By which signal a command was interrupted: Ctrl-C's, unless another one came, whose number this has."""

    def __init__(self) -> None:
        self.number: int | None = None

    @property
    def exit_code(self) -> int:
        """What a shell says of a command that such a signal has ended."""
        return 128 + (self.number or signal.SIGINT)


@contextmanager
def orderly() -> Iterator[Interruption]:
    """While this is open, they raise KeyboardInterrupt."""
    interruption = Interruption()
    taken: list[signal.Signals] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        # One is enough, and a second would interrupt the end: a terminal that is closed may send two. If that
        # one is here already, this is called again.
        if interruption.number is not None:
            return
        interruption.number = number
        for each in taken:
            signal.signal(each, signal.SIG_IGN)
        # An event loop has a handler of its own, which lets its tasks end. A shell's background has none.
        on_ctrl_c = signal.getsignal(signal.SIGINT)
        if callable(on_ctrl_c):
            on_ctrl_c(signal.SIGINT, frame)
        else:
            raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():  # Python lets no other one set a handler
        present = (getattr(signal, name) for name in _NAMES if hasattr(signal, name))
        taken += [number for number in present if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield interruption
    finally:
        # After one of them this process ends, and its exit code should stay what it is.
        if interruption.number is None:
            for number in taken:
                signal.signal(number, signal.SIG_DFL)
