"""Many turns of one client at once, one task each: `python -m examples.many_turns.async`."""

import asyncio

from codex_app_server import AsyncCodex, CodexConfig, TurnResult

CITIES = ("Lisbon", "Tartu", "Ghent", "Kyoto", "Zadar", "Bergen", "Valparaíso", "Trieste")


async def main(config: CodexConfig | None = None) -> None:
    """Ask about all cities at once."""
    async with AsyncCodex(config) as codex:

        async def ask(city: str) -> TurnResult:
            # A conversation has one turn at a time, so what shall run side by side gets a thread of its
            # own. No semaphore is needed: the client sends no more at once than the runtime can take.
            thread = await codex.thread_start(ephemeral=True)
            return await thread.run(f"One short fact about {city}.")

        results = await asyncio.gather(*map(ask, CITIES))
        for city, result in zip(CITIES, results, strict=True):
            print(f"{city}: {result.final_response}")


if __name__ == "__main__":
    asyncio.run(main())
