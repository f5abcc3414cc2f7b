"""Only the text of an answer, as it is written: `python -m examples.text_stream.async`."""

import asyncio

from codex_app_server import AsyncCodex, CodexConfig, TurnFailedError


async def main(config: CodexConfig | None = None) -> None:
    """Print an answer piece by piece."""
    async with AsyncCodex(config) as codex:
        thread = await codex.thread_start()
        turn = await thread.turn("Tell a story in three sentences.")
        try:
            async for piece in turn.stream_text():
                print(piece, end="", flush=True)
        except TurnFailedError as error:
            # Unlike stream(), which has the end of the turn as its last event.
            print(f"\nThe turn failed: {error}")
        print()


if __name__ == "__main__":
    asyncio.run(main())
