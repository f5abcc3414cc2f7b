"""Programs that the runtime runs for its client, async: `python -m examples.commands.async`."""

import asyncio

from codex_app_server import AsyncCodex, CodexConfig, OutputChunk


async def main(config: CodexConfig | None = None) -> None:
    """Run a command in the sandbox, and talk with a process."""
    async with AsyncCodex(config) as codex:
        # Leaving the block kills what still runs, also when something goes wrong in it.
        async with await codex.command_exec(["sh", "-c", "echo Low tide.; exit 3"]) as command:
            async for chunk in command:
                if isinstance(chunk, OutputChunk):  # else a newer runtime has changed its shape
                    print(chunk.stream, chunk.data.decode().strip())
            print("exit code", (await command.wait()).exit_code)

        # `sort` writes nothing before it has read all of its input.
        async with await codex.command_exec(["sort"]) as command:
            for boat in ("Periwinkle", "Halcyon", "Kingfisher"):
                await command.write(f"{boat}\n".encode())
            await command.close_stdin()
            pieces = [piece async for piece in command]
            print(b"".join(piece.data for piece in pieces if isinstance(piece, OutputChunk)).decode().split())

        # A process has no sandbox. This one would go on for ever.
        async with await codex.process_spawn(["sh", "-c", "while read x; do echo Ahoy $x; done"]) as process:
            await process.write(b"Halcyon\n")
            answer = await anext(process)
            if isinstance(answer, OutputChunk):
                print(answer.data.decode().strip())


if __name__ == "__main__":
    asyncio.run(main())
