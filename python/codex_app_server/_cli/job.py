"""A job of Windows, which holds a program and all that it starts, so that they can be ended together.

Owns the few calls of the system that this takes. They are made with ctypes, because the commands have to work
where the native module cannot be loaded. Called by `command`, on Windows alone.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import weakref
from ctypes import wintypes

# Else the module is empty, so that it can be imported wherever all modules are.
if sys.platform == "win32":
    # How a program has to be started to be put into a job: before it runs it can have started nothing.
    SUSPENDED = 0x4

    _KILL_ON_JOB_CLOSE = 0x2000
    _EXTENDED_LIMITS = 9
    # To terminate it, to put it into a job, to resume it.
    _ACCESS = 0x1 | 0x100 | 0x800
    # What those exit with that are ended; Python's `terminate()` has the same.
    _ENDED = 1

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.CreateJobObjectW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
    _kernel32.CreateJobObjectW.restype = wintypes.HANDLE
    _kernel32.SetInformationJobObject.argtypes = (
        wintypes.HANDLE,
        ctypes.c_int,
        ctypes.c_void_p,
        wintypes.DWORD,
    )
    _kernel32.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
    _kernel32.TerminateJobObject.argtypes = (wintypes.HANDLE, wintypes.UINT)
    _kernel32.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
    _kernel32.OpenProcess.restype = wintypes.HANDLE
    _kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
    _ntdll = ctypes.WinDLL("ntdll")
    _ntdll.NtResumeProcess.argtypes = (wintypes.HANDLE,)

    class _Limits(ctypes.Structure):
        """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

        _fields_ = (
            ("per_process_user_time", wintypes.LARGE_INTEGER),
            ("per_job_user_time", wintypes.LARGE_INTEGER),
            ("flags", wintypes.DWORD),
            ("minimum_working_set", ctypes.c_size_t),
            ("maximum_working_set", ctypes.c_size_t),
            ("active_processes", wintypes.DWORD),
            ("affinity", ctypes.c_size_t),
            ("priority", wintypes.DWORD),
            ("scheduling", wintypes.DWORD),
            ("io_counters", ctypes.c_ulonglong * 6),
            ("memory", ctypes.c_size_t * 4),
        )

    class Job:
        """A job with nobody in it. Whoever is in it ends also when this is gone, and when this process ends.

        Raises:
            OSError: The system makes none.
        """

        def __init__(self) -> None:
            self._handle = _checked(_kernel32.CreateJobObjectW(None, None))
            # Not before nobody can call `end()` any more: the number of a closed handle may be another's.
            weakref.finalize(self, _kernel32.CloseHandle, self._handle)
            limits = _Limits(flags=_KILL_ON_JOB_CLOSE)
            size = ctypes.sizeof(limits)
            _checked(
                _kernel32.SetInformationJobObject(self._handle, _EXTENDED_LIMITS, ctypes.byref(limits), size)
            )

        def begin(self, child: subprocess.Popen[bytes]) -> None:
            """Put a program that was started `SUSPENDED` into the job, and let it run.

            Raises:
                OSError: The system does not allow it; the program has been ended.
            """
            process = _checked(_kernel32.OpenProcess(_ACCESS, False, child.pid))
            try:
                _checked(_kernel32.AssignProcessToJobObject(self._handle, process))
                _ntdll.NtResumeProcess(process)
            except OSError:
                child.kill()
                raise
            finally:
                _kernel32.CloseHandle(process)

        def end(self) -> None:
            """End everybody who is in it."""
            _kernel32.TerminateJobObject(self._handle, _ENDED)

    def _checked(result: int | None) -> int:
        if not result:
            raise ctypes.WinError(ctypes.get_last_error())
        return result
