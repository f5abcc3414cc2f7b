"""An event that threads and the tasks of any loop wait for."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable

import pytest

from codex_app_server._async.waiting import wait_ready
from codex_app_server._native import Gate, LoopWaker
from codex_app_server.errors import ForkedProcessError
from tests.processes import press_ctrl_c


def test_who_waits_is_woken_when_it_is_set() -> None:
    gate = Gate()
    assert not gate.wait(0)
    told: list[bool] = []
    threads = [threading.Thread(target=lambda: told.append(gate.wait(20))) for _ in range(2)]
    for thread in threads:
        thread.start()

    async def wait() -> bool:
        waiting = asyncio.ensure_future(wait_ready(gate))
        await asyncio.sleep(0)
        assert not waiting.done()
        # From another thread.
        setter = threading.Thread(target=gate.set)
        setter.start()
        return await waiting

    assert asyncio.run(wait())
    for thread in threads:
        thread.join()
    assert told == [True, True]
    gate.set()
    assert gate.wait(0)

    async def is_set() -> bool:
        return await wait_ready(gate)

    assert asyncio.run(is_set())


def test_who_comes_after_it_was_cleared_waits_again() -> None:
    gate = Gate()
    gate.set()
    gate.clear()
    assert not gate.wait(0.01)

    async def expired() -> bool:
        return await wait_ready(gate, 0.01)

    assert not asyncio.run(expired())


def test_ctrl_c_ends_the_wait() -> None:
    gate = Gate()
    timer = threading.Timer(0.1, press_ctrl_c)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        gate.wait(20)
    timer.join()


def test_it_does_not_reach_a_forked_child() -> None:
    gate = Gate()
    loop = asyncio.new_event_loop()
    waker = LoopWaker(loop)
    uses: list[Callable[[], object]] = [gate.set, gate.clear, gate.wait, lambda: gate.ready(waker)]
    pid = os.fork()
    if pid == 0:  # pragma: no cover - the child's coverage is not collected
        status = 1
        try:
            for use in uses:
                try:
                    use()
                except ForkedProcessError:
                    continue
                raise AssertionError(use)
            own = Gate()
            own.set()
            status = int(not own.wait())
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    loop.close()
