"""Exit codes in words."""

import pytest

from codex_app_server._incoming.failures import transport_closed
from codex_app_server._text.exit_codes import exit_code_text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "exit code 0"),
        (255, "exit code 255"),
        (0xC000013A, "exit code 0xC000013A, STATUS_CONTROL_C_EXIT"),
        (0xC0000005, "exit code 0xC0000005, STATUS_ACCESS_VIOLATION"),
        (0xC0FFEE00, "exit code 0xC0FFEE00"),
    ],
)
def test_codes_of_the_system_are_named(code: int, text: str) -> None:
    assert exit_code_text(code) == text


def test_the_end_of_a_connection_names_the_code_and_keeps_the_number() -> None:
    error = transport_closed("process_exited", 0xC0000135, None, "", "")
    assert "The Codex runtime exited (exit code 0xC0000135, STATUS_DLL_NOT_FOUND)." in str(error)
    assert error.exit_code == 0xC0000135
