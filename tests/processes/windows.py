"""Processes of Windows."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import wintypes

assert sys.platform == "win32"

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
_kernel32.OpenProcess.restype = wintypes.HANDLE
_ntdll = ctypes.WinDLL("ntdll")

_SNAPSHOT_PROCESSES = 0x2
_SNAPSHOT_THREADS = 0x4
_QUERY_INFORMATION = 0x400
_READ_MEMORY = 0x10
_SUSPEND_RESUME = 0x800
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


class _Text(ctypes.Structure):
    _fields_ = (
        ("size", wintypes.USHORT),
        ("room", wintypes.USHORT),
        ("address", ctypes.c_void_p),
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
    with _opened(pid, _SYNCHRONIZE) as handle:
        # Without a handle it fails.
        return bool(_kernel32.WaitForSingleObject(handle, 0) == _WAIT_TIMEOUT)


@contextmanager
def _opened(pid: int, access: int) -> Iterator[wintypes.HANDLE]:
    handle = wintypes.HANDLE(_kernel32.OpenProcess(access, False, pid))
    try:
        yield handle
    finally:
        _kernel32.CloseHandle(handle)


def command_line(pid: int) -> str:
    """What every user of the system may see of how a process was started."""
    with _opened(pid, _QUERY_INFORMATION | _READ_MEMORY) as handle:

        def read(kind, address):
            found = kind()
            size = ctypes.sizeof(found)
            assert _kernel32.ReadProcessMemory(
                handle, ctypes.c_void_p(address), ctypes.byref(found), size, None
            )
            return found

        # Of six words the second is the address of the process's environment block. That has at 0x20 the
        # address of its parameters, and they have at 0x70 its command line, where words have 64 bits.
        words = (ctypes.c_size_t * 6)()
        assert _ntdll.NtQueryInformationProcess(handle, 0, words, ctypes.sizeof(words), None) == 0
        parameters = read(ctypes.c_size_t, words[1] + 0x20).value
        line = read(_Text, parameters + 0x70)
        return read(ctypes.c_wchar * (line.size // 2), line.address).value


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A child that does nothing meanwhile, though it has not ended."""
    with _opened(pid, _SUSPEND_RESUME) as handle:
        assert _ntdll.NtSuspendProcess(handle) == 0
        try:
            yield
        finally:
            _ntdll.NtResumeProcess(handle)


# The exit code of a process that was ended so, as `subprocess` has it, and what the package says of it.
KILLED = int(signal.SIGTERM)
KILLED_SAYS = "exit code 15"


def kill(pid: int) -> None:
    """End a process that is not asked."""
    os.kill(pid, signal.SIGTERM)  # which is no signal: TerminateProcess


def press_ctrl_c() -> None:
    """What a person does at the terminal, to this process alone."""
    signal.raise_signal(signal.SIGINT)


# One besides Ctrl-C that a program may have a handler for.
SIGNAL = signal.SIGBREAK


def signal_main() -> None:
    """Send this signal to the main thread, which is the one that handles it wherever it is raised."""
    signal.raise_signal(SIGNAL)
