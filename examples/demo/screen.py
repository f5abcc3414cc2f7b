"""The wall: every turn of a run on one screen, drawn anew for each frame.

Owns the layout and the colours. It reads a `Board` and changes nothing on it. `show` asks for frames.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from .board import Board, Lane, Phase, percentile

BARS = " ▁▂▃▄▅▆▇█"
_RAMP = ("#5f87ff", "#5fa0ff", "#5fbaff", "#5fd7ff", "#5fe0d7", "#5fe6af", "#5fe787", "#87e75f")
_QUIET = "grey50"
_FAINT = "grey35"
_DONE = "#87d787"
_FAILED = "#ff5f5f"
_NEWEST = "bold #ffffff"

_LABEL = 18
_NARROWEST_CELL = 18
_WIDEST_CELL = 60
_HEAD_ROWS = 3
_FOOT_ROWS = 5
_LEAST_ROWS = 14
_LEAST_COLUMNS = 60


def fits(console: Console) -> bool:
    """Whether the wall can be shown here at all."""
    roomy = console.width >= _LEAST_COLUMNS and console.height >= _LEAST_ROWS
    return console.is_terminal and not console.is_dumb_terminal and roomy


def sparkline(figures: list[float], width: int) -> str:
    """The newest `width` figures as bars; the highest tenth are full ones, so that a burst hides nothing."""
    shown = figures[-width:]
    top = percentile(sorted(shown), 0.9) if shown else 0.0
    if not top:
        return BARS[1] * len(shown)
    return "".join(BARS[min(8, max(1, round(figure / top * 8)))] for figure in shown)


class Wall:
    """One frame; a renderable of rich.

    Args:
        board: What to show.
    """

    def __init__(self, board: Board) -> None:
        self._board = board

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width - 2
        rows = max(1, (options.height or console.height) - _HEAD_ROWS - _FOOT_ROWS)
        yield from (self._line(line, width) for line in self._head(width))
        yield from (self._line(line, width) for line in self._lanes(width, rows))
        yield from (self._line(line, width) for line in self._foot(width))

    def _line(self, line: Text, width: int) -> Text:
        line.truncate(width)
        line.no_wrap = True
        return Text.assemble(" ", line)

    def _head(self, width: int) -> list[Text]:
        board = self._board
        left = Text.assemble(
            (f"{len(board.lanes)} turns at once", "bold"),
            (f"  codex {board.runtime}, {board.server}", _QUIET),
        )
        clock = f"{board.elapsed_s:5.1f} s"
        left.truncate(width - len(clock) - 1)
        left.pad_right(width - len(clock) - left.cell_len)
        return [Text(), Text.assemble(left, (clock, "bold")), Text()]

    def _lanes(self, width: int, rows: int) -> list[Text]:
        lanes = self._board.lanes
        most = max(1, width // _NARROWEST_CELL)
        columns = max(-(-len(lanes) // rows), min(most, width // _WIDEST_CELL), 1)
        if columns <= most:
            return _grid(lanes, columns, width)
        return _mosaic(lanes, width, rows)

    def _foot(self, width: int) -> list[Text]:
        board = self._board
        done, failed = board.count(Phase.DONE), board.count(Phase.FAILED)
        counts = Text.assemble(
            (f"{board.count(Phase.WAITING):4}", "bold"),
            (" waiting ", _QUIET),
            (f"{board.count(Phase.THINKING):4}", "bold"),
            (" thinking ", _QUIET),
            (f"{board.count(Phase.WRITING):4}", "bold"),
            (" writing ", _QUIET),
            (f"{done:4}", f"bold {_DONE}"),
            (" done", _QUIET),
        )
        if failed:
            counts.append(f"  {failed:4}", f"bold {_FAILED}")
            counts.append(" failed", _QUIET)
        latencies = board.first_deltas_s
        if latencies:
            first = f"first token p50 {percentile(latencies, 0.5) * 1000:.0f} ms"
            counts.append(" " * max(2, width - counts.cell_len - len(first)))
            counts.append(first, _QUIET)
        rate = board.rates[-1] if board.rates else 0.0
        label = f"{board.events:>9,} events {rate:>7,.0f}/s "
        events = Text.assemble(
            (label[:9], "bold"),
            (label[9:17], _QUIET),
            (label[17:], "bold"),
            (_spark(board, width - len(label)), _RAMP[3]),
        )
        return [Text(), _bar(board.progress, width), counts, events, Text()]


def _spark(board: Board, width: int) -> str:
    return sparkline(board.rates, max(1, width))


def _bar(share: float, width: int) -> Text:
    """A bar whose colour runs along it, in steps of half a cell."""
    filled = share * width
    bar = Text()
    for at in range(width):
        part = round(min(1.0, max(0.0, filled - at)) * 2)
        colour = _RAMP[at * len(_RAMP) // width]
        bar.append("━" if part == 2 else "╸" if part == 1 else "─", colour if part else "grey27")
    return bar


def _grid(lanes: list[Lane], columns: int, width: int) -> list[Text]:
    """Cells with text, filled column by column."""
    rows = -(-len(lanes) // columns)
    cell = width // columns
    lines = []
    for row in range(rows):
        line = Text()
        for column in range(columns):
            at = column * rows + row
            if at < len(lanes):
                line.append_text(_cell(lanes[at], cell - 1 if column < columns - 1 else cell))
            line.pad_right(max(0, (column + 1) * cell - line.cell_len))
        lines.append(line)
    return lines


def _cell(lane: Lane, width: int) -> Text:
    room = width - 2
    if lane.phase is Phase.WAITING:
        return Text.assemble(("· ", _FAINT), (_cut(lane.story.label, room), _FAINT))
    if lane.phase is Phase.THINKING:
        return Text.assemble(("∴ ", _RAMP[0]), (_cut(lane.story.label, room), f"italic {_QUIET}"))
    if lane.phase is Phase.DONE:
        return _done(lane, room)
    if lane.phase is Phase.FAILED:
        return Text.assemble(("✗ ", _FAILED), (_cut(lane.problem, room), _FAILED))
    tail, newest = _tail(lane, room)
    return Text.assemble(
        (_glyph(lane.progress) + " ", _colour(lane.progress)), (tail, "grey70"), (newest, _NEWEST)
    )


def _done(lane: Lane, room: int) -> Text:
    took = f"{lane.seconds:5.1f}s"
    who = min(_LABEL, room - len(took))
    line = Text.assemble(("✓ ", _DONE), (f"{_cut(lane.story.label, who):{who}}{took}", _QUIET))
    left = room - who - len(took) - 2
    if left > _LABEL:
        line.append("  " + _cut(" ".join(lane.text.split()).rsplit(". ", 1)[-1], left), _FAINT)
    return line


def _tail(lane: Lane, room: int) -> tuple[str, str]:
    """The end of a lane's text in `room` cells: what was there, and what came last."""
    text = " ".join(lane.text[-4 * room :].split())
    newest = " ".join(lane.newest.split())
    while cell_len(text) > room:
        text = text[max(1, len(text) - room) :]
    newest = newest[-len(text) :] if text.endswith(newest) else ""
    return text[: len(text) - len(newest)], newest


