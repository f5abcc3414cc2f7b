"""Everything that happens in a turn, as it happens: `python -m examples.streaming.async`."""

import asyncio

from codex_app_server import AsyncCodex, CodexConfig
from codex_app_server.models import (
    AgentMessageDeltaNotification,
    ItemCompletedNotification,
    ThreadTokenUsageUpdatedNotification,
    TurnCompletedNotification,
)


async def main(config: CodexConfig | None = None) -> None:
    """Follow a turn."""
    async with AsyncCodex(config) as codex:
        thread = await codex.thread_start()
        turn = await thread.turn("Suggest three names for a small boat.")
        async for event in turn.stream():
            # Each event has the wire's name in `method` and a typed model in `payload`.
            match event.payload:
                case AgentMessageDeltaNotification(delta=text):
                    print(text, end="", flush=True)
                case ItemCompletedNotification(item=item):
                    print(f"\n[{item.root.type}]")
                case ThreadTokenUsageUpdatedNotification(token_usage=usage):
                    print(f"[{usage.last.output_tokens} tokens written]")
                case TurnCompletedNotification(turn=end):
                    # A failed turn does not raise here; it says so at its end.
                    print(f"[{end.status.value}]")


if __name__ == "__main__":
    asyncio.run(main())
