"""What one delta costs the thread that consumes it: drain, decode, touch. `python -m benches.inner_loop`

The replaying child writes real-shaped deltas as fast as the pipe takes them. "backlog" has everything in the
mailbox before the clock starts, "live" reads while the child writes. This measured the stable ABI against a
build for one Python version (docs/design/stable-abi.md).
"""

from __future__ import annotations

import json
import statistics
import sys
import time

from codex_app_server._incoming.decoding import decoder
from codex_app_server._native import Connection

from . import build

EVENTS = 400_000
ROUNDS = 7
THREAD_ID = "0199a5c0-1111-7000-8000-000000000001"
TURN_ID = "0199a5c0-2222-7000-8000-000000000002"


def replay() -> None:
    """The child: answers turn/start, and on the next line from its parent writes everything."""
    request = json.loads(sys.stdin.buffer.readline())
    out = sys.stdout.buffer

    def write(message: dict[str, object]) -> bytes:
        return json.dumps(message, separators=(",", ":")).encode() + b"\n"

    out.write(write({"id": request["id"], "result": {"turn": {"id": TURN_ID}}}))
    out.flush()
    ids = {"threadId": THREAD_ID, "turnId": TURN_ID, "itemId": "msg_0123456789"}
    block = b"".join(
        write(
            {
                "method": "item/agentMessage/delta",
                "params": {**ids, "delta": f"word {number} "},
                "emittedAtMs": 1_760_000_000_000 + number,
            }
        )
        for number in range(1000)
    )
    sys.stdin.buffer.readline()
    for _ in range(EVENTS // 1000):
        out.write(block)
    turn = {"id": TURN_ID, "items": [], "status": "completed"}
    out.write(write({"method": "turn/completed", "params": {"threadId": THREAD_ID, "turn": turn}}))
    out.flush()


def measure(mode: str) -> tuple[float, float]:
    """Wall and CPU time of the consuming thread per event, in microseconds."""
    connection = Connection([sys.executable, "-m", "benches.inner_loop", "replay"])
    call = connection.open_call("turn/start", thread_id=THREAD_ID)
    call.send(b"{}")
    call.wait()
    call.take()
    subscription = call.take_subscription()
    decode = decoder()
    if mode == "backlog":
        connection.notify("go", b"{}")
        while connection.stats()["turns_routed"]:
            time.sleep(0.01)
    wall, cpu, seen = time.perf_counter(), time.thread_time(), 0
    if mode == "live":
        connection.notify("go", b"{}")
    while not subscription.finished:
        for event in subscription.drain(decode):
            seen += len(event.method) > 0 and event.payload is not None
        if not subscription.finished:
            subscription.wait()
    wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
    if seen != EVENTS + 1:
        raise SystemExit(f"{seen} events instead of {EVENTS + 1}")
    connection.close()
    connection.wait()
    return wall / EVENTS * 1e6, cpu / EVENTS * 1e6


def main() -> None:
    build.announce()
    for mode in ("backlog", "live"):
        rounds = [measure(mode) for _ in range(ROUNDS)]
        wall, cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"{mode:8} {wall:6.3f} µs wall, {cpu:6.3f} µs CPU per event (medians of {ROUNDS})")


if __name__ == "__main__":
    if sys.argv[1:] == ["replay"]:
        replay()
    else:
        main()
