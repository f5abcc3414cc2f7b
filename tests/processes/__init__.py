"""What tests ask of the system about processes, and do to them: the same names on every system."""

import sys

if sys.platform == "win32":
    from .windows import KILLED, descendants, descriptors, is_running, kill, press_ctrl_c, threads
else:
    from .posix import KILLED, descendants, descriptors, is_running, kill, press_ctrl_c, threads

__all__ = ["KILLED", "descendants", "descriptors", "is_running", "kill", "press_ctrl_c", "threads"]
