"""The run itself: a client, many turns at once, one answer more, and what is shown meanwhile.

Owns the order of things. It knows no layout (`screen`, `report`) and no command line (`__main__`). The part
about `AsyncCodex` is `Show.play` and `Show._turn`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live

from codex_app_server import (
    ApprovalMode,
    AsyncCodex,
    AsyncThread,
    CodexConfig,
    CodexError,
    Sandbox,
    TransportClosedError,
)

from . import report
from .board import SAMPLE_S, Board, Lane, Phase
from .screen import Wall, fits
from .stories import CLOSING_PROMPT

_FRAME_S = 1 / 12
_LINE_S = 1.0
_LAST_LOOK_S = 0.8


class ShowError(Exception):
    """What keeps the show from going on, in one line."""


@dataclass
class Show:
    """One run.

    Args:
        console: Where to show it.
        board: The turns to run.
        config: The runtime to run them on.
        cwd: The threads' working directory.
    """

    console: Console
    board: Board
    config: CodexConfig | None
    cwd: str | None = None

    async def play(self) -> None:
        """Run all turns at once, then one more, and sum up.

        Raises:
            CodexError: The runtime could not be started, or it ended.
            ShowError: Not a single turn completed.
        """
        board = self.board
        async with AsyncCodex(self.config) as codex:
            server = codex.metadata.server_info
            board.runtime = (server.version or "").split(" ")[0] if server else ""
            ready_s = board.elapsed_s
            async with self._shown():
                await asyncio.gather(*(self._turn(codex, lane) for lane in board.lanes))
            if not board.count(Phase.DONE):
                raise ShowError(f"no turn completed; the first one failed: {board.lanes[0].problem}")
            thread = await self._thread(codex)
            turn = await thread.turn(CLOSING_PROMPT)
            await report.print_stream(self.console, CLOSING_PROMPT, turn.stream_text())
            report.print_summary(self.console, board, ready_s)

    async def _thread(self, codex: AsyncCodex) -> AsyncThread:
        return await codex.thread_start(
            approval_mode=ApprovalMode.deny_all, cwd=self.cwd, ephemeral=True, sandbox=Sandbox.read_only
        )

    async def _turn(self, codex: AsyncCodex, lane: Lane) -> None:
        try:
            thread = await self._thread(codex)
            lane.ask()
            turn = await thread.turn(lane.story.prompt)
            async for event in turn.stream():
                lane.see(event)
        except TransportClosedError:
            raise  # the end of all turns, not of this one
        except CodexError as error:
            lane.end(str(error).splitlines()[0])

    @contextlib.asynccontextmanager
    async def _shown(self) -> AsyncIterator[None]:
        """While inside: the wall, or lines of progress where there is no terminal for it."""
        with contextlib.ExitStack() as stack:
            if wall := fits(self.console):
                live = stack.enter_context(Live(console=self.console, screen=True, auto_refresh=False))
                drawing = self._draw(lambda: live.update(Wall(self.board), refresh=True), 0.0)
            else:
                drawing = self._draw(self._line, _LINE_S)
            task = asyncio.create_task(drawing)
            try:
                yield
                await asyncio.sleep(_LAST_LOOK_S if wall else SAMPLE_S)
            finally:
                task.cancel()
        if not wall:
            self._line()

    async def _draw(self, show: Callable[[], None], pause_s: float) -> None:
        shown_at = 0.0
        while True:
            self.board.sample()
            if self.board.elapsed_s - shown_at >= pause_s:
                shown_at = self.board.elapsed_s
                show()
            await asyncio.sleep(_FRAME_S)

    def _line(self) -> None:
        report.print_progress(self.console, self.board)
