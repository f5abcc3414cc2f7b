"""Each way to fail, and a script that has no answer, as the turn's error."""

from __future__ import annotations

from typing import Any

import pytest

from codex_app_server import Codex, Thread
from codex_app_server.models import TurnCompletedNotification
from codex_app_server.testing import (
    Answer,
    Disconnect,
    FunctionCall,
    HttpFailure,
    Incomplete,
    ModelRequest,
    OfflineModel,
    Pause,
    ResponseFailure,
    Script,
)
from tests.payloads import payload

from .conftest import Play


def _error(play: Play, script: Script) -> tuple[str, str]:
    (completed,) = [event for event in play(script) if event.method == "turn/completed"]
    turn = payload(completed, TurnCompletedNotification).turn
    assert turn.status.value == "failed"
    assert turn.error is not None
    return turn.error.message, str(turn.error.codex_error_info)


@pytest.mark.parametrize(
    ("status", "kind", "code", "info"),
    [
        (400, None, None, "other"),
        (401, None, None, "http_status_code=401"),
        (404, None, None, "http_status_code=404"),
        (429, None, None, "http_status_code=429"),
        (429, "usage_limit_reached", None, "usageLimitExceeded"),
        (500, None, None, "internalServerError"),
        (503, None, None, "http_status_code=503"),
        (503, None, "server_is_overloaded", "serverOverloaded"),
    ],
)
def test_an_http_failure_fails_the_turn(
    play: Play, status: int, kind: str | None, code: str | None, info: str
) -> None:
    answer = Answer(HttpFailure(status, "No more of this.", type=kind, code=code))
    assert info in _error(play, answer)[1]


def test_the_message_of_an_http_failure_reaches_the_turn(play: Play) -> None:
    assert "No more of this." in _error(play, Answer(Pause(0.01), HttpFailure(403, "No more of this.")))[0]


@pytest.mark.parametrize(
    ("code", "info"),
    [
        ("context_length_exceeded", "contextWindowExceeded"),
        ("insufficient_quota", "usageLimitExceeded"),
        ("rate_limit_exceeded", "rateLimitExceeded"),
        ("server_is_overloaded", "serverOverloaded"),
        ("cyber_policy", "cyberPolicy"),
        ("server_error", "other"),
    ],
)
def test_a_failed_response_fails_the_turn_with_its_code(play: Play, code: str, info: str) -> None:
    assert info in _error(play, Answer("half an ans", ResponseFailure(code)))[1]


def test_an_incomplete_response_fails_the_turn_with_its_reason(play: Play) -> None:
    assert "max_output_tokens" in _error(play, Answer("far too lo", Incomplete()))[0]


def test_a_connection_dropped_in_mid_stream_fails_the_turn_after_its_deltas(play: Play) -> None:
    events = play(Answer("half an ans", Disconnect()))
    assert [e.method for e in events].count("item/agentMessage/delta") == 3
    assert "disconnected" in _error(play, Answer("half an ans", Disconnect()))[0]


def test_a_connection_dropped_before_any_answer_fails_the_turn(play: Play) -> None:
    assert "error sending request" in _error(play, Answer(Disconnect()))[0]


def test_the_runtimes_retries_can_be_switched_on(caplog: pytest.LogCaptureFixture) -> None:
    with (
        OfflineModel([Answer("half", Disconnect()), "whole"]) as model,
        Codex(model.config(config_overrides=("model_providers.offline.stream_max_retries=1",))) as codex,
    ):
        assert codex.thread_start().run("go").final_response == "whole"
    assert "the runtime tries again" in caplog.text
    caplog.clear()


def test_an_exhausted_script_fails_the_turn_and_says_so(play: Play) -> None:
    message, _ = _error(play, [Answer(FunctionCall("exec_command", {"cmd": "true"}))])
    assert "script is exhausted: the list has 1 answer(s), and request 2 (prompt 'go')" in message


def test_a_prompt_that_the_script_does_not_know_fails_the_turn_and_says_so(play: Play) -> None:
    message, _ = _error(play, {"stop": "stopped"})
    assert "no answer for the prompt 'go'; it knows 'stop'" in message


def test_a_responder_that_raises_fails_the_turn_and_is_logged(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    def responder(request: ModelRequest) -> str:
        raise KeyError(request.prompt)

    message, _ = _error(play, responder)
    assert "responder failed for request 1: KeyError: 'go'" in message
    assert "responder failed for request 1" in caplog.text
    caplog.clear()


def test_a_responder_that_returns_nonsense_fails_the_turn_and_is_logged(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    nonsense: Any = 42
    message, _ = _error(play, lambda _: nonsense)
    assert "A responder must return str, Answer or None, not 42" in message
    caplog.clear()


def test_a_responder_that_returns_a_coroutine_fails_the_turn_and_is_logged(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    async def reply() -> str:
        return "never"

    late: Any = reply
    message, _ = _error(play, lambda _: late())
    assert "Responders are sync functions that return str, Answer or None" in message
    caplog.clear()


def test_a_turn_after_a_failure_goes_on(play: Play, model: OfflineModel, thread: Thread) -> None:
    _error(play, Answer(HttpFailure(500)))
    model.reset("well again")
    assert thread.run("go").final_response == "well again"
