"""The end of a connection: every wait ends with the reason, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_app_server._native import Connection
from codex_app_server.errors import TransportClosedError
from tests.leaks import Footprint
from tests.native.wire import connected, decoder, drain, finish, start, start_turn
from tests.peer import ScriptedPeer, delta, event, started


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = Footprint.settled()
    yield
    Footprint.take().assert_no_more_than(before)


def test_an_exit_explains_itself_to_present_and_later_callers() -> None:
    with ScriptedPeer() as peer, connected(peer) as connection:
        call = start(connection, "thread/read")
        peer.expect("thread/read")
        peer.write_stderr("panic: out of cheese\n")
        peer.exit(3)
        assert call.wait(20)
        with pytest.raises(TransportClosedError) as caught:
            call.take()
        assert caught.value.exit_code == 3
        assert "out of cheese" in caught.value.stderr_tail
        assert connection.closed
        later = connection.open_call("thread/read")
        assert later.wait(20)
        with pytest.raises(TransportClosedError, match="3"):
            later.take()
        with pytest.raises(TransportClosedError):
            connection.subscribe_turn("t", "u").drain(decoder)


def test_a_signal_is_named() -> None:
    with ScriptedPeer() as peer, connected(peer) as connection:
        call = start(connection, "thread/read")
        peer.expect("thread/read")
        os.kill(connection.pid, signal.SIGKILL)
        assert call.wait(20)
        with pytest.raises(TransportClosedError) as caught:
            call.take()
        assert caught.value.signal == signal.SIGKILL


def test_what_was_buffered_comes_before_the_end() -> None:
    with ScriptedPeer() as peer, connected(peer) as connection:
        call = start_turn(connection, "t")
        peer.answer(peer.expect("turn/start"), started("u"))
        peer.send(delta("t", "u", "last words"))
        peer.exit(1)
        finish(call)
        subscription = call.take_subscription()
        assert connection.wait(20)
        assert [one.payload["delta"] for one in subscription.drain(decoder)] == ["last words"]
        with pytest.raises(TransportClosedError):
            subscription.drain(decoder)


def test_a_finished_turn_does_not_fail_with_the_connection() -> None:
    with ScriptedPeer() as peer, connected(peer) as connection:
        call = start_turn(connection, "t")
        peer.answer(peer.expect("turn/start"), started("u"))
        peer.send(event("turn/completed", "t", "u"))
        peer.exit(0)
        finish(call)
        subscription = call.take_subscription()
        assert connection.wait(20)
        assert len(drain(subscription)) == 1


def test_a_runtime_that_closes_its_stdout_is_shut_down() -> None:
    with ScriptedPeer(lingers=True) as peer:
        connection = Connection(peer.argv, eof_grace_s=0.05)
        call = start(connection, "thread/read")
        peer.expect("thread/read")
        peer.close_stdout()
        assert call.wait(20)
        with pytest.raises(TransportClosedError, match="stdout"):
            call.take()
        assert connection.wait(20)


def test_a_grandchild_that_holds_stdout_does_not_hide_the_exit(tmp_path: Path) -> None:
    script = tmp_path / "runtime.py"
    # The grandchild leaves the group, so that the sweep of the group does not reach it either.
    script.write_text(
        "import subprocess, sys\n"
        "child = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "open(sys.argv[1], 'w').write(str(child.pid))\n"
        "sys.stdin.readline()\nsys.exit(5)\n"
    )
    pid_file = tmp_path / "pid"
    connection = Connection([sys.executable, str(script), str(pid_file)])
    call = start(connection, "thread/read")
    try:
        assert call.wait(20)
        with pytest.raises(TransportClosedError) as caught:
            call.take()
        assert caught.value.exit_code == 5
        assert connection.wait(20)
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)


def test_close_ends_every_wait_and_says_who_closed() -> None:
    with ScriptedPeer() as peer:
        connection = Connection(peer.argv)
        answer = start(connection, "thread/read")
        calls = [connection.open_call("thread/read") for _ in range(40)]
        in_line = calls[-1]
        turn = connection.subscribe_turn("t", "u")
        woken: list[bool] = []
        threads = [
            threading.Thread(target=lambda one=one: woken.append(one.wait(20)))
            for one in (answer, in_line, turn, connection)
        ]
        for thread in threads:
            thread.start()
        connection.close()
        for thread in threads:
            thread.join(20)
        assert woken == [True] * 4
        for call in (answer, in_line):
            with pytest.raises(TransportClosedError, match="close"):
                call.take()
        with pytest.raises(TransportClosedError, match="close"):
            connection.notify("initialized", None)


def test_close_is_repeatable_and_shared_by_threads() -> None:
    with ScriptedPeer() as peer:
        connection = Connection(peer.argv)

        def close() -> None:
            connection.close()
            assert connection.wait(20)

        threads = [threading.Thread(target=close) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert connection.wait(0)


def test_a_runtime_that_ignores_the_end_of_its_input_is_terminated() -> None:
    with ScriptedPeer(lingers=True) as peer:
        connection = Connection(peer.argv, eof_grace_s=0.05)
        finish_initialize = start(connection, "initialize")
        finish(finish_initialize)
        connection.close()
        assert connection.wait(20)


def test_a_connection_that_is_dropped_shuts_down() -> None:
    with ScriptedPeer() as peer:
        connection = Connection(peer.argv)
        finish(start(connection, "initialize"))
        pid = connection.pid
        del connection
        peer.expect_end()
        # The threads end by themselves; the last of them reaps the child.
        Footprint.wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_forked_child_is_refused_and_harms_nothing() -> None:
    with ScriptedPeer() as peer, connected(peer) as connection:
        finish(start(connection, "initialize"))
        call = start(connection, "thread/read")
        request = peer.expect("thread/read")
        pid = os.fork()
        if pid == 0:  # pragma: no cover - the child's coverage is not collected
            status = 1
            try:
                for use in (connection.stats, connection.close, lambda: call.wait(0), call.abandon):
                    try:
                        use()
                    except TransportClosedError as error:
                        assert "fork" in str(error)  # noqa: PT017 - no pytest in a forked child
                    else:
                        raise AssertionError(use)
                del connection, call
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        peer.answer(request, {"alive": True})
        assert finish(call) == {"alive": True}


def test_a_forked_worker_does_not_keep_the_runtime_from_ending() -> None:
    with ScriptedPeer() as peer:
        # It ends when its input does, and long before it is asked by a signal.
        connection = Connection(peer.argv, eof_grace_s=60)
        finish(start(connection, "initialize"))
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:  # pragma: no cover
            os.close(write_end)
            os.read(read_end, 1)
            os._exit(0)
        os.close(read_end)
        connection.close()
        assert connection.wait(20)
        os.close(write_end)
        os.waitpid(pid, 0)
