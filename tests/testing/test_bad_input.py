"""What is wrong is said where it is written, before anything starts."""

from __future__ import annotations

import copy
import functools
import pickle
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

import codex_app_server.testing as kit
from codex_app_server.testing import Answer, HttpFailure, OfflineModel, OfflineModelError, Pause, Stall

# Untyped, so that a type checker lets a test be wrong.
wrong: Any = kit


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: wrong.Message(3), TypeError, "Message.text must be str or a sequence of str"),
        (lambda: wrong.Message(["a", 3]), TypeError, "Message.text must be str or a sequence"),
        (lambda: wrong.Message("x", phase="final"), ValueError, "Message.phase must be None or one of"),
        (
            lambda: wrong.Message("x", chunk_delay_s=-1),
            ValueError,
            "Message.chunk_delay_s must be a finite number",
        ),
        (
            lambda: wrong.Message("x", chunk_delay_s=float("nan")),
            ValueError,
            "Message.chunk_delay_s must be a finite",
        ),
        (
            lambda: wrong.Message("x", chunk_delay_s="1"),
            TypeError,
            "chunk_delay_s must be a number of seconds, not str",
        ),
        (lambda: wrong.Reasoning(b"x"), TypeError, "Reasoning.summary must be str or a sequence of str"),
        (
            lambda: wrong.Reasoning("x", chunk_delay_s=True),
            TypeError,
            "chunk_delay_s must be a number of seconds",
        ),
        (lambda: wrong.FunctionCall(""), ValueError, "FunctionCall.name must not be empty"),
        (lambda: wrong.FunctionCall(None), TypeError, "FunctionCall.name must be str, not NoneType"),
        (
            lambda: wrong.FunctionCall("f", {"x": object()}),
            TypeError,
            "FunctionCall.arguments must be JSON data",
        ),
        (lambda: wrong.FunctionCall("f", [1]), TypeError, "FunctionCall.arguments must be Mapping, not list"),
        (lambda: wrong.CustomToolCall("", "x"), ValueError, "CustomToolCall.name must not be empty"),
        (lambda: wrong.CustomToolCall("f", {}), TypeError, "CustomToolCall.input must be str, not dict"),
        (lambda: wrong.Event({}), ValueError, 'Event.data must have a "type" that is a str'),
        (lambda: wrong.Event("x"), TypeError, "Event.data must be Mapping, not str"),
        (
            lambda: wrong.Pause(-0.1),
            ValueError,
            "Pause.delay_s must be a finite number of seconds, 0 or more",
        ),
        (lambda: wrong.HttpFailure(200), ValueError, "HttpFailure.status must be 400 to 599, not 200"),
        (lambda: wrong.HttpFailure("500"), TypeError, "HttpFailure.status must be int, not str"),
        (
            lambda: wrong.HttpFailure(500, retry_after_s=-1),
            ValueError,
            "HttpFailure.retry_after_s must be a finite",
        ),
        (lambda: wrong.ResponseFailure(500), TypeError, "ResponseFailure.code must be str, not int"),
        (lambda: wrong.Incomplete(None), TypeError, "Incomplete.reason must be str"),
        (lambda: wrong.Usage(input_tokens=-1), ValueError, "Usage.input_tokens must be 0 or more, not -1"),
        (lambda: wrong.Usage(output_tokens=1.5), TypeError, "Usage.output_tokens must be int, not float"),
        (lambda: wrong.HttpFailure(400, param=3), TypeError, "HttpFailure.param must be str, not int"),
        (lambda: wrong.RateLimit("42"), TypeError, "RateLimit.used_percent must be a number, not str"),
        (
            lambda: wrong.RateLimit(-1),
            ValueError,
            "RateLimit.used_percent must be a finite number, 0 or more",
        ),
        (
            lambda: wrong.RateLimit(1, window_duration_mins=1.5),
            TypeError,
            "RateLimit.window_duration_mins must be int, not float",
        ),
        (lambda: wrong.RateLimit(1, resets_at=-1), ValueError, "RateLimit.resets_at must be 0 or more"),
        (lambda: wrong.RateLimits(42), TypeError, "RateLimits.primary must be RateLimit, not int"),
        (lambda: wrong.RateLimits(credits=5), TypeError, "RateLimits.credits must be Credits, not int"),
        (lambda: wrong.Credits(12.5), TypeError, "Credits.balance must be str, not float"),
        (lambda: wrong.Credits("1\n2"), ValueError, "Credits.balance must be printable ASCII"),
        (lambda: wrong.Credits(unlimited="no"), TypeError, "Credits.unlimited must be bool, not str"),
        (
            lambda: wrong.Answer("x", rate_limits={}),
            TypeError,
            "Answer.rate_limits must be RateLimits, not dict",
        ),
        (lambda: wrong.Answer(["a"]), TypeError, "An answer's part must be str, Message"),
        (lambda: wrong.Answer("x", usage=5), TypeError, "Answer.usage must be Usage, not int"),
        (
            lambda: wrong.Answer(wrong.Disconnect(), "x"),
            ValueError,
            "Disconnect ends the response, but part 1 of 2 is one",
        ),
        (lambda: wrong.Answer("x", HttpFailure(500)), ValueError, "only Pause and Stall may stand before it"),
        (lambda: wrong.OfflineModel(3), TypeError, "An answer must be str or Answer, not 3"),
        (lambda: wrong.OfflineModel([]), ValueError, "empty list of answers for the list"),
        (lambda: wrong.OfflineModel({"p": []}), ValueError, "empty list of answers for 'p'"),
        (lambda: wrong.OfflineModel({"p": 3}), TypeError, "An answer must be str or Answer, not 3"),
        (lambda: wrong.OfflineModel({3: "x"}), TypeError, "A script's key must be str or a compiled pattern"),
        (
            lambda: wrong.OfflineModel({re.compile(b"x"): "x"}),
            TypeError,
            "A script's key must be str or a compiled",
        ),
        (
            lambda: wrong.OfflineModel(wrong.Answer(wrong.FunctionCall("f"))),
            ValueError,
            "would be repeated for ever",
        ),
        (
            lambda: wrong.OfflineModel({"p": wrong.Answer(wrong.CustomToolCall("f", ""))}),
            ValueError,
            "Give a list: the call first",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        make()


async def _responder(_: object) -> str:
    return ""


class _Responder:
    async def __call__(self, _: object) -> str:
        return ""


@pytest.mark.parametrize("responder", [_responder, functools.partial(_responder), _Responder()])
def test_an_async_responder_is_refused(responder: object) -> None:
    with pytest.raises(TypeError, match="Responders are sync functions that return str, Answer or None"):
        wrong.OfflineModel(responder)


def test_waits_may_stand_before_an_http_failure() -> None:
    assert Answer(Stall(), Pause(1), HttpFailure(500)).ends_with_failure


def test_without_aiohttp_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ImportError, match=re.escape('pip install "codex-app-server-sdk[testing]"')):
        OfflineModel()


