"""Programs that the runtime runs for its client: `python -m examples.commands.sync`."""

from codex_app_server import Codex, CodexConfig, OutputChunk


def main(config: CodexConfig | None = None) -> None:
    """Run a command in the sandbox, and talk with a process."""
    with Codex(config) as codex:
        # Leaving the block kills what still runs, also when something goes wrong in it.
        with codex.command_exec(["sh", "-c", "echo Low tide.; exit 3"]) as command:
            for chunk in command:
                if isinstance(chunk, OutputChunk):  # else a newer runtime has changed its shape
                    print(chunk.stream, chunk.data.decode().strip())
            print("exit code", command.wait().exit_code)

        # `sort` writes nothing before it has read all of its input.
        with codex.command_exec(["sort"]) as command:
            for boat in ("Periwinkle", "Halcyon", "Kingfisher"):
                command.write(f"{boat}\n".encode())
            command.close_stdin()
            pieces = [piece.data for piece in command if isinstance(piece, OutputChunk)]
            print(b"".join(pieces).decode().split())

        # A process has no sandbox. This one would go on for ever.
        with codex.process_spawn(["sh", "-c", "while read x; do echo Ahoy $x; done"]) as process:
            process.write(b"Halcyon\n")
            answer = next(process)
            if isinstance(answer, OutputChunk):
                print(answer.data.decode().strip())


if __name__ == "__main__":
    main()
