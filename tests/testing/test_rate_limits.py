"""Rate limits that an answer reports, and what the runtime makes of them."""

from __future__ import annotations

import pytest

from codex_app_server import Codex, TurnFailedError
from codex_app_server.models import AccountRateLimitsUpdatedNotification
from codex_app_server.testing import Answer, Credits, HttpFailure, OfflineModel, RateLimit, RateLimits, Script
from tests.payloads import payload

LIMITS = RateLimits(
    primary=RateLimit(42.5, window_duration_mins=300, resets_at=1_795_890_000),
    secondary=RateLimit(7, window_duration_mins=10_080),
    credits=Credits("12.5"),
)


def _reported(model: OfflineModel, codex: Codex, script: Script) -> AccountRateLimitsUpdatedNotification:
    model.reset(script)
    with codex.notifications(AccountRateLimitsUpdatedNotification) as events:
        codex.thread_start().run("go")
        return payload(next(events), AccountRateLimitsUpdatedNotification)


def test_the_rate_limits_of_an_answer_are_reported(model: OfflineModel, codex: Codex) -> None:
    reported = _reported(model, codex, Answer("done", rate_limits=LIMITS)).rate_limits
    assert reported.primary is not None
    assert reported.secondary is not None
    assert reported.credits is not None
    # The runtime rounds.
    assert (reported.primary.used_percent, reported.primary.window_duration_mins) == (43, 300)
    assert reported.primary.resets_at == 1_795_890_000
    assert (reported.secondary.used_percent, reported.secondary.resets_at) == (7, None)
    assert (reported.credits.balance, reported.credits.has_credits, reported.credits.unlimited) == (
        "12.5",
        True,
        False,
    )


def test_an_answer_without_rate_limits_reports_none(model: OfflineModel, codex: Codex) -> None:
    reported = _reported(model, codex, "done").rate_limits
    assert (reported.primary, reported.secondary, reported.credits) == (None, None, None)


def test_a_failure_may_report_the_limit_that_was_met(
    model: OfflineModel, codex: Codex, caplog: pytest.LogCaptureFixture
) -> None:
    met = RateLimits(primary=RateLimit(100, window_duration_mins=300))
    script = Answer(HttpFailure(429, type="usage_limit_reached"), rate_limits=met)
    model.reset(script)
    with codex.notifications(AccountRateLimitsUpdatedNotification) as events:
        with pytest.raises(TurnFailedError, match="usage limit"):
            codex.thread_start().run("go")
        reported = payload(next(events), AccountRateLimitsUpdatedNotification).rate_limits
    assert reported.primary is not None
    assert reported.primary.used_percent == 100
    assert "has met a limit" in caplog.text
    caplog.clear()
