"""Letters in a folder, read into models, many at once: `python -m examples.extraction.async`."""

import asyncio
from pathlib import Path

from codex_app_server import AsyncCodex, CodexConfig, OutputValidationError, Sandbox

from .invoices import READING, Invoice, OtherLetter, letters, question, report

# The client can have thousands of turns at once. What a login may use at once is less.
AT_ONCE = 3


async def main(config: CodexConfig | None = None) -> None:
    """Read all letters, some at once, and print what they say."""
    places = asyncio.Semaphore(AT_ONCE)
    async with AsyncCodex(config) as codex:

        async def read_in_turn(letter: Path) -> Invoice | OtherLetter | str:
            async with places:
                return await read(codex, letter)

        found = await asyncio.gather(*map(read_in_turn, letters()))
        report(zip(letters(), found, strict=True))


async def read(codex: AsyncCodex, letter: Path) -> Invoice | OtherLetter | str:
    """What a letter says, or why that cannot be told."""
    thread = await codex.thread_start(ephemeral=True, sandbox=Sandbox.read_only)
    try:
        return (await thread.run(question(letter), output_type=READING)).output
    except OutputValidationError as error:
        again = f"That does not fit: {wrong(error)}. Look at the letter once more."
    try:
        return (await thread.run(again, output_type=READING)).output
    except OutputValidationError as error:
        return wrong(error)


def wrong(error: OutputValidationError) -> str:
    """What is wrong with an answer, in one line."""
    return "; ".join(each["msg"] for each in error.errors) or str(error)


if __name__ == "__main__":
    asyncio.run(main())
