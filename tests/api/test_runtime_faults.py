"""What may befall a runtime, each once with the real one: nothing hangs, and nothing is left.

The same in small, and the faults that need a made-up runtime, stand in tests/native (`test_ending`,
`test_faults`) and in the core's own tests of a child process.
"""

from __future__ import annotations

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
from tests.processes import KILLED, KILLED_SAYS, kill, stopped
from tests.programs import python

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nothing_is_left(model: OfflineModel) -> Iterator[None]:
    with Codex(model.config()):
        pass  # what a process sets up once is not a leak
    before = Footprint.settled()
    yield
    Footprint.take().assert_no_more_than(before)


def wrapped(model: OfflineModel, script: str) -> tuple[str, ...]:
    """A program in which `runtime` is the command line of the real runtime."""
    return python(f"import os, subprocess, sys\nruntime = {resolve(model.config()).argv!r}\n{script}")


def test_a_stopped_runtime_fails_its_callers_in_time_and_is_killed(model: OfflineModel) -> None:
    config = model.config(request_timeout_s=1, shutdown_grace_s=0.5)
    with Codex(config) as codex:
        thread = codex.thread_start()
        with stopped(codex.pid):
            begun = time.monotonic()
            with pytest.raises(RequestTimeoutError):
                thread.run("Hello?")
            assert time.monotonic() - begun < 5
            begun = time.monotonic()
            # The end of its input and SIGTERM have their grace, and neither reaches it.
            codex.close()
            assert time.monotonic() - begun < 5


def test_a_killed_runtime_ends_what_waits(model: OfflineModel) -> None:
    model.hold()
    with Codex(model.config()) as codex:
        events = codex.thread_start().turn("Hello?").stream()
        next(events)
        model.wait_for_requests(1)
        kill(codex.pid)
        with pytest.raises(TransportClosedError, match=KILLED_SAYS):
            list(events)
        assert codex.exit_code == KILLED
        with pytest.raises(TransportClosedError):
            codex.models()
    model.release()


# Both have the pipes of the program that they are started by.
FLOOD = r"""
subprocess.Popen([sys.executable, "-SE", "-c", "import os\nwhile True: os.write(2, b'noise\\n')"])
sys.exit(subprocess.call(runtime))
"""


def test_a_flood_on_stderr_holds_no_turn_up_and_ends_with_the_client(model: OfflineModel) -> None:
    config = model.config(launch_args_override=wrapped(model, FLOOD))
    with Codex(config) as codex:
        assert codex.thread_start().run("Hello?").final_response == "Hello?"
        tail = codex._runtime.connection.native.stderr_tail
    assert "noise\nnoise\n" in tail


HELPER = """
subprocess.Popen(["sleep", "1000"])
os.execv(runtime[0], runtime)
"""


def test_a_helper_that_holds_the_pipes_does_not_hide_that_the_runtime_has_exited(model: OfflineModel) -> None:
    # It has copies of stdout and stderr, and outlives the runtime.
    config = model.config(launch_args_override=wrapped(model, HELPER))
    with Codex(config) as codex:
        thread = codex.thread_start()
        kill(codex.pid)
        with pytest.raises(TransportClosedError, match=KILLED_SAYS):
            thread.run("Hello?")


def test_a_runtime_that_closes_its_stdout_and_lives_on_is_an_end_with_a_reason(model: OfflineModel) -> None:
    # The real one cannot be made to; a program before it lets so many lines through and lives on.
    script = """
running = subprocess.Popen(runtime, stdout=subprocess.PIPE)
for _ in range(2):
    os.write(1, running.stdout.readline())
os.close(1)
running.wait()
"""
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
