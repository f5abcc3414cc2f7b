"""The programs that are measured, by name. Each takes a stage and returns its figures."""

from __future__ import annotations

from collections.abc import Callable

from ..stage import Figures, Stage
from . import answering, control, first_event, idle, real, streams, tools, unread

PROGRAMS: dict[str, Callable[[Stage], Figures]] = {
    "async": streams.run_async,
    "sync": streams.run_sync,
    "unread": unread.run,
    "control_async": control.run_async,
    "control_sync": control.run_sync,
    "answering": answering.run_handler,
    "answering_async": answering.run_coroutine,
    "answering_pulled": answering.run_pulled,
    "answering_low_level": answering.run_low_level,
    "tools": tools.run_function,
    "tools_async": tools.run_coroutine,
    "tools_by_hand": tools.run_by_hand,
    "first_event_async": first_event.run_async,
    "first_event_sync": first_event.run_sync,
    "idle": idle.run,
    "real": real.run,
}