def _mosaic(lanes: list[Lane], width: int, rows: int) -> list[Text]:
    """More turns than cells: a tile for each (or for a few neighbours), and the text of some that write."""
    group = -(-len(lanes) // (width * max(1, rows - 4)))
    tiles = [_tile(lanes[at : at + group]) for at in range(0, len(lanes), group)]
    lines = []
    for at in range(0, len(tiles), width):
        lines.append(Text.assemble(*tiles[at : at + width]))
    room = rows - len(lines) - 1
    writing = [lane for lane in lanes if lane.phase is Phase.WRITING]
    if room > 0:
        columns = max(1, width // (2 * _NARROWEST_CELL))
        # Every k-th one, so that a lane keeps its place on the screen for a while.
        step = max(1, len(writing) // (columns * room))
        chosen = writing[::step][: columns * room]
        text = _grid(chosen, columns, width) if chosen else []
        lines += [Text(), *text, *(Text() for _ in range(room - len(text)))]
    return lines


def _tile(lanes: list[Lane]) -> tuple[str, str]:
    if any(lane.phase is Phase.FAILED for lane in lanes):
        return "✗", _FAILED
    if all(lane.phase is Phase.WAITING for lane in lanes):
        return "·", _FAINT
    if all(lane.phase is Phase.DONE for lane in lanes):
        return "█", _RAMP[-1]
    progress = sum(lane.progress for lane in lanes) / len(lanes)
    return _glyph(progress), _colour(progress)


def _glyph(progress: float) -> str:
    return BARS[1 + int(progress * 7.99)]


def _colour(progress: float) -> str:
    return _RAMP[int(progress * (len(_RAMP) - 0.01))]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(0, room - 1)]}…"
