"""What a check found, and how that is shown: lines for a person, or one JSON document for a program.

Owns the words, the layout at 80 columns, and when there are colours and ticks. Finds out nothing itself.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TextIO

from .._version import __version__

# Of the JSON document; it changes when a field changes its meaning or goes.
FORMAT = 1

_WIDEST = 80
_LONGEST = 16


class Status(str, Enum):
    """How a check went. A warning is something to know, and stops nothing."""

    ok = "ok"
    warning = "warning"
    failed = "failed"
    skipped = "skipped"


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Args:
        status: How it went.
        detail: What was found, for people.
        fix: What to do about it, or None.
        data: What was found, for programs.
    """

    status: Status
    detail: str
    fix: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: its name, the same in every version, and what came out in which time."""

    name: str
    finding: Finding
    duration_ms: float

    @property
    def status(self) -> Status:
        return self.finding.status


_TICKS = {
    Status.ok: ("✓", "32"),
    Status.warning: ("!", "33"),
    Status.failed: ("✗", "31"),
    Status.skipped: ("-", "2"),
}


class Printer:
    """Shows checks as they come."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._fancy = _is_fancy(out)
        self._width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)

    def show(self, check: Check) -> None:
        if self._fancy:
            tick, colour = _TICKS[check.status]
            mark, marked = f"{tick}  ", f"\x1b[{colour}m{tick}\x1b[0m  "
        else:
            mark = marked = f"{check.status.value:<9}"
        head = f"{check.name:<18}"
        lines = self._wrapped(check.finding.detail, len(mark) + len(head))
        if check.finding.fix is not None:
            lines += self._wrapped(f"fix: {check.finding.fix}", len(mark) + len(head))
        indent = " " * (len(mark) + len(head))
        print(f"{marked}{head}{lines[0]}", *(indent + line for line in lines[1:]), sep="\n", file=self._out)
        # A check may take seconds; the person should see which one.
        self._out.flush()

    def sum_up(self, checks: Sequence[Check]) -> None:
        counts = {status: sum(check.status is status for check in checks) for status in Status}
        told = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
        seconds = sum(check.duration_ms for check in checks) / 1000
        print(f"\n{len(checks)} checks in {seconds:.1f} s: {told}", file=self._out)

    def _wrapped(self, text: str, indent: int) -> list[str]:
        lines: list[str] = []
        for line in _shortened(printable(text).splitlines()):
            lines += textwrap.wrap(
                line, max(20, self._width - indent), break_long_words=False, break_on_hyphens=False
            ) or [""]
        return lines or [""]


def document(checks: Sequence[Check]) -> str:
    """The JSON document of all checks."""
    rows = [
        {
            "name": check.name,
            "status": check.status.value,
            "detail": check.finding.detail,
            "fix": check.finding.fix,
            "data": check.finding.data,
            "duration_ms": round(check.duration_ms, 1),
        }
        for check in checks
    ]
    whole = {"format": FORMAT, "sdk_version": __version__, "ok": works(checks), "checks": rows}
    return json.dumps(whole, indent=2)


def works(checks: Sequence[Check]) -> bool:
    """Whether nothing failed."""
    return all(check.status is not Status.failed for check in checks)


def printable(text: str) -> str:
    """`text` without what could steer a terminal: programs that are no Codex may print anything."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def _shortened(lines: list[str]) -> list[str]:
    """The beginning and the end of a long text: the reason, and the last words of a runtime."""
    if len(lines) <= _LONGEST:
        return lines
    half = _LONGEST // 2
    return [*lines[:half], f"… {len(lines) - 2 * half} lines …", *lines[-half:]]


def _is_fancy(out: TextIO) -> bool:
    if not out.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.platform != "win32" and (out.encoding or "").lower().startswith("utf")
