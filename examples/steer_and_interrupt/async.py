"""More input for a turn that runs, and the end of one: `python -m examples.steer_and_interrupt.async`."""

import asyncio

from codex_app_server import AsyncCodex, AsyncTurnHandle, CodexConfig
from codex_app_server.generated.v2_all import AgentMessageThreadItem
from codex_app_server.models import (
    AgentMessageDeltaNotification,
    ItemCompletedNotification,
    TurnCompletedNotification,
)


async def main(config: CodexConfig | None = None) -> None:
    """Steer one turn and interrupt another."""
    async with AsyncCodex(config) as codex:
        thread = await codex.thread_start()
        await steer(await thread.turn("Count from 1 to 100 in words."))
        await interrupt(await thread.turn("Recite the longest poem you know."))


async def steer(turn: AsyncTurnHandle) -> None:
    """Change a turn's course once it has begun to write."""
    steered = False
    async for event in turn.stream():
        match event.payload:
            case AgentMessageDeltaNotification() if not steered:
                # The agent breaks off and goes on with both prompts in mind; it is still the same turn.
                await turn.steer("That is enough counting. Say goodbye instead.")
                steered = True
            case ItemCompletedNotification(item=item) if isinstance(item.root, AgentMessageThreadItem):
                print(item.root.text)


async def interrupt(turn: AsyncTurnHandle) -> None:
    """Stop a turn once it has begun to write."""
    interrupted = False
    async for event in turn.stream():
        match event.payload:
            case AgentMessageDeltaNotification() if not interrupted:
                await turn.interrupt()
                interrupted = True
            case TurnCompletedNotification(turn=end):
                print(end.status.value)


if __name__ == "__main__":
    asyncio.run(main())
