"""A monitor beside the work, as a task: `python -m examples.monitoring.async`."""

import asyncio

from codex_app_server import AsyncCodex, AsyncNotificationStream, CodexConfig
from codex_app_server.models import ThreadNameUpdatedNotification, TurnCompletedNotification

CITIES = ("Lisbon", "Tartu", "Ghent")


async def main(config: CodexConfig | None = None) -> None:
    """Do some work while a monitor listens."""
    async with AsyncCodex(config) as codex:
        # It listens from here on, whenever the task comes to read it.
        events = codex.notifications(TurnCompletedNotification, ThreadNameUpdatedNotification)
        monitor = asyncio.create_task(watch(events))
        for city in CITIES:
            thread = await codex.thread_start()
            await thread.run(f"One short fact about {city}.")
            await thread.set_name(city)
        await monitor
        print(codex.stats()["events_lost"], "events lost")


async def watch(events: AsyncNotificationStream) -> None:
    """Say what happens, until the last thread has its name."""
    async with events:
        async for event in events:
            match event.payload:
                case TurnCompletedNotification(turn=turn):
                    print("a turn is", turn.status.value)
                case ThreadNameUpdatedNotification(thread_name=name):
                    print("a thread is called", name)
                    if name == CITIES[-1]:
                        break


if __name__ == "__main__":
    asyncio.run(main())
