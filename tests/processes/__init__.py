"""What tests ask of the system about processes, and do to them: the same names on every system."""

import sys

if sys.platform == "win32":
    from .windows import (
        KILLED,
        KILLED_SAYS,
        SIGNAL,
        command_line,
        descendants,
        descriptors,
        is_running,
        kill,
        press_ctrl_c,
        signal_main,
        stopped,
        threads,
    )
else:
    from .posix import (
        KILLED,
        KILLED_SAYS,
        SIGNAL,
        command_line,
        descendants,
        descriptors,
        is_running,
        kill,
        press_ctrl_c,
        signal_main,
        stopped,
        threads,
    )

__all__ = [
    "KILLED",
    "KILLED_SAYS",
    "SIGNAL",
    "command_line",
    "descendants",
    "descriptors",
    "is_running",
    "kill",
    "press_ctrl_c",
    "signal_main",
    "stopped",
    "threads",
]