def test_a_model_that_is_not_running_says_how_to_run_it() -> None:
    model = OfflineModel()
    uses: list[Callable[[], object]] = [
        model.config,
        model.hold,
        model.release,
        model.reset,
        lambda: model.env,
        lambda: model.requests,
        lambda: model.workspace,
        lambda: model.codex_home,
        lambda: model.base_url,
        lambda: model.wait_for_requests(1),
    ]
    for use in uses:
        with pytest.raises(OfflineModelError, match="use it inside `with OfflineModel"):
            use()
    model.close()


def test_a_running_model_refuses_wrong_arguments(model: OfflineModel) -> None:
    with pytest.raises(OfflineModelError, match="running already"):
        model.__enter__()
    with pytest.raises(ValueError, match="count must be 0 or more"):
        model.wait_for_requests(-1)
    with pytest.raises(ValueError, match="timeout_s must be a finite number"):
        model.wait_for_requests(1, timeout_s=-1)
    with pytest.raises(TypeError, match="prompt must be str"):
        wrong.OfflineModel.release(model, prompt=3)
    with pytest.raises(TypeError, match="count must be int"):
        wrong.OfflineModel.release(model, count="1")
    with pytest.raises(TypeError, match="no_such_field"):
        model.config(no_such_field=1)
    with pytest.raises(ValueError, match="empty list"):
        model.reset([])


def test_every_name_of_the_kit_exists() -> None:
    assert sorted(kit.__all__) == kit.__all__
    assert all(hasattr(kit, name) for name in kit.__all__)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_model_is_neither_copied_nor_pickled(copied: Callable[[OfflineModel], object]) -> None:
    with pytest.raises(TypeError, match="OfflineModel cannot be copied or pickled: it owns a server"):
        copied(OfflineModel())


def test_a_model_says_where_it_stands() -> None:
    model = OfflineModel("Yes.")
    assert repr(model) == "<OfflineModel not running>"
    with model:
        assert repr(model) == f"<OfflineModel {model.base_url}>"
    assert repr(model) == "<OfflineModel not running>"
