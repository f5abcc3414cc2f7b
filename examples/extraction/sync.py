"""Letters in a folder, read into models: `python -m examples.extraction.sync`."""

from pathlib import Path

from codex_app_server import Codex, CodexConfig, OutputValidationError, Sandbox

from .invoices import READING, Invoice, OtherLetter, letters, question, report


def main(config: CodexConfig | None = None) -> None:
    """Read one letter after the other, and print what they say."""
    with Codex(config) as codex:
        report([(letter, read(codex, letter)) for letter in letters()])


def read(codex: Codex, letter: Path) -> Invoice | OtherLetter | str:
    """What a letter says, or why that cannot be told."""
    thread = codex.thread_start(ephemeral=True, sandbox=Sandbox.read_only)
    try:
        return thread.run(question(letter), output_type=READING).output
    except OutputValidationError as error:
        again = f"That does not fit: {wrong(error)}. Look at the letter once more."
    try:
        return thread.run(again, output_type=READING).output
    except OutputValidationError as error:
        return wrong(error)


def wrong(error: OutputValidationError) -> str:
    """What is wrong with an answer, in one line."""
    return "; ".join(each["msg"] for each in error.errors) or str(error)


if __name__ == "__main__":
    main()
