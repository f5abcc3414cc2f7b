"""Prints what happens in a turn, a line for each event; pieces of one text go on where the last one ended."""

from codex_app_server import Notification
from codex_app_server.types import (
    AccountRateLimitsUpdatedNotification,
    CommandExecutionOutputDeltaNotification,
    ErrorNotification,
    ReasoningSummaryTextDeltaNotification,
    ThreadTokenUsageUpdatedNotification,
    TurnDiffUpdatedNotification,
    TurnPlanUpdatedNotification,
)

# What to listen for, and nothing else.
WATCHED = (
    AccountRateLimitsUpdatedNotification,
    CommandExecutionOutputDeltaNotification,
    ErrorNotification,
    ReasoningSummaryTextDeltaNotification,
    ThreadTokenUsageUpdatedNotification,
    TurnDiffUpdatedNotification,
    TurnPlanUpdatedNotification,
)


class Display:
    """Prints one turn's events as they come."""

    def __init__(self) -> None:
        self._item: str | None = None
        self._in_line = False
        self._diff = ""

    def show(self, event: Notification) -> None:
        """Print one event."""
        match event.payload:
            case TurnPlanUpdatedNotification(plan=steps):
                self._line("plan", ", ".join(f"{step.step} [{step.status.value}]" for step in steps))
            case TurnDiffUpdatedNotification(diff=diff) if diff != self._diff:
                self._diff = diff  # the whole diff of the turn so far, sent again although nothing changed
                added = [line for line in diff.splitlines() if line[:1] == "+" and line[:3] != "+++"]
                self._line("diff", f"lines added: {len(added)}")
            case CommandExecutionOutputDeltaNotification(item_id=item, delta=text):
                self._piece("output", item, text)
            case ReasoningSummaryTextDeltaNotification(item_id=item, delta=text):
                self._piece("thinking", item, text)
            case ThreadTokenUsageUpdatedNotification(token_usage=usage):
                self._line("usage", f"{usage.total.total_tokens} tokens")
            case AccountRateLimitsUpdatedNotification(rate_limits=limits) if limits.primary:
                self._line("rate limit", f"{limits.primary.used_percent} % used")
            case ErrorNotification(error=error, will_retry=True):
                self._line("retry", error.message)

    def _line(self, what: str, text: str) -> None:
        self._end_piece()
        self._item = None
        print(f"{what}: {text}")

    def _piece(self, what: str, item: str, text: str) -> None:
        if item != self._item:
            self._end_piece()
            self._item = item
            print(f"{what}: ", end="")
        print(text, end="", flush=True)
        self._in_line = not text.endswith("\n")

    def _end_piece(self) -> None:
        if self._in_line:
            print()
        self._in_line = False
