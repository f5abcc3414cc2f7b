"""Everything of the demonstration that stays on the screen: the streamed answer, progress lines, the summary.

Owns the printing of what scrolls; the wall is `screen`'s. Works without a terminal, then in plain lines.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .board import Board, Phase, percentile
from .memory import own_peak_mib, runtime_peak_mib
from .screen import sparkline

_WIDEST = 92
_ENOUGH_SAMPLES = 8


def print_progress(console: Console, board: Board) -> None:
    """One line of progress, for where no wall can be shown."""
    rate = board.rates[-1] if board.rates else 0.0
    console.print(
        f"{board.elapsed_s:6.1f} s  {board.progress:4.0%}  "
        f"{board.count(Phase.THINKING, Phase.WRITING):4} streaming  {board.finished:4} finished  "
        f"{board.events:7,} events  {rate:7,.0f}/s",
        highlight=False,
    )


async def print_stream(console: Console, prompt: str, pieces: AsyncIterator[str]) -> None:
    """Print an answer as it comes, each piece at once, wrapped between words."""
    width = min(console.width, _WIDEST) - 3
    console.print()
    console.print(Text.assemble(" ", (prompt, "bold")))
    console.print()
    console.print(" ", end="")
    column, gap = 0, 0
    async for piece in pieces:
        for part in re.findall(r"\n|[^\S\n]+|\S+", piece):
            if part.isspace() and part != "\n":
                gap = 1 if column else 0
                continue
            if part == "\n" or column + gap + len(part) > width:
                console.print("\n ", end="")
                column, gap = 0, 0
            if part != "\n":
                console.print(" " * gap + part, end="", highlight=False, markup=False, soft_wrap=True)
                column, gap = column + gap + len(part), 0
    console.print("\n")


def print_summary(console: Console, board: Board, ready_s: float) -> None:
    """The table of figures."""
    done, failed = board.count(Phase.DONE), board.count(Phase.FAILED)
    table = Table(box=box.ROUNDED, show_header=False, border_style="grey35", padding=(0, 1))
    table.add_column(style="grey62", no_wrap=True)
    table.add_column(overflow="fold")
    turns = Text.assemble((f"{done}", "bold #87d787"), f" of {len(board.lanes)} completed, all at once")
    if failed:
        turns.append(f", {failed} failed", "bold #ff5f5f")
    table.add_row("turns", turns)
    known = [lane for lane in board.lanes if lane.expected_chars is not None]
    if known:
        intact = sum(lane.text == lane.story.text for lane in known)
        table.add_row("answers", f"{intact} of {len(known)} arrived word for word")
    table.add_row("events", f"{board.events:,}")
    if board.streaming_s:
        mean = board.events / board.streaming_s
        rate = Text(f"{mean:,.0f} on average")
        if len(board.rates) >= _ENOUGH_SAMPLES:
            rate.append(f", {max(mean, *board.rates):,.0f} at most  ")
            rate.append(sparkline(board.rates, 28), "#5fd7ff")
        table.add_row("events/s", rate)
    latencies = board.first_deltas_s
    if latencies:
        p50, p99, top = (percentile(latencies, share) * 1000 for share in (0.5, 0.99, 1.0))
        table.add_row("first token", f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {top:.0f} ms")
    table.add_row("peak memory", _memory())
    table.add_row("wall time", f"{board.elapsed_s:.1f} s, of which {ready_s:.1f} s to start")
    console.print(Padding(table, (0, 0, 0, 1)))
    if known:
        note = "The offline model sets the pace of the words; runtime and SDK are real."
        console.print(Text.assemble(" ", (note, "grey50")), soft_wrap=True)
    problem = next((lane.problem for lane in board.lanes if lane.phase is Phase.FAILED), None)
    if problem:
        console.print(Text.assemble(" ", ("first failure: ", "#ff5f5f"), problem), soft_wrap=True)


def _memory() -> str:
    own, runtime = own_peak_mib(), runtime_peak_mib()
    parts = []
    if own is not None:
        parts.append(f"{own:.0f} MiB this program")
    if runtime is not None:
        parts.append(f"{runtime:.0f} MiB the runtime")
    return ", ".join(parts) or "not known on this system"
