"""What the native transport reports, in words: each kind has its own, and says no more than is known."""

from __future__ import annotations

import pytest

from codex_app_server import errors
from codex_app_server._incoming.failures import (
    stream_overflow,
    transport_closed,
    turn_cut,
    turn_overflow,
    turn_partial,
    write_queue_full,
)

NEW_CLIENT = "Open a new client; a thread with a first message can be resumed there with thread_resume()."


@pytest.mark.parametrize(
    ("kind", "cls", "text"),
    [
        ("process_exited", errors.TransportClosedError, f"The Codex runtime exited. {NEW_CLIENT}"),
        ("stdout_closed", errors.TransportClosedError, f"The Codex runtime closed its stdout. {NEW_CLIENT}"),
        (
            "write_failed",
            errors.TransportClosedError,
            f"Writing to the Codex runtime failed. {NEW_CLIENT}",
        ),
        (
            "failed",
            errors.TransportClosedError,
            "A thread of codex-app-server-sdk has failed, which is a fault of the package: please report it. "
            + NEW_CLIENT,
        ),
        (
            "not_started",
            errors.TransportClosedError,
            "The Codex runtime is not running. Call start() first.",
        ),
        (
            "closed_by_client",
            errors.ClientClosedError,
            "This client was closed. Open a new Codex or AsyncCodex; a low-level client can be started again "
            "with start().",
        ),
        (
            "message_too_long",
            errors.MessageTooLongError,
            "The Codex runtime has sent a message that was too long. Raise CodexConfig.max_message_bytes, or "
            f"ask for less at once. {NEW_CLIENT}",
        ),
        (
            "forked",
            errors.ForkedProcessError,
            "This client belongs to the process that was forked. Open a new client in the child process, or "
            "fork before opening one.",
        ),
        ("of_tomorrow", errors.TransportClosedError, f"The connection ended. {NEW_CLIENT}"),
    ],
)
def test_each_way_to_close_has_its_class_and_its_words(kind: str, cls: type, text: str) -> None:
    error = transport_closed(kind, None, None, "", "")
    assert type(error) is cls
    assert str(error) == text
    assert (error.exit_code, error.signal, error.stderr_tail) == (None, None, "")


def test_what_is_known_stands_before_the_advice_and_the_stderr_behind_it() -> None:
    error = transport_closed("process_exited", 3, None, "last words\n", "EOF")
    assert str(error) == (
        f"The Codex runtime exited (exit code 3): EOF. {NEW_CLIENT}\nThe end of its stderr:\nlast words"
    )
    assert error.reason == "The Codex runtime exited (exit code 3): EOF"
    # An exit code of 0 is known, too.
    assert "(exit code 0)" in str(transport_closed("process_exited", 0, None, "", ""))


def test_colours_reach_neither_the_message_nor_the_data() -> None:
    error = transport_closed("process_exited", 1, None, "\x1b[2m12:00\x1b[0m \x1b[1;31mERROR\x1b[0m boom", "")
    assert error.stderr_tail == "12:00 ERROR boom"
    assert str(error).endswith("The end of its stderr:\n12:00 ERROR boom")


def test_a_client_that_was_closed_shows_no_stderr() -> None:
    error = transport_closed("closed_by_client", 0, None, "shutting down\n", "")
    assert "shutting down" not in str(error)
    assert error.stderr_tail == "shutting down\n"


def test_each_loss_of_events_says_what_was_lost_and_where_the_rest_is() -> None:
    outgrown = turn_overflow("t", "u", 7, 700)
    partial = turn_partial("t", "u", 7, 700)
    for error in (outgrown, partial):
        assert type(error) is errors.StreamOverflowError
        assert (error.thread_id, error.turn_id, error.lost_events, error.lost_bytes) == ("t", "u", 7, 700)
        assert "7 events (700 bytes)" in str(error)
        assert "thread.read(include_turns=True)" in str(error)
    assert str(partial).startswith("Before the start of turn u was answered")
    stream = stream_overflow("notifications", "t", 7, 700)
    assert (stream.thread_id, stream.turn_id) == ("t", None)
    # What may be raised to lose nothing: of buffers that are too small, not of turns that are too many.
    for error, is_named in ((outgrown, True), (partial, False), (stream, True)):
        assert ("raise CodexConfig.turn_budget_bytes and total_budget_bytes" in str(error)) is is_named


@pytest.mark.parametrize(
    ("why", "happened", "advice"),
    [
        ("unsubscribed", "was unsubscribed from", "Resume it with thread_resume()"),
        ("thread_closed", "was archived, deleted or unloaded", "can be unarchived"),
    ],
)
def test_a_turn_of_a_thread_that_went_says_how_it_went(why: str, happened: str, advice: str) -> None:
    error = turn_cut("t", "u", why)
    assert type(error) is errors.StreamClosedError
    assert str(error).startswith(f"Nothing more is heard of turn u: thread t {happened}. ")
    assert advice in str(error)


def test_a_full_queue_says_how_full_it_is() -> None:
    error = write_queue_full(123_456)
    assert type(error) is errors.WriteQueueFullError
    assert error.queued_bytes == 123_456
    assert "123456" in str(error)
