"""A turn is steered, another one interrupted."""

import asyncio

from codex_app_server import AsyncCodex


async def main() -> None:
    async with AsyncCodex() as codex:
        thread = await codex.thread_start()
        turn = await thread.turn("Count very slowly.")
        async for event in turn.stream():
            if event.method == "item/agentMessage/delta" and event.payload.delta.startswith("one"):
                await turn.steer("That is enough.")
            elif event.method == "item/agentMessage/delta" and event.payload.delta.startswith("Good"):
                print("steered")
            elif event.method == "turn/completed":
                print(event.payload.turn.status.value)

        turn = await (await codex.thread_start()).turn("Never stop.")
        interrupted = False
        async for event in turn.stream():
            if event.method == "item/agentMessage/delta" and not interrupted:
                interrupted = True
                await turn.interrupt()
            elif event.method == "turn/completed":
                print(event.payload.turn.status.value)


asyncio.run(main())
