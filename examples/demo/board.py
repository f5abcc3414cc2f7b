"""What is known about a run while it goes on: one `Lane` per turn, and totals.

Owns the counting and nothing else: it neither talks to a runtime (`show` does) nor draws (`screen`,
`report`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import Enum

from codex_app_server.models import (
    AgentMessageDeltaNotification,
    ReasoningSummaryTextDeltaNotification,
    TurnCompletedNotification,
)
from codex_app_server.types import Notification, Turn, TurnStatus

from .stories import Story

SAMPLE_S = 0.25


class Phase(Enum):
    """Where a turn is."""

    WAITING = "waiting"
    THINKING = "thinking"
    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"


@dataclass
class Lane:
    """One turn.

    Args:
        story: What it is about.
        expected_chars: How long its text will be, where that is known.
    """

    story: Story
    expected_chars: int | None = None
    phase: Phase = Phase.WAITING
    text: str = ""
    newest: str = ""
    problem: str = ""
    events: int = 0
    asked_at: float = 0.0
    first_delta_s: float | None = None
    seconds: float = 0.0

    @property
    def progress(self) -> float:
        """How much of the text is here, from 0 to 1; a guess with a model that was not told what to say."""
        if self.phase is Phase.DONE:
            return 1.0
        return min(len(self.text) / (self.expected_chars or 500), 0.99)

    @property
    def finished(self) -> bool:
        return self.phase in (Phase.DONE, Phase.FAILED)

    def ask(self) -> None:
        """The turn is about to be started."""
        self.asked_at = time.perf_counter()

    def see(self, event: Notification) -> None:
        """Count one event."""
        self.events += 1
        payload = event.payload
        if isinstance(payload, (AgentMessageDeltaNotification, ReasoningSummaryTextDeltaNotification)):
            if self.first_delta_s is None:
                self.first_delta_s = time.perf_counter() - self.asked_at
            if isinstance(payload, AgentMessageDeltaNotification):
                self.phase = Phase.WRITING
                self.text += payload.delta
                self.newest = payload.delta
            else:
                self.phase = Phase.THINKING
        elif isinstance(payload, TurnCompletedNotification):
            turn = payload.turn
            self.end("" if turn.status is TurnStatus.completed else _problem(turn))

    def end(self, problem: str = "") -> None:
        """The turn is over, well or, with a problem, not."""
        self.seconds = time.perf_counter() - self.asked_at if self.asked_at else 0.0
        self.phase = Phase.FAILED if problem else Phase.DONE
        self.problem = problem


def _problem(turn: Turn) -> str:
    message = turn.error.message if turn.error else ""
    return message.splitlines()[0] if message else f"the turn was {turn.status.value}"


@dataclass
class Board:
    """All turns of a run."""

    lanes: list[Lane]
    server: str
    runtime: str = ""
    started_at: float = field(default_factory=time.perf_counter)
    rates: list[float] = field(default_factory=list)
    """Events per second, one figure per `SAMPLE_S`."""
    _sampled: tuple[float, int] = (0.0, 0)

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self.started_at

    @property
    def streaming_s(self) -> float:
        """From the first turn asked for to the last one that ended, in seconds."""
        asked = [lane for lane in self.lanes if lane.asked_at]
        if not asked:
            return 0.0
        return max(lane.asked_at + lane.seconds for lane in asked) - min(lane.asked_at for lane in asked)

    @property
    def events(self) -> int:
        return sum(lane.events for lane in self.lanes)

    def count(self, *phases: Phase) -> int:
        """How many turns are in one of `phases`."""
        return sum(lane.phase in phases for lane in self.lanes)

    @property
    def finished(self) -> int:
        return self.count(Phase.DONE, Phase.FAILED)

    @property
    def progress(self) -> float:
        """How much of all the work is done, from 0 to 1."""
        return sum(1.0 if lane.finished else lane.progress for lane in self.lanes) / len(self.lanes)

    @property
    def first_deltas_s(self) -> list[float]:
        """Seconds from asking to the first delta, of the turns that have one, sorted."""
        return sorted(lane.first_delta_s for lane in self.lanes if lane.first_delta_s is not None)

    def sample(self) -> None:
        """Note the events per second, if it is time to."""
        at, events = self._sampled
        now, total = time.perf_counter(), self.events
        if not at:
            self._sampled = (now, total)
        elif now - at >= SAMPLE_S:
            self.rates.append((total - events) / (now - at))
            self._sampled = (now, total)


def percentile(ordered: list[float], share: float) -> float:
    """The smallest of the sorted figures that at least `share` of them do not exceed."""
    return ordered[min(len(ordered) - 1, max(0, -int(-len(ordered) * share // 1) - 1))]
