"""What a deadline and a patience are, on a clock that only the test moves."""

from __future__ import annotations

import math
import time
from typing import Any, cast

import pytest

from codex_app_server._concurrency.deadline import NEVER, Deadline, Expired, Patience, seconds
from codex_app_server.errors import InvalidInputError, InvalidInputTypeError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Silence:
    """What a patience asks a subscription: seconds since the last event, None before the first."""

    def __init__(self, idle_s: float | None) -> None:
        self._idle_s = idle_s

    def idle_s(self) -> float | None:
        return self._idle_s


def silence(idle_s: float | None) -> Any:
    return cast("Any", Silence(idle_s))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.mark.parametrize(
    ("given", "meant"), [(None, None), (0, 0.0), (-1, -1.0), (1.5, 1.5), (math.inf, math.inf)]
)
def test_a_number_of_seconds_is_taken_as_it_is(given: float | None, meant: float | None) -> None:
    assert seconds("timeout_s", given) == meant


@pytest.mark.parametrize("given", [True, False, "1", b"1", [1]])
def test_what_is_no_number_is_refused_by_its_name(given: Any) -> None:
    with pytest.raises(InvalidInputTypeError, match=rf"idle_s must be .* not {type(given).__name__}\."):
        seconds("idle_s", given)


@pytest.mark.parametrize("given", [math.nan, 10**400])
def test_what_no_clock_can_hold_is_refused_by_its_name(given: float) -> None:
    with pytest.raises(InvalidInputError, match="idle_s"):
        seconds("idle_s", given)


def test_a_deadline_runs_from_when_it_is_made(clock: Clock) -> None:
    deadline = Deadline(2.0)
    clock.now += 0.5
    assert deadline.left() == 1.5
    clock.now += 2
    assert deadline.left() == -0.5
    assert (NEVER.left(), NEVER.is_given, NEVER.is_of_call) == (math.inf, False, False)


def test_a_deadline_of_a_turn_leaves_the_requests_theirs() -> None:
    assert (Deadline(0).is_given, Deadline(0).is_of_call) == (True, True)
    assert (Deadline(0, of_turn=True).is_given, Deadline(0, of_turn=True).is_of_call) == (True, False)


def test_what_was_missed_is_named_with_its_time() -> None:
    missed = Deadline(1.5).missed("model/list")
    assert str(missed).startswith("No answer to model/list within 1.5 s")
    assert "Raise timeout_s" in str(missed)
    assert (missed.timeout_s, missed.was_sent) == (1.5, True)
    assert not Deadline(1.5).missed("model/list", was_sent=False).was_sent
    assert "may go on" in str(Deadline(1.5).missed("command/exec", goes_on=True))
    assert "may go on" not in str(missed)
    ended = Deadline(1.5).missed_end("The login")
    assert str(ended) == "The login is not over after 1.5 s. Wait again, or end it."
    assert ended.timeout_s == 1.5


def test_a_patience_ends_at_whichever_of_the_two_comes_first(clock: Clock) -> None:
    patience = Patience(Deadline(10.0), 2.0)
    assert patience.left(silence(0.5)) == 1.5
    clock.now += 9
    assert patience.left(silence(0.5)) == 1.0
    assert Patience(NEVER, None).left(silence(99.0)) == math.inf
    assert Patience(NEVER, 2.0).left(silence(None)) == 2.0


def test_a_patience_is_endless_only_if_neither_was_given() -> None:
    assert Patience(NEVER, None).is_endless
    assert not Patience(Deadline(1.0), None).is_endless
    assert not Patience(NEVER, 1.0).is_endless


def test_the_end_of_the_time_says_so_until_it_is_longer(clock: Clock) -> None:
    patience = Patience(Deadline(1.0), None)
    clock.now += 0.9
    patience.check(silence(0.0))
    clock.now += 0.2
    for _ in range(2):
        with pytest.raises(Expired) as caught:
            patience.check(silence(0.0))
        assert (caught.value.timeout_s, caught.value.is_idle) == (1.0, False)


def test_whoever_goes_on_after_a_silence_waits_as_long_again(clock: Clock) -> None:
    patience = Patience(NEVER, 2.0)
    patience.check(silence(1.9))
    with pytest.raises(Expired) as caught:
        patience.check(silence(2.0))
    assert (caught.value.timeout_s, caught.value.is_idle) == (2.0, True)
    clock.now += 1.5
    assert patience.left(silence(3.5)) == 0.5
    patience.check(silence(3.5))
    clock.now += 0.5
    with pytest.raises(Expired):
        patience.check(silence(4.0))
