"""Whether the log of the wire is on, and who drains it: seen in spite of interrupts, by public means."""

from __future__ import annotations

import itertools
import logging
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from codex_app_server._logs import wire

CODES = {
    wire._WireLog.check.__code__,
    wire._WireLog.look.__code__,
    wire._WireLog._start.__code__,
}


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("codex_app_server.wire")
    level = logger.level
    yield logger
    logger.setLevel(level)


def is_interrupted(nth: int) -> bool:
    """Whether a check of the log has an `nth` step, at which it is interrupted."""
    seen = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal seen
        if frame.f_code not in CODES:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            seen += 1
            if seen == nth:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        wire.check()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_a_ctrl_c_anywhere_in_a_check_leaves_a_log_that_works(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger.setLevel(logging.DEBUG)
    for nth in itertools.count(1):
        log = wire._WireLog()
        monkeypatch.setattr(wire, "_log", log)
        was_interrupted = is_interrupted(nth)
        wire.check()
        assert log.lines.is_on, nth
        until = time.monotonic() + 5
        while log.lines.turn_on():
            assert time.monotonic() < until, f"nobody drains the log after an interrupt at step {nth}"
        log.end()
        if not was_interrupted:
            break
    assert nth > 20


def test_two_threads_that_are_started_for_one_log_drain_it_one_at_a_time(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = wire._WireLog()
    monkeypatch.setattr(wire, "_log", log)
    logger.setLevel(logging.DEBUG)
    assert log.lines.turn_on()
    assert log.lines.claim()
    log._run()  # ends at once
    assert not log.lines.claim()
    log.lines.resign()


def test_setting_a_level_runs_nothing_of_this_package(logger: logging.Logger) -> None:
    wire.attach()
    # `logging` holds its lock while it empties this, and without `finally` before Python 3.13.
    assert type(vars(logger)["_cache"]) is dict
