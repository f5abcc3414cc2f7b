"""What a terminal would obey is taken out of text, and nothing else."""

from __future__ import annotations

import pytest

from codex_app_server._incoming.failures import transport_closed
from codex_app_server._text.printable import printable


@pytest.mark.parametrize(
    "escape",
    [
        "\x1b[31m",
        "\x1b[0m",
        "\x1b[38;5;196m",
        "\x1b[?25l",
        "\x1b[2J\x1b[1;1H",
        "\x1b[1 q",
        "\x1b]0;a title\x07",
        "\x1b]8;;https://example.test\x1b\\",
        "\x1b]52;c;cm0gLXJm\x07",
        "\x1bPq#0\x1b\\",
        "\x1b_a command\x1b\\",
        "\x1bc",
        "\x1b(0",
        "\x1b7",
        "\x9b31m",
        "\x9d0;a title\x9c",
        "\x08\x08\x08",
        "\x00\x07\x0b\x0c\x0e\x7f\x85",
        "\u202e\u2066",
    ],
)
def test_escapes_and_control_characters_are_taken_out(escape: str) -> None:
    assert printable(f"before{escape}after\n{escape}next line") == "beforeafter\nnext line"


@pytest.mark.parametrize("cut", ["\x1b", "\x1b[", "\x1b[38;5", "\x1b]0;a tit", "\x9b"])
def test_an_escape_that_was_cut_off_is_taken_out(cut: str) -> None:
    assert printable(f"before{cut}") == "before"


def test_an_unfinished_string_ends_with_its_line() -> None:
    assert printable("\x1b]0;a title\nnext line") == "\nnext line"


def test_what_would_overwrite_a_line_begins_another() -> None:
    assert printable("an error\rall is well\r\nnext") == "an error\nall is well\nnext"


@pytest.mark.parametrize("text", ["a\tb\n\nc", "Größe 10 µm, 日本語, 🎉 [31m", "", "a" * 100_000])
def test_other_text_stays(text: str) -> None:
    assert printable(text) == text


def test_much_of_it_takes_no_time() -> None:
    assert printable("\x1b[" * 100_000 + "\x1b]" * 100_000 + "\x1b" * 100_000) == ""


def test_an_error_has_no_escape_and_no_secret_of_the_runtimes_stderr() -> None:
    error = transport_closed(
        "process_exited", 1, None, "\x1b]0;x\x07\x1b[31mOPENAI_API_KEY=abc\x1b[0m gone", ""
    )
    assert error.stderr_tail == "OPENAI_API_KEY=[redacted] gone"
    assert str(error).endswith("OPENAI_API_KEY=[redacted] gone")
