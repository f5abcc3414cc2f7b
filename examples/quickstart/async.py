"""A client, a thread, a turn: `python -m examples.quickstart.async`."""

import asyncio

from codex_app_server import AsyncCodex, CodexConfig


async def main(config: CodexConfig | None = None) -> None:
    """Ask one question."""
    # Makes a runtime of its own, and ends it when the block is left.
    async with AsyncCodex(config) as codex:
        thread = await codex.thread_start()
        result = await thread.run("In one sentence: what is a coroutine?")
        print(result.final_response)

        # The thread remembers what was said.
        again = await thread.run("And in five words?")
        print(again.final_response)

        if result.usage:
            print(f"{result.usage.total.total_tokens} tokens in {result.duration_ms} ms")


if __name__ == "__main__":
    asyncio.run(main())
