"""The error tree: what is caught by what, and what survives a pickle."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pytest

from codex_app_server import errors
from codex_app_server._incoming.failures import (
    last_error,
    said,
    stream_overflow,
    transport_closed,
    turn_cut,
    turn_overflow,
    unreadable,
)
from codex_app_server._incoming.result import TurnResult
from codex_app_server.errors import (
    CodexError,
    map_jsonrpc_error,
)
from codex_app_server.generated.v2_all import ErrorNotification, TurnError, TurnStatus

CLASSES = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, CodexError) and not cls.__name__.startswith("_")
]

RESULT = TurnResult[None](
    id="u",
    status=TurnStatus.completed,
    error=None,
    started_at=1,
    completed_at=2,
    duration_ms=1000,
    final_response="{}",
    items=[],
    usage=None,
)
RETRIED = ErrorNotification(
    error=TurnError(message="Reconnecting... 1/5", additional_details="the stream was cut"),
    thread_id="t",
    turn_id="u",
    will_retry=True,
)

EXAMPLES: list[CodexError] = [
    errors.CodexError("something"),
    errors.LaunchError("no"),
    errors.BinaryNotFoundError("nothing there", "/nowhere/codex"),
    errors.BinaryNotExecutableError("a directory", "/usr"),
    errors.WorkingDirectoryError("missing", "/nowhere"),
    errors.DescriptorLimitError("too many", limit=256),
    errors.StartupError("not ready", reason="it exited", exit_code=3, stderr_tail="boom\n"),
    errors.AlreadyImportedError("too late"),
    errors.RuntimeTooOldError("source", "0.151.0", "0.150.0"),
    errors.NotStartedError("not yet"),
    errors.StreamClosedError("read to the end"),
    errors.TransportClosedError(),
    errors.RequestTimeoutError("turn/start", 1.5),
    errors.RequestTimeoutError("model/list", 1.5, was_sent=False, of_call=True),
    errors.WaitTimeoutError("The login is not over.", 1.5),
    errors.ReentrantCallError("already executing"),
    errors.TurnNotRunningError(-32600, "no active turn to steer"),
    errors.TurnNotSteerableError(-32600, "cannot steer a review turn"),
    errors.TurnTimeoutError(
        "too long", thread_id="t", turn_id="u", timeout_s=1.5, is_idle=True, errors=(RETRIED,)
    ),
    errors.WriteQueueFullError(12),
    errors.TurnFailedError(
        "boom", thread_id="t", turn_id="u", error=TurnError(message="boom"), errors=(RETRIED,)
    ),
    errors.OutputValidationError("no Report", text="{}", errors=({"type": "missing"},), result=RESULT),
    errors.NoRequestHandlerError("nobody", thread_id="t"),
    errors.RequestSettledError("too late", method="item/tool/call", settlement="turn_over"),
    errors.RequestAnsweredError("again", method="item/tool/call", settlement="answered"),
    errors.RequestNotFoundError("no such token"),
    errors.RequestHandlerError(
        "it raised", method="item/tool/call", thread_id="t", turn_id="u", item_id="i", ancestors=("s",)
    ),
    errors.SettingsNotAppliedError("wider", thread_id="t", settings={"model": ("a", "b")}),
    errors.InvalidInputError("empty"),
    errors.InvalidInputTypeError("not a str"),
    turn_overflow("t", "u", 7, 700),
    stream_overflow("notifications", "t", 7, 700),
    transport_closed("process_exited", None, 9, "the end\n", "EOF"),
    transport_closed("closed_by_client", None, None, "", ""),
    transport_closed("forked", None, None, "", ""),
    transport_closed("message_too_long", None, None, "", "a message is longer than 10 bytes"),
    turn_cut("t", "u", "unsubscribed"),
    *(map_jsonrpc_error(code, "words", {"more": [1]}) for code in (-32700, -32600, -32601, -32602, -32603)),
    map_jsonrpc_error(-32001, "Server overloaded; retry later."),
    map_jsonrpc_error(-32050, "exceeded retry limit"),
    map_jsonrpc_error(-32050, "something"),
    map_jsonrpc_error(5, "words"),
]


def repickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301


def describe(error: BaseException) -> tuple[Any, ...]:
    fields = {
        name: getattr(error, name) for name in ("errno", "filename", "strerror") if hasattr(error, name)
    }
    return type(error), error.args, str(error), vars(error), fields


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, repickled])
def test_an_error_keeps_its_data_when_pickled_or_copied(error: CodexError, again: Any) -> None:
    assert describe(again(error)) == describe(error)


def test_every_public_name_and_every_pickle_is_of_one_module() -> None:
    assert {getattr(errors, name).__module__ for name in errors.__all__} == {errors.__name__}
    pickled = pickle.dumps(EXAMPLES[2], 0)
    assert pickled.count(b"codex_app_server") == pickled.count(b"ccodex_app_server.errors\n") == 2


def test_a_pickle_from_when_all_errors_were_written_in_one_module_is_read() -> None:
    old = (
        b"ccodex_app_server.errors\n_restore\np0\n(ccodex_app_server.errors\nBinaryNotFoundError\np1\n"
        b"(Vgone\np2\ntp3\n(dp4\nVerrno\np5\nI2\nsVstrerror\np6\ng2\nsVfilename\np7\nV/x\np8\nstp9\nRp10\n."
    )
    error = pickle.loads(old)  # noqa: S301
    assert describe(error) == describe(errors.BinaryNotFoundError("gone", "/x"))


def test_every_class_has_an_example_here() -> None:
    assert {type(error) for error in EXAMPLES} == set(CLASSES)


def test_every_class_stands_in_the_tree_of_the_docstring() -> None:
    tree = errors.__doc__ or ""
    assert [cls.__name__ for cls in CLASSES if cls.__name__ not in tree] == []


@pytest.mark.parametrize(
    ("cls", "also"),
    [
        (errors.BinaryNotFoundError, FileNotFoundError),
        (errors.BinaryNotExecutableError, PermissionError),
        (errors.WorkingDirectoryError, FileNotFoundError),
        (errors.StartupError, errors.LaunchError),
        (errors.StartupError, errors.TransportClosedError),
        (errors.DescriptorLimitError, OSError),
        (errors.DescriptorLimitError, errors.LaunchError),
        (errors.ClientClosedError, errors.TransportClosedError),
        (errors.ForkedProcessError, errors.TransportClosedError),
        (errors.MessageTooLongError, errors.TransportClosedError),
        (errors.RequestTimeoutError, TimeoutError),
        (errors.TurnFailedError, RuntimeError),
        (errors.NotStartedError, RuntimeError),
        (errors.InvalidInputError, ValueError),
        (errors.InvalidInputTypeError, TypeError),
    ],
)
def test_what_programs_catch_today_is_still_caught(cls: type, also: type) -> None:
    assert issubclass(cls, also)


def test_a_stream_that_was_read_is_no_connection_that_has_ended() -> None:
    assert not issubclass(errors.StreamClosedError, errors.TransportClosedError)


@pytest.mark.parametrize("again", [copy.copy, repickled])
def test_an_answer_that_cannot_be_read_is_no_error_that_anybody_has_sent(again: Any) -> None:
    error = again(unreadable("the answer to x is no Y", "[]"))
    assert type(error) is errors.ParseError
    assert (str(error), error.code, error.data) == ("the answer to x is no Y", -32700, "[]")
    assert str(map_jsonrpc_error(-32700, "words")) == "JSON-RPC error -32700: words"


def test_errors_of_the_operating_system_have_its_number_and_a_readable_text() -> None:
    error = errors.BinaryNotFoundError("Codex binary not found.", "/nowhere")
    assert (str(error), error.errno, error.filename) == ("Codex binary not found.", 2, "/nowhere")


@pytest.mark.parametrize(
    ("code", "message", "data", "cls", "retryable"),
    [
        (-32700, "x", None, errors.ParseError, False),
        (-32600, "x", None, errors.InvalidRequestError, False),
        (-32601, "x", None, errors.MethodNotFoundError, False),
        (-32602, "x", None, errors.InvalidParamsError, False),
        (-32603, "x", None, errors.InternalRpcError, False),
        (-32001, "Server overloaded; retry later.", None, errors.ServerBusyError, True),
        (-32050, "x", None, errors.CodexRpcError, False),
        (-32050, "x", {"codex_error_info": "server_overloaded"}, errors.ServerBusyError, True),
        (-32050, "x", {"codexErrorInfo": "serverOverloaded"}, errors.ServerBusyError, True),
        (-32050, "x", {"a": [{"serverOverloaded": {}}]}, errors.ServerBusyError, True),
        (-32050, "x", ["server_overloaded"], errors.ServerBusyError, True),
        (-32050, "Retry limit reached", None, errors.RetryLimitExceededError, True),
        (-32000, "too many failed attempts", None, errors.RetryLimitExceededError, True),
        (-32099, "x", None, errors.CodexRpcError, False),
        (-32100, "retry limit", None, errors.JsonRpcError, False),
        (-31999, "retry limit", None, errors.JsonRpcError, False),
        (5, "x", {"codex_error_info": "server_overloaded"}, errors.JsonRpcError, True),
    ],
)
def test_a_json_rpc_error_is_mapped(code: int, message: str, data: Any, cls: type, retryable: bool) -> None:
    error = map_jsonrpc_error(code, message, data)
    assert type(error) is cls
    assert (error.code, error.message, error.data) == (code, message, data)
    assert str(error) == f"JSON-RPC error {code}: {message}"
    assert errors.is_retryable_error(error) is retryable


@pytest.mark.parametrize(
    ("method", "late"),
    [
        ("turn/start", "; a turn that it may still start is interrupted"),
        ("thread/fork", "; a thread that it may still start is unsubscribed from"),
        ("account/login/start", "; a login in a browser that it may still begin is cancelled"),
        ("model/list", ""),
    ],
)
def test_a_timeout_says_what_is_undone_and_nothing_else(method: str, late: str) -> None:
    text = str(errors.RequestTimeoutError(method, 60.0))
    assert text.startswith(f"No answer to {method} within 60 s, so it was given up{late}. Raise")


def test_a_timeout_says_what_may_go_on() -> None:
    text = str(errors.RequestTimeoutError("command/exec", 1.0, of_call=True, goes_on=True))
    assert "given up; what it has begun may go on. Raise timeout_s" in text
    unconfirmed = str(errors.RequestTimeoutError("turn/interrupt", 1.0, was_sent=False))
    assert unconfirmed.startswith("The runtime has not confirmed within 1 s that the turn is interrupted.")


def test_what_a_runtime_said_is_shown_without_a_backtrace_that_has_no_names() -> None:
    frames = "".join(f"  {number}: <unknown>\n" for number in range(3))
    stderr = f"Error: first\n\nStack backtrace:\n{frames}Error: second\nin `x`\n\nStack backtrace:\n{frames}"
    assert last_error(stderr) == "second"
    assert said(stderr) == "\nThe end of its stderr:\nError: first\n\nError: second\nin `x`"
    assert last_error("WARN: Error: no\n") is None
    assert said("\n" * 65536).endswith("stderr:\n")  # and soon


def test_an_error_of_the_runtime_ends_without_a_line_break() -> None:
    error = map_jsonrpc_error(-32600, "expected a string\nin `model`\n")
    assert str(error) == "JSON-RPC error -32600: expected a string\nin `model`"
    assert error.message.endswith("\n")  # its own words


def test_a_hint_stands_behind_the_message() -> None:
    error = map_jsonrpc_error(-32600, "thread not found: t")
    error.hint = "load it first"
    assert str(error) == "JSON-RPC error -32600: thread not found: t (load it first)"


def test_other_exceptions_are_not_retryable() -> None:
    assert not errors.is_retryable_error(ValueError("server_overloaded"))


@pytest.mark.parametrize("kind", ["process_exited", "stdout_closed", "write_failed", "of tomorrow"])
def test_a_closed_connection_says_why_and_what_to_do(kind: str) -> None:
    error = transport_closed(kind, 3, None, "first\nlast words\n", "broken pipe")
    assert type(error) is errors.TransportClosedError
    assert (error.exit_code, error.signal, error.stderr_tail) == (3, None, "first\nlast words\n")
    assert error.reason is not None
    assert "exit code 3" in error.reason
    for words in ("exit code 3", "broken pipe", "last words", "Open a new client"):
        assert words in str(error)


def test_a_signal_is_named_instead_of_an_exit_code() -> None:
    assert "signal 9" in str(transport_closed("process_exited", None, 9, "", ""))


def test_the_overflow_says_how_much_was_lost_and_how_to_recover() -> None:
    error = turn_overflow("t", "u", 7, 700)
    assert (error.thread_id, error.turn_id, error.lost_events, error.lost_bytes) == ("t", "u", 7, 700)
    assert "read(include_turns=True)" in str(error)
    error = stream_overflow("watchId w", "", 7, 700)
    assert (error.thread_id, error.turn_id, error.lost_events, error.lost_bytes) == (None, None, 7, 700)
    assert "watchId w" in str(error)
    assert "Read on" in str(error)


def test_a_failed_turn_has_the_runtimes_words_and_the_kind_of_failure() -> None:
    reason = TurnError.model_validate({"message": "no more", "codexErrorInfo": "usageLimitExceeded"})
    error = errors.TurnFailedError("no more", thread_id="t", turn_id="u", error=reason)
    assert str(error) == "no more"
    assert error.codex_error_info is reason.codex_error_info
    assert errors.TurnFailedError("x", thread_id="t", turn_id="u").codex_error_info is None


def test_a_failed_turn_says_what_was_tried_before() -> None:
    failed = errors.TurnFailedError("boom", thread_id="t", turn_id="u", errors=(RETRIED, RETRIED))
    assert str(failed) == ("boom (tried again 2 times; the last: Reconnecting... 1/5: the stream was cut)")
    assert failed.last_error is RETRIED
    same = errors.TurnFailedError("the stream was cut", thread_id="t", turn_id="u", errors=(RETRIED,))
    assert str(same) == "the stream was cut (tried again once; the last: Reconnecting... 1/5)"
    assert str(errors.TurnFailedError("boom", thread_id="t", turn_id="u")) == "boom"
    assert errors.TurnFailedError("boom", thread_id="t", turn_id="u").last_error is None


def test_a_missed_deadline_names_the_one_to_raise() -> None:
    assert "Raise CodexConfig.request_timeout_s" in str(errors.RequestTimeoutError("model/list", 1.5))
    assert "Raise timeout_s" in str(errors.RequestTimeoutError("model/list", 1.5, of_call=True))
