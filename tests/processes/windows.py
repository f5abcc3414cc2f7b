"""Processes of Windows."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from ctypes import wintypes

assert sys.platform == "win32"

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
_kernel32.OpenProcess.restype = wintypes.HANDLE

_SNAPSHOT_PROCESSES = 0x2
_SNAPSHOT_THREADS = 0x4
_SYNCHRONIZE = 0x100000
_WAIT_TIMEOUT = 0x102


class _Process(ctypes.Structure):
    _fields_ = (
        ("size", wintypes.DWORD),
        ("usage", wintypes.DWORD),
        ("pid", wintypes.DWORD),
        ("heap", ctypes.c_size_t),
        ("module", wintypes.DWORD),
        ("threads", wintypes.DWORD),
        ("parent", wintypes.DWORD),
        ("priority", wintypes.LONG),
        ("flags", wintypes.DWORD),
        ("name", wintypes.WCHAR * 260),
    )


class _Thread(ctypes.Structure):
    _fields_ = (
        ("size", wintypes.DWORD),
        ("usage", wintypes.DWORD),
        ("tid", wintypes.DWORD),
        ("pid", wintypes.DWORD),
        ("base_priority", wintypes.LONG),
        ("delta_priority", wintypes.LONG),
        ("flags", wintypes.DWORD),
    )


def threads() -> int:
    """How many native threads this process has; `threading.enumerate()` would miss some."""
    listed = _snapshot(_SNAPSHOT_THREADS, _Thread, _kernel32.Thread32First, _kernel32.Thread32Next)
    return sum(each.pid == os.getpid() for each in listed)


def descriptors() -> int:
    """How many handles this process has; Wine counts none."""
    count = wintypes.DWORD()
    _kernel32.GetProcessHandleCount(_kernel32.GetCurrentProcess(), ctypes.byref(count))
    return count.value


def descendants(pid: int) -> set[int]:
    """Every living process below `pid`."""
    listed = _snapshot(_SNAPSHOT_PROCESSES, _Process, _kernel32.Process32FirstW, _kernel32.Process32NextW)
    parents = {each.pid: each.parent for each in listed}
    found: set[int] = set()
    frontier = {pid}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return found


def _snapshot(kind, entry_type, first, following) -> Iterator:
    snapshot = wintypes.HANDLE(_kernel32.CreateToolhelp32Snapshot(kind, 0))
    entry = entry_type(size=ctypes.sizeof(entry_type))
    more = first(snapshot, ctypes.byref(entry))
    while more:
        yield entry_type.from_buffer_copy(entry)
        more = following(snapshot, ctypes.byref(entry))
    _kernel32.CloseHandle(snapshot)


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    handle = wintypes.HANDLE(_kernel32.OpenProcess(_SYNCHRONIZE, False, pid))
    if not handle:
        return False
    is_there = _kernel32.WaitForSingleObject(handle, 0) == _WAIT_TIMEOUT
    _kernel32.CloseHandle(handle)
    return bool(is_there)


# The exit code of such a process, as `subprocess` has it.
KILLED = int(signal.SIGTERM)


def kill(pid: int) -> None:
    """End a process that is not asked."""
    os.kill(pid, signal.SIGTERM)  # which is no signal: TerminateProcess


def press_ctrl_c() -> None:
    """What a person does at the terminal, to this process alone."""
    signal.raise_signal(signal.SIGINT)
