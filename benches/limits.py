"""What is possible: the same bytes through the same pipe with the client's work taken out, piece by piece.

- `drain`: the library's own spawn, buffer and framing, and nothing behind them (rust/core/examples/drain.rs)
- `cat`: a program that copies the pipe to nowhere
- `decode`: no pipe, but the same lines as typed objects (`decoding`)
- `control`: requests and answers over the pipe, nothing decoded
- `first_event`: a thread that reads the pipe, or an asyncio task that is resumed when the pipe is readable
- `idle`: tasks that wait for a future of their own in a bare async generator
- `real`: the real runtime, driven by a loop over its lines with the same admission window

Run by `child`, each in a process of its own.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import codex_cli_bin

from . import decoding
from .lines import wire
from .plan import DELTA, ROOT, WARM_UP, Plan, thread_id
from .stage import Clock, Figures, give, make_signal, quantiles, rss

if TYPE_CHECKING:
    from codex_app_server.testing import OfflineModel

DRAIN = Path(os.environ.get("CARGO_TARGET_DIR", f"{ROOT}/target"), "release", "examples", "drain")
# Requests in flight, as the client's own window has it (rust/core/src/session/admission.rs).
WINDOW = 32
_HELLO = {"clientInfo": {"name": "bench", "version": "0"}, "capabilities": {"experimentalApi": True}}


def request(number: int, method: str, params: Any) -> bytes:
    return json.dumps({"id": number, "method": method, "params": params}).encode() + b"\n"


def starting(plan: Plan) -> list[tuple[str, dict[str, Any]]]:
    """The requests that start all turns of a plan."""
    threads: list[tuple[str, dict[str, Any]]] = [("thread/start", {})] * plan.turns
    turns = [("turn/start", {"threadId": thread_id(number), "input": []}) for number in range(plan.turns)]
    return [("initialize", _HELLO), *threads, *turns]


def size(plan: Plan) -> tuple[int, int]:
    """Lines and bytes of all turns."""
    if plan.kind == "deltas":
        (small, large) = (sum(map(len, wire(Plan(turns=1, deltas=n, items=plan.items)))) for n in (0, 1000))
        if not plan.items:
            return plan.turns * plan.events, plan.turns * (small + (large - small) // 1000 * plan.deltas)
    sizes = [len(line) for line in wire(plan)]
    return len(sizes), sum(sizes)


def drain(plan: Plan, options: dict[str, Any]) -> Figures:
    signal = make_signal()
    file = Path(signal).with_name("requests")
    asked = (request(number, *each) for number, each in enumerate(starting(plan)))
    file.write_bytes(b"".join(asked))
    lines, _ = size(plan)
    command = (DRAIN, options.get("mode", "frame"), signal, file, str(lines), *plan.command(signal))
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: Figures = json.loads(done.stdout)
    return _rates(figures)


def cat(plan: Plan, _options: dict[str, Any]) -> Figures:
    signal = make_signal()
    lines, count = size(plan)
    server = Bare(plan.command(signal))
    # One after the other, so that neither pipe is ever full.
    for number, (method, params) in enumerate(starting(plan)):
        server.ask(number, method, params)
    # The server ends with its stdin, behind all that it has to write, and cat ends with the server.
    with subprocess.Popen(("cat",), stdin=server.output, stdout=subprocess.DEVNULL) as copying:
        server.output.close()
        began = time.perf_counter()
        give(signal)
        server.input.close()
        copying.wait()
        wall = time.perf_counter() - began
    return _rates({"events": lines, "bytes": count, "wall_s": wall})


def _rates(figures: Figures) -> Figures:
    wall = figures["wall_s"]
    return {**figures, "rate": figures["events"] / wall, "mb_per_s": figures["bytes"] / wall / 1e6}


class Bare:
    """A child and its lines, with nothing around them."""

    def __init__(self, command: tuple[str, ...], **settings: Any) -> None:
        # In a variable of its own, because the pipes are known to exist.
        child: Any = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **settings
        )
        self.input: IO[bytes] = child.stdin
        self.output: IO[bytes] = child.stdout
        self._child = child
        self._rest = b""

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.input.fileno(), data) :]

    def end(self) -> None:
        self.input.close()
        self._child.wait()

    def lines(self) -> list[bytes]:
        """What has come; waits for it."""
        data = os.read(self.output.fileno(), 1 << 16)
        if not data:
            raise AssertionError("the child has ended")
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines

    def ask(self, number: int, method: str, params: Any) -> None:
        """A request, and its answer."""
        self.send(request(number, method, params))
        while not self.lines():
            pass


def control(plan: Plan, options: dict[str, Any]) -> Figures:
    bare = Bare(plan.command(make_signal()))
    bare.ask(0, "initialize", _HELLO)
    took = []
    for number in range(options["calls"]):
        began = time.perf_counter()
        bare.ask(number + 1, "model/list", {"includeHidden": False})
        took.append((time.perf_counter() - began) * 1e6)
    return quantiles(took)


def first_event(plan: Plan, options: dict[str, Any]) -> Figures:
    signal = make_signal()
    bare = Bare(plan.command(signal))
    for number, (method, params) in enumerate(starting(plan)):
        bare.ask(number, method, params)
    took: list[float] = []

    def note(lines: list[bytes]) -> bool:
        """Keeps how long the stamped lines took; whether more will come."""
        came = time.monotonic_ns()
        for line in lines:
            message = json.loads(line)
            if message["method"] == DELTA:
                took.append((came - int(message["params"]["delta"])) / 1000)
        return len(took) < plan.deltas

    async def follow() -> None:
        loop = asyncio.get_running_loop()
        while True:
            readable = loop.create_future()
            loop.add_reader(bare.output, readable.set_result, None)
            await readable
            loop.remove_reader(bare.output)
            if not note(bare.lines()):
                return

    give(signal)
    if options["shell"] == "async":
        asyncio.run(follow())
    else:
        while note(bare.lines()):
            pass
    return quantiles(took[WARM_UP:])


def idle(plan: Plan, _options: dict[str, Any]) -> Figures:
    async def wait() -> AsyncIterator[None]:
        await asyncio.get_running_loop().create_future()
        yield

    async def follow() -> None:
        async for _ in wait():
            return

    async def main() -> Figures:
        waiting = [asyncio.ensure_future(follow())]
        await asyncio.sleep(0.1)
        gc.collect()
        before = rss()
        waiting += [asyncio.ensure_future(follow()) for _ in range(plan.turns - 1)]
        await asyncio.sleep(0.3)
        gc.collect()
        each = (rss() - before) / (plan.turns - 1)
        return {"turns": len(waiting) - 1, "started_bytes": 0.0, "waiting_bytes": each}

    return asyncio.run(main())


def real(_plan: Plan, options: dict[str, Any]) -> Figures:
    from .programs.real import model

    with model(options) as answering:
        return _real(options, answering)


def _real(options: dict[str, Any], answering: OfflineModel) -> Figures:
    """Threads first and turns behind them, in the order in which their requests were made."""
    program = str(codex_cli_bin.bundled_codex_path())
    command = (program, "--disable", "shell_snapshot", "app-server", "--listen", "stdio://")
    bare = Bare(command, env={**os.environ, **answering.env}, cwd=str(answering.workspace))
    bare.ask(0, "initialize", _HELLO)
    bare.send(b'{"method":"initialized"}\n')
    turns: int = options["turns"]
    due: deque[tuple[str, dict[str, Any]]] = deque([("thread/start", {})] * turns)
    asked, in_flight, over, events = 0, 0, 0, 0
    clock = Clock()
    while over < turns:
        while due and in_flight < WINDOW:
            asked, in_flight = asked + 1, in_flight + 1
            bare.send(request(asked, *due.popleft()))
        for line in bare.lines():
            head = line[:40]
            if head.startswith(b'{"method"'):
                # A thread's own notifications have no place in a turn's stream.
                events += b'"turnId"' in line or b'"turn"' in line
                over += b'"turn/completed"' in head
                continue
            in_flight -= 1
            result = json.loads(line)["result"]
            if "thread" in result:
                text = [{"type": "text", "text": "Go."}]
                due.append(("turn/start", {"threadId": result["thread"]["id"], "input": text}))
    figures = clock.stop(events)
    # The model's home is removed when the runtime is gone.
    bare.end()
    return {**figures, "cpu_us_per_event": figures["cpu_s"] / events * 1e6}


LIMITS: dict[str, Callable[[Plan, dict[str, Any]], Figures]] = {
    "drain": drain,
    "cat": cat,
    "decode": decoding.decode,
    "control": control,
    "first_event": first_event,
    "idle": idle,
    "real": real,
}
