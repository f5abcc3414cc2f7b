"""What a flood server plays, as numbers that its clients know too.

Owns the ids, so that a client can tell which turn a handle is, and what is to be expected of each turn.
Travels as JSON in the server's command line. Knows nothing of bytes; `lines` does.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_SERVE = f"import sys; sys.path.insert(0, {ROOT!r}); from benches.flood import main; main()"

DELTA = "item/agentMessage/delta"
# Of "stamps": the first of them load what is loaded once.
WARM_UP = 20


@dataclass(frozen=True)
class Plan:
    """The work of one run.

    Attributes:
        kind: "deltas", "mixed" (what turns are made of, `mixed.py`), "stamps" (deltas that say when they were
            written, on turn 0), "asking" (approvals), "calling" (of tools) or
            "silent".
        turns: How many. The signal is heeded when all of them were started.
        deltas: Of each turn; of "stamps", of turn 0. Of "mixed", how often its contents come. Of "asking" and
            "calling", requests.
        burst: Lines of one turn in a row, before it is the next turn's. Of "asking" and
            "calling", requests in flight.
        items: Whether a turn has the items and the usage that `run()` folds.
        huge: Bytes of the one huge line of "mixed".
        every_s: Seconds between "stamps".
        load: Of "stamps": deltas per second for all other turns together, or -1: as many as are read.
    """

    kind: str = "deltas"
    turns: int = 1
    deltas: int = 0
    burst: int = 4
    items: bool = False
    huge: int = 0
    every_s: float = 0.005
    load: int = 0

    def command(self, signal: str) -> tuple[str, ...]:
        """What starts the server; `signal` is a named pipe that says when to begin."""
        # Without site packages it starts in 25 ms.
        return (sys.executable, "-E", "-S", "-c", _SERVE, json.dumps(asdict(self)), signal)

    @property
    def events(self) -> int:
        """How many events one turn of deltas has."""
        return self.deltas + (7 if self.items else 2)


def thread_id(turn: int) -> str:
    return f"01a1fb35-bac0-74f3-9218-{turn:012x}"


def turn_id(turn: int) -> str:
    return f"01a1fb35-bad1-7f10-8c1e-{turn:012x}"


def number_of(identifier: str) -> int:
    """Which turn a thread's or turn's id is of."""
    return int(identifier[-12:], 16)
