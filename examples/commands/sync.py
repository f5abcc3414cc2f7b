"""Programs that the runtime runs for its client: `python -m examples.commands.sync`."""

import sys

from codex_app_server import Codex, CodexConfig, OutputChunk

# Any program will do; this one is there on every system.
PYTHON = (sys.executable, "-c")
TELL = "import sys; sys.stdout.write('Low tide.\\n'); sys.exit(3)"
SORT = "import sys; sys.stdout.writelines(sorted(sys.stdin))"
GREET = "import sys\nfor boat in sys.stdin:\n    print(f'Ahoy {boat}', end='', flush=True)"


def main(config: CodexConfig | None = None) -> None:
    """Run a command in the sandbox, and talk with a process."""
    with Codex(config) as codex:
        # Leaving the block kills what still runs, also when something goes wrong in it.
        with codex.command_exec([*PYTHON, TELL]) as command:
            for chunk in command:
                if isinstance(chunk, OutputChunk):  # else a newer runtime has changed its shape
                    print(chunk.stream, chunk.data.decode().strip())
            print("exit code", command.wait().exit_code)

        # This one writes nothing before it has read all of its input.
        with codex.command_exec([*PYTHON, SORT]) as command:
            for boat in ("Periwinkle", "Halcyon", "Kingfisher"):
                command.write(f"{boat}\n".encode())
            command.close_stdin()
            pieces = [piece.data for piece in command if isinstance(piece, OutputChunk)]
            print(b"".join(pieces).decode().split())

        # A process has no sandbox. This one would go on for ever.
        with codex.process_spawn([*PYTHON, GREET]) as process:
            process.write(b"Halcyon\n")
            answer = next(process)
            if isinstance(answer, OutputChunk):
                print(answer.data.decode().strip())


if __name__ == "__main__":
    main()
