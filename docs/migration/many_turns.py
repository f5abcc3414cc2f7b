"""Turns side by side, each in a thread of its own."""

import asyncio

from codex_app_server import AsyncCodex, TextInput


async def main() -> None:
    async with AsyncCodex() as codex:

        async def ask(city: str) -> str | None:
            thread = await codex.thread_start(ephemeral=True)
            turn = await thread.turn(TextInput(f"One fact about {city}."))
            return (await turn.run()).final_response

        for answer in await asyncio.gather(*map(ask, ["Lisbon", "Tartu", "Ghent"])):
            print(answer)


asyncio.run(main())
