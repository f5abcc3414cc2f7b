"""A runtime that has everything ready and writes it as fast as the pipe takes it: the client is measured.

It answers requests at once: the handshake, thread/start and turn/start (the n-th thread is turn n of the
plan), and whatever else a client asks. It begins when two things have come, in any order: a byte on the named
pipe that is its signal, and the last turn/start. It ends with its stdin. Benchmarks launch it in place of the
real runtime: `launch_args_override=plan.command(signal)`.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

from . import lines, replay
from .asking import KINDS, Asking
from .plan import DELTA, Plan, number_of, thread_id, turn_id

_STAMP = "STAMP"
# Lines of the load that are written at once, and for how many of them there are texts.
_LOAD_LINES = 16
# The last moment before a stamp is not slept through: a process that was just woken takes some 30 us to
# write, and that would be added to what both packages need.
_AWAKE_S = 0.0003
_LOAD_BLOCKS = 1024


def write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


class Flood:
    """The state of one server."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._threads = 0
        self._missing = plan.turns
        self._signalled = False
        self._asking = Asking(plan) if plan.kind in KINDS else None
        self._play = self._baked()

    def _baked(self) -> Callable[[], None]:
        """What begins on the signal, with its bytes made now."""
        plan = self._plan
        if plan.kind == "silent":
            return lambda: None
        if self._asking is not None:
            first = self._asking.first()
            return lambda: write(first)
        if plan.kind == "stamps":
            return self._stamps()
        blocks = lines.blocks(lines.wire(plan))

        def play() -> None:
            for block in blocks:
                write(block)

        return play

    def _stamps(self) -> Callable[[], None]:
        plan = self._plan
        params = {"itemId": "m1", "delta": _STAMP}
        head, tail = lines.line(DELTA, thread_id(0), turn_id(0), params).split(_STAMP.encode())
        *_, last = lines.turn_lines(Plan(), 0)
        load = cycle(list(self._load()) if plan.load else [b""])
        # Small pieces when the load is, so that it comes evenly.
        pause = _LOAD_LINES / plan.load if plan.load > 0 else 0.0
        load_due = 0.0

        def loaded_until(end: float) -> None:
            nonlocal load_due
            while (now := time.monotonic()) < end:
                if plan.load and load_due <= now:
                    write(next(load))
                    load_due = max(load_due + pause, now - pause)
                elif (left := min(end, load_due if plan.load else end) - now) > _AWAKE_S:
                    time.sleep(left - _AWAKE_S)

        def play() -> None:
            nonlocal load_due
            load_due = due = time.monotonic()
            for _ in range(plan.deltas):
                due += plan.every_s
                loaded_until(due)
                os.write(1, b"%b%d%b" % (head, time.monotonic_ns(), tail))
            write(last)
            # The load goes on: a turn that falls silent would change what is measured.
            while plan.load and not select.select([0], [], [], 0)[0]:
                loaded_until(time.monotonic() + 0.01)

        return play

    def _load(self) -> Iterator[bytes]:
        makers = [lines.delta_maker(number) for number in range(1, self._plan.turns)]
        endless = (make(text) for text in range(1 << 30) for make in makers)
        for _ in range(_LOAD_BLOCKS):
            yield b"".join(islice(endless, _LOAD_LINES))

    def serve(self, signal: str) -> None:
        """Answers until stdin ends."""
        # For writing as well: else its other end would come with the first client that closes it.
        pipe = os.open(signal, os.O_RDWR | os.O_NONBLOCK)
        rest = b""
        while True:
            ready, _, _ = select.select([0, pipe], [], [])
            if pipe in ready:
                self._signalled |= bool(os.read(pipe, 1))
                # Before any request that came after the signal: its answer says that all was written.
                self._begin()
            if 0 in ready:
                data = os.read(0, 1 << 16)
                if not data:
                    return
                *requests, rest = (rest + data).split(b"\n")
                answers = [self._answer(json.loads(request)) for request in requests]
                write(b"".join(answers))
                self._begin()

    def _begin(self) -> None:
        if self._signalled and not self._missing:
            self._signalled = False
            self._play()

    def _answer(self, request: dict[str, Any]) -> bytes:
        if "id" not in request:
            return b""
        if self._asking is not None and "method" not in request:
            return self._asking.answered(request)
        result = self._result(request["method"], request.get("params") or {})
        return json.dumps({"id": request["id"], "result": result}, separators=(",", ":")).encode() + b"\n"

    def _result(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "initialize":
            return replay.INITIALIZED
        if method == "model/list":
            return {"data": [], "nextCursor": None}
        if method == "thread/start":
            thread = {**replay.THREAD, "id": thread_id(self._threads)}
            self._threads += 1
            return {**replay.THREAD_STARTED, "thread": thread}
        if method == "thread/read":
            return {"thread": {**replay.THREAD, "id": params["threadId"]}}
        if method == "turn/start":
            self._missing -= 1
            return {"turn": replay.turn(turn_id(number_of(params["threadId"])), completed=False)}
        return {}


def main() -> None:
    plan, signal = sys.argv[1:]
    Flood(Plan(**json.loads(plan))).serve(signal)
