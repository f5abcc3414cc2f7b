"""Programs that the runtime runs for its client, async: `python -m examples.commands.async`."""

import asyncio
import sys

from codex_app_server import AsyncCodex, CodexConfig, OutputChunk

# Any program will do; this one is there on every system.
PYTHON = (sys.executable, "-c")
TELL = "import sys; sys.stdout.write('Low tide.\\n'); sys.exit(3)"
SORT = "import sys; sys.stdout.writelines(sorted(sys.stdin))"
GREET = "import sys\nfor boat in sys.stdin:\n    print(f'Ahoy {boat}', end='', flush=True)"


async def main(config: CodexConfig | None = None) -> None:
    """Run a command in the sandbox, and talk with a process."""
    async with AsyncCodex(config) as codex:
        # Leaving the block kills what still runs, also when something goes wrong in it.
        async with await codex.command_exec([*PYTHON, TELL]) as command:
            async for chunk in command:
                if isinstance(chunk, OutputChunk):  # else a newer runtime has changed its shape
                    print(chunk.stream, chunk.data.decode().strip())
            print("exit code", (await command.wait()).exit_code)

        # This one writes nothing before it has read all of its input.
        async with await codex.command_exec([*PYTHON, SORT]) as command:
            for boat in ("Periwinkle", "Halcyon", "Kingfisher"):
                await command.write(f"{boat}\n".encode())
            await command.close_stdin()
            pieces = [piece async for piece in command]
            print(b"".join(piece.data for piece in pieces if isinstance(piece, OutputChunk)).decode().split())

        # A process has no sandbox. This one would go on for ever.
        async with await codex.process_spawn([*PYTHON, GREET]) as process:
            await process.write(b"Halcyon\n")
            answer = await anext(process)
            if isinstance(answer, OutputChunk):
                print(answer.data.decode().strip())


if __name__ == "__main__":
    asyncio.run(main())
