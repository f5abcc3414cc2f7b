"""What a program pays before it gets anything. `python -m benches.import_cost`

Two costs, each in new processes, ours and the official SDK in turn:

- the import of what a program needs, beside that of Pydantic with one model and asyncio, which any such SDK
  needs
- from the start of the process to the first event of its first turn, with a runtime that answers at once
  (benches/replay.py), sync and async

Exits with 1 when the import takes more than 1.5 times the import of Pydantic and asyncio, or the first event
more than half of the official SDK's time.
"""

from __future__ import annotations

import sys

from . import build, replay
from .fresh import measure

ROUNDS = 10
IMPORT_LIMIT = 1.5
FIRST_EVENT_LIMIT = 0.5

IMPORTS = {
    "Pydantic, one model, asyncio": """
import asyncio
from pydantic import BaseModel

class Point(BaseModel):
    x: int
    y: str
""",
    "ours": "from codex_app_server import Codex, AsyncCodex, TextInput",
    "official": "import openai_codex",
}

SYNC = """
from {package} import Codex, CodexConfig

with Codex(CodexConfig(launch_args_override={command})) as codex:
    events = iter(codex.thread_start().turn("What is 6 x 7?").stream())
    assert next(events).payload.turn.status.value == "inProgress"
    took = time.monotonic() - spawned
    assert [event.method for event in events][-1] == "turn/completed"
print(took * 1000)
"""

ASYNC = """
import asyncio
from {package} import AsyncCodex, CodexConfig

async def main():
    async with AsyncCodex(CodexConfig(launch_args_override={command})) as codex:
        turn = await (await codex.thread_start()).turn("What is 6 x 7?")
        events = turn.stream().__aiter__()
        assert (await events.__anext__()).payload.turn.status.value == "inProgress"
        took = time.monotonic() - spawned
        assert [event.method async for event in events][-1] == "turn/completed"
    print(took * 1000)

asyncio.run(main())
"""


def timed(statements: str) -> str:
    return f"before = time.perf_counter()\n{statements}\nprint((time.perf_counter() - before) * 1000)\n"


def first_event(program: str, package: str) -> str:
    return program.replace("{package}", package).replace("{command}", repr(replay.COMMAND))


def import_programs() -> dict[str, str]:
    return {name: timed(statements) for name, statements in IMPORTS.items()}


def first_event_programs() -> dict[str, str]:
    packages = {"ours": "codex_app_server", "official": "openai_codex"}
    return {
        f"{name}, {shell}": first_event(program, package)
        for shell, program in (("sync", SYNC), ("async", ASYNC))
        for name, package in packages.items()
    }


def main() -> int:
    kept = True
    build.announce()
    times = measure(import_programs(), ROUNDS)
    base = times["Pydantic, one model, asyncio"]
    print(f"import, medians of {ROUNDS}")
    for name, took in times.items():
        print(f"  {name:30} {took:7.1f} ms  {took / base:5.2f} x")
    kept &= limit("import", times["ours"] / base, IMPORT_LIMIT)

    times = measure(first_event_programs(), ROUNDS)
    print(f"process start to first event, medians of {ROUNDS}")
    for name, took in times.items():
        print(f"  {name:30} {took:7.1f} ms")
    for shell in ("sync", "async"):
        ratio = times[f"ours, {shell}"] / times[f"official, {shell}"]
        kept &= limit(f"first event, {shell}", ratio, FIRST_EVENT_LIMIT)
    return 0 if kept else 1


def limit(what: str, ratio: float, most: float) -> bool:
    """Says whether a limit is kept."""
    print(f"{what}: {ratio:.2f} x, limit {most:g} x{'' if ratio <= most else ': NOT KEPT'}")
    return ratio <= most


if __name__ == "__main__":
    sys.exit(main())
