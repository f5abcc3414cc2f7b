"""How long a call, or a turn, may take.

Owns what `timeout_s=` and `idle_timeout_s=` mean and which values make sense. Counts from when it is made, so
a public method makes it first of all. Waits for nothing: who waits asks it how long.
"""

from __future__ import annotations

import math
import time

from .._native import Subscription
from ..errors import InvalidInputError, InvalidInputTypeError, RequestTimeoutError, WaitTimeoutError


def seconds(name: str, value: float | None) -> float | None:
    """A length of time that a caller gave; infinity is none. What is not positive is over at once.

    Raises:
        InvalidInputTypeError: It is no number.
        InvalidInputError: It is not a number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInputTypeError(f"{name} must be a number of seconds, not {type(value).__name__}.")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.nan
    if math.isnan(seconds):
        raise InvalidInputError(f"{name} must be a number of seconds that a float can hold.")
    return seconds


class Deadline:
    """The end of the time that a call may take from now on.

    Args:
        timeout_s: Seconds, of the whole call; None leaves each of its requests to
            `CodexConfig.request_timeout_s`, which counts from when the line is written.
        of_turn: It is the time of a turn. A request on its way there has its own deadline besides.
    """

    __slots__ = ("_due", "is_given", "is_of_call", "timeout_s")

    def __init__(self, timeout_s: float | None = None, *, of_turn: bool = False) -> None:
        self.timeout_s = seconds("timeout_s", timeout_s)
        # Whether the caller has set one, and whether it stands in the place of the requests' own.
        self.is_given = self.timeout_s is not None
        self.is_of_call = self.is_given and not of_turn
        self._due = math.inf if self.timeout_s is None else time.monotonic() + self.timeout_s

    def left(self) -> float:
        """Seconds until then, infinite without one; not positive once it is over."""
        return self._due - time.monotonic()

    def missed(self, method: str, *, was_sent: bool = True, goes_on: bool = False) -> RequestTimeoutError:
        """The error of a request that was not answered by then. `goes_on`: it is answered when work ends."""
        timeout_s = self.timeout_s or 0.0
        return RequestTimeoutError(method, timeout_s, was_sent=was_sent, of_call=True, goes_on=goes_on)

    def missed_end(self, what: str) -> WaitTimeoutError:
        """The error of whoever waits for the end of something that was not over by then."""
        seconds = self.timeout_s or 0.0
        return WaitTimeoutError(f"{what} is not over after {seconds:g} s. Wait again, or end it.", seconds)


class Patience:
    """How long a turn may take, and for how long it may be silent.

    Args:
        deadline: When it is over, whatever it does.
        idle_timeout_s: For how many seconds nothing of it may arrive; None for any time.
    """

    __slots__ = ("_idle_timeout_s", "_told_at", "deadline")

    def __init__(self, deadline: Deadline, idle_timeout_s: float | None) -> None:
        self.deadline = deadline
        self._idle_timeout_s = seconds("idle_timeout_s", idle_timeout_s)
        # Who goes on after that waits as long again.
        self._told_at = -math.inf

    @property
    def is_endless(self) -> bool:
        """Whether the caller has set neither."""
        return self._idle_timeout_s is None and not self.deadline.is_given

    def left(self, subscription: Subscription) -> float:
        """Seconds until one of the two may be over; not positive once one is."""
        return min(self.deadline.left(), self._idle_left(subscription))

    def _idle_left(self, subscription: Subscription) -> float:
        if self._idle_timeout_s is None:
            return math.inf
        idle_s = subscription.idle_s()
        # While a person or a tool is waited for, time stands still: what is left is all of it.
        return self._idle_timeout_s - min(idle_s or 0.0, time.monotonic() - self._told_at)

    def check(self, subscription: Subscription) -> None:
        """Raise `Expired` if one of the two is over."""
        if self.deadline.timeout_s is not None and self.deadline.left() <= 0:
            raise Expired(self.deadline.timeout_s, is_idle=False)
        if self._idle_timeout_s is not None and self._idle_left(subscription) <= 0:
            self._told_at = time.monotonic()
            raise Expired(self._idle_timeout_s, is_idle=True)


class Expired(Exception):
    """So many seconds are over, of the turn or (`is_idle`) of its silence. It becomes the error of a turn."""

    def __init__(self, timeout_s: float, *, is_idle: bool) -> None:
        super().__init__(timeout_s, is_idle)
        self.timeout_s = timeout_s
        self.is_idle = is_idle


NEVER = Deadline()
