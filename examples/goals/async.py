"""A goal that takes more than one turn: `python -m examples.goals.async`."""

import asyncio

from codex_app_server import AsyncCodex, CodexConfig
from codex_app_server.generated.v2_all import AgentMessageThreadItem
from codex_app_server.models import ItemCompletedNotification


async def main(config: CodexConfig | None = None) -> None:
    """Follow one goal, and wait for the result of another."""
    async with AsyncCodex(config) as codex:
        thread = await codex.thread_start()
        goal = await thread.goal("Name every boat in the harbour.", token_budget=200_000)
        async for event in goal.stream():
            match event.payload:
                case ItemCompletedNotification(item=item) if isinstance(item.root, AgentMessageThreadItem):
                    print(item.root.text)
        if goal.goal is not None:
            print(goal.goal.status.value)

        result = await thread.run_goal("Name the harbour, too.")
        print(result.final_response, "reached" if result.is_reached else "not reached")


if __name__ == "__main__":
    asyncio.run(main())
