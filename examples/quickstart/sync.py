"""A client, a thread, a turn: `python -m examples.quickstart.sync`."""

from codex_app_server import Codex, CodexConfig


def main(config: CodexConfig | None = None) -> None:
    """Ask one question."""
    # Makes a runtime of its own, and ends it when the block is left.
    with Codex(config) as codex:
        thread = codex.thread_start()
        result = thread.run("In one sentence: what is a coroutine?")
        print(result.final_response)

        # The thread remembers what was said.
        print(thread.run("And in five words?").final_response)

        if result.usage:
            print(f"{result.usage.total.total_tokens} tokens in {result.duration_ms} ms")


if __name__ == "__main__":
    main()
