"""What may befall a runtime, each once with the real one: nothing hangs, and nothing is left.

The same in small, and the faults that need a made-up runtime, stand in tests/native (`test_ending`,
`test_faults`) and in the core's own tests of a child process.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_app_server import Codex
from codex_app_server._launch.command import resolve
from codex_app_server.errors import RequestTimeoutError, TransportClosedError
from codex_app_server.testing import OfflineModel
from tests.leaks import Footprint

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nothing_is_left(model: OfflineModel) -> Iterator[None]:
    with Codex(model.config()):
        pass  # what a process sets up once is not a leak
    before = Footprint.settled()
    yield
    Footprint.take().assert_no_more_than(before)


def pid_of(codex: Codex) -> int:
    return codex._runtime.connection.native.pid


def wrapped(model: OfflineModel, script: str) -> tuple[str, ...]:
    """A shell script in which `$runtime` is the command line of the real runtime."""
    return ("/bin/sh", "-c", f"runtime={shlex.quote(shlex.join(resolve(model.config()).argv))}; {script}")


def test_a_stopped_runtime_fails_its_callers_in_time_and_is_killed(model: OfflineModel) -> None:
    config = model.config(request_timeout_s=1, shutdown_grace_s=0.5)
    with Codex(config) as codex:
        thread = codex.thread_start()
        os.kill(pid_of(codex), signal.SIGSTOP)
        begun = time.monotonic()
        with pytest.raises(RequestTimeoutError):
            thread.run("Hello?")
        assert time.monotonic() - begun < 5
        begun = time.monotonic()
    # The end of its input and SIGTERM have their grace, and neither reaches it.
    assert time.monotonic() - begun < 5


def test_a_killed_runtime_ends_what_waits_with_the_signal(model: OfflineModel) -> None:
    model.hold()
    with Codex(model.config()) as codex:
        events = codex.thread_start().turn("Hello?").stream()
        next(events)
        model.wait_for_requests(1)
        os.kill(pid_of(codex), signal.SIGKILL)
        with pytest.raises(TransportClosedError) as failure:
            list(events)
        assert failure.value.signal == signal.SIGKILL
        with pytest.raises(TransportClosedError):
            codex.models()
    model.release()


def test_a_flood_on_stderr_holds_no_turn_up_and_ends_with_the_client(model: OfflineModel) -> None:
    config = model.config(launch_args_override=wrapped(model, "yes noise >&2 & exec $runtime"))
    with Codex(config) as codex:
        assert codex.thread_start().run("Hello?").final_response == "Hello?"
        tail = codex._runtime.connection.native.stderr_tail
    assert "noise\nnoise\n" in tail


def test_a_helper_that_holds_the_pipes_does_not_hide_that_the_runtime_has_exited(model: OfflineModel) -> None:
    # It has copies of stdout and stderr, and outlives the runtime.
    config = model.config(launch_args_override=wrapped(model, "sleep 1000 & exec $runtime"))
    with Codex(config) as codex:
        thread = codex.thread_start()
        os.kill(pid_of(codex), signal.SIGKILL)
        with pytest.raises(TransportClosedError) as failure:
            thread.run("Hello?")
        assert failure.value.signal == signal.SIGKILL


def test_a_runtime_that_closes_its_stdout_and_lives_on_is_an_end_with_a_reason(model: OfflineModel) -> None:
    # The real one cannot be made to; a program before it lets so many lines through and lives on.
    script = "exec 4<&0 3>&1 1>&2; $runtime <&4 3>&- | head -n 2 >&3 & exec 3>&-; wait"
    config = model.config(launch_args_override=wrapped(model, script), shutdown_grace_s=0.5)
    begun = time.monotonic()
    with pytest.raises(TransportClosedError, match="stdout"), Codex(config) as codex:
        codex.models()
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    "habit",
    [
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        # As a supervisor or a web server does; some handlers reap whatever there is.
        """
        def reap(*_: object) -> None:
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                pass
        signal.signal(signal.SIGCHLD, reap)
        """,
    ],
    ids=["ignores SIGCHLD", "reaps every child"],
)
def test_a_program_that_takes_its_childrens_status_away_loses_nothing_else(
    model: OfflineModel, habit: str
) -> None:
    body = f"""
        import os, signal, time
        {textwrap.indent(textwrap.dedent(habit).strip(), " " * 8).strip()}
        from codex_app_server import Codex, CodexConfig
        from codex_app_server.errors import TransportClosedError
        config = CodexConfig(env={dict(model.env)!r}, cwd={str(model.workspace)!r})
        for ending in ("closed", "killed"):
            with Codex(config) as codex:
                thread = codex.thread_start()
                assert thread.run("Hello?").final_response == "Hello?"
                pid = codex._runtime.connection.native.pid
                if ending == "killed":
                    os.kill(pid, signal.SIGKILL)
                    try:
                        thread.run("Hello?")
                    except TransportClosedError as error:
                        assert error.signal in (None, signal.SIGKILL), error.signal
                    else:
                        raise AssertionError("nothing was raised")
            while os.path.exists(f"/proc/{{pid}}"):
                time.sleep(0.01)
        # A thread leaves the system's list a moment after it was joined.
        while len(os.listdir("/proc/self/task")) > 1:
            time.sleep(0.01)
        print("done")
    """
    command = [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(body)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    assert done.stdout == "done\n", (done.stdout, done.stderr)
