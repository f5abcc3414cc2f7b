"""What it costs the rest of the program to start a process, and to hold it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.alone


def test_a_large_program_starts_a_process_as_fast_as_a_small_one() -> None:
    # A fork copies the page tables: 35 ms at least for a gigabyte, each time.
    body = """
        import time
        from codex_app_server._native import Connection

        ballast = bytearray(1 << 30)
        ballast[::4096] = b"x" * len(ballast[::4096])

        def start() -> float:
            begun = time.perf_counter()
            connection = Connection(["/bin/cat"])
            taken = time.perf_counter() - begun
            connection.close()
            assert connection.wait(20)
            return taken

        print(min(start() for _ in range(10)))
    """
    command = [sys.executable, "-c", textwrap.dedent(body)]
    done = subprocess.run(command, check=True, timeout=60, stdout=subprocess.PIPE)
    assert float(done.stdout) < 0.015


def test_two_hundred_connections_fit_below_the_usual_limit_of_descriptors() -> None:
    body = """
        import os, resource, time
        from codex_app_server._native import Connection

        def held() -> tuple[int, int]:
            return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        descriptors, threads = held()
        connections = [Connection(["/bin/cat"]) for _ in range(200)]
        assert held() == (descriptors + 5 * 200, threads + 2 * 200), (descriptors, threads, held())
        for connection in connections:
            connection.close()
        for connection in connections:
            assert connection.wait(20)
        # A thread leaves the system's list a moment after it was joined.
        while held() != (descriptors, threads):
            time.sleep(0.001)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(body)], check=True, timeout=60)
