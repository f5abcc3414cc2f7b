"""Only the text of an answer, as it is written: `python -m examples.text_stream.sync`."""

from codex_app_server import Codex, CodexConfig, TurnFailedError


def main(config: CodexConfig | None = None) -> None:
    """Print an answer piece by piece."""
    with Codex(config) as codex:
        turn = codex.thread_start().turn("Tell a story in three sentences.")
        try:
            for piece in turn.stream_text():
                print(piece, end="", flush=True)
        except TurnFailedError as error:
            # Unlike stream(), which has the end of the turn as its last event.
            print(f"\nThe turn failed: {error}")
        print()


if __name__ == "__main__":
    main()
