"""What a whole message costs from its bytes to its model. `python -m benches.validation`

One `item/completed` of an agent message, in the shape of a recorded one; no line comes twice.
Three ways take turns in one run, so that a busy machine slows all of them:

- ours: what a stream's consumer pays, the native decoder with its models, from the bytes of `params`; the
  rest of the line is the reader thread's
- model: the model's own `model_validate_json` for the same params
- official: `json.loads` of the line, then the event as the official client makes it of method and params

It also shows what the first use of these models costs, once per process. Exits with 1 when ours takes more
than a seventh of the official time.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from openai_codex.client import CodexClient

from codex_app_server._incoming.decoding import decoder
from codex_app_server.generated.v2_all import ItemCompletedNotification

from . import build, fresh

LINES = 200
ROUNDS = 151
FIRST_USES = 10
LIMIT = 1 / 7

METHOD = "item/completed"
TEXT = (
    "I found it: the parser in `src/reader.py` drops the last line of a file that has no newline at its end. "
    "I changed `read_lines` so that it yields what is left in the buffer, and added a test for both endings. "
    "All 42 tests pass. Shall I look at the writer as well?"
)

# What has to be there before the first event of a turn can be read.
FIRST_USE = {
    "ours, what every turn sends": "from codex_app_server._incoming import decoding; decoding.decoder()",
    "ours, all models, no validators": "from codex_app_server.generated.v2_all import *",
    "official, all models and validators": "import openai_codex.generated.v2_all",
}
FIRST_USE_OF = """
import asyncio
from pydantic import BaseModel, RootModel
before = time.perf_counter()
{statement}
print((time.perf_counter() - before) * 1000)
"""


def message(number: int) -> dict[str, Any]:
    """A line as the runtime writes it."""
    item = {
        "type": "agentMessage",
        "id": f"msg_0b6d1f52c3a94e{number:06x}",
        "text": f"{number}. {TEXT}",
        "phase": "final_answer",
        "memoryCitation": None,
        "delivery": None,
        "questions": None,
    }
    params = {
        "item": item,
        "threadId": "01a1fb0f-ca90-73c1-82fc-d36d63574297",
        "turnId": f"01a1fb0f-cab8-7c32-999c-1a06{number:08x}",
        "completedAtMs": 1_795_213_478_000 + number,
    }
    return {"method": METHOD, "params": params, "emittedAtMs": 1_795_213_478_001 + number}


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def params(line: dict[str, Any]) -> bytes:
    return compact(line["params"]).encode()


def measure(
    ways: dict[str, tuple[Callable[[Any], Any], Callable[[dict[str, Any]], Any]]], rounds: int = ROUNDS
) -> dict[str, float]:
    """The median time of each way per line, in microseconds; a way is how it reads, and what of a message."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(rounds):
        messages = [message(round_ * LINES + number) for number in range(LINES)]
        for name, (read, written) in ways.items():
            lines = [written(one) for one in messages]
            started = time.perf_counter()
            for line in lines:
                read(line)
            times[name].append((time.perf_counter() - started) / len(lines) * 1e6)
    return {name: statistics.median(found) for name, found in times.items()}


def ways() -> dict[str, tuple[Callable[[Any], Any], Callable[[dict[str, Any]], Any]]]:
    """What is compared, after a look at what each comes to."""
    client = CodexClient()
    native = decoder()

    def decode(params: bytes) -> Any:
        return native.decode(METHOD, [params])[0]

    def official(line: str) -> Any:
        parsed = json.loads(line)
        return client._coerce_notification(parsed["method"], parsed["params"])

    for raw in map(message, range(LINES)):
        for event in (official(compact(raw)), decode(params(raw))):
            if event.payload.model_dump(mode="json", by_alias=True, exclude_unset=True) != raw["params"]:
                raise SystemExit(f"{event} is not what was sent: {raw}")

    return {
        "ours": (decode, params),
        "model": (ItemCompletedNotification.model_validate_json, params),
        "official": (official, compact),
    }


def main() -> int:
    build.announce()
    times = measure(ways())
    print(f"{METHOD} of a message, bytes to model, medians of {ROUNDS} rounds of {LINES} lines")
    for name, took in times.items():
        print(f"  {name:38} {took:6.2f} µs  {times['official'] / took:5.1f} x")

    print(f"first use, medians of {FIRST_USES} processes that have asyncio and Pydantic already")
    programs = {name: FIRST_USE_OF.format(statement=statement) for name, statement in FIRST_USE.items()}
    for name, took in fresh.measure(programs, FIRST_USES).items():
        print(f"  {name:38} {took:6.1f} ms")

    kept = times["ours"] / times["official"] <= LIMIT
    print(f"limit for ours: a seventh of the official time{'' if kept else ': NOT KEPT'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
