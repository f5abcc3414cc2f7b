"""The rate limits that a response reports, from which the runtime makes `account/rateLimits/updated`.

Plain data that is checked when it is made; `Answer(rate_limits=...)` carries it, and the server sends it as
the HTTP headers that the runtime reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ._checks import require, require_count, require_percent


@dataclass(frozen=True)
class RateLimit:
    """How far one limit is used up; the fields are called as in the runtime's `RateLimitWindow`.

    Args:
        used_percent: Percent; the runtime rounds it to an integer.
        window_duration_mins: The minutes in which as much may be used.
        resets_at: When the next window begins, in seconds since 1970.

    Raises:
        TypeError: A wrong type.
        ValueError: Negative or not finite.

    Example:
        >>> RateLimit(42, window_duration_mins=300).used_percent
        42
    """

    used_percent: float
    window_duration_mins: int | None = None
    resets_at: int | None = None

    def __post_init__(self) -> None:
        require_percent(self.used_percent, "RateLimit.used_percent")
        for name in ("window_duration_mins", "resets_at"):
            if getattr(self, name) is not None:
                require_count(getattr(self, name), f"RateLimit.{name}")


@dataclass(frozen=True)
class Credits:
    """What is left of bought credits; the fields are those of the runtime's `CreditsSnapshot`.

    Args:
        balance: How much is left, as the text that the runtime passes on.
        has_credits: Whether there are any.
        unlimited: Whether they never run out.

    Raises:
        TypeError: A wrong type.
        ValueError: A balance that an HTTP header cannot hold.

    Example:
        >>> Credits("12.5").has_credits
        True
    """

    balance: str | None = None
    has_credits: bool = True
    unlimited: bool = False

    def __post_init__(self) -> None:
        if self.balance is not None:
            require(self.balance, str, "Credits.balance")
            if not self.balance.isascii() or not self.balance.isprintable():
                raise ValueError(f"Credits.balance must be printable ASCII, not {self.balance!r}")
        require(self.has_credits, bool, "Credits.has_credits")
        require(self.unlimited, bool, "Credits.unlimited")


@dataclass(frozen=True)
class RateLimits:
    """What a response says about the account's limits. The runtime reports it after the response, and reports
    nothing but None for a response without.

    Args:
        primary: The shorter limit, in general of five hours.
        secondary: The longer one, in general of a week.
        credits: Bought credits.

    Raises:
        TypeError: A wrong type.

    Example:
        >>> from codex_app_server.testing import Answer
        >>> limits = RateLimits(primary=RateLimit(42, window_duration_mins=300))
        >>> answer = Answer("Done.", rate_limits=limits)
    """

    primary: RateLimit | None = None
    secondary: RateLimit | None = None
    credits: Credits | None = None

    def __post_init__(self) -> None:
        for name, kind in (("primary", RateLimit), ("secondary", RateLimit), ("credits", Credits)):
            if getattr(self, name) is not None:
                require(getattr(self, name), kind, f"RateLimits.{name}")

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers that say so."""
        return dict(self._headers())

    def _headers(self) -> Iterator[tuple[str, str]]:
        for name, limit in (("primary", self.primary), ("secondary", self.secondary)):
            if limit is not None:
                yield f"x-codex-{name}-used-percent", str(limit.used_percent)
                if limit.window_duration_mins is not None:
                    yield f"x-codex-{name}-window-minutes", str(limit.window_duration_mins)
                if limit.resets_at is not None:
                    yield f"x-codex-{name}-reset-at", str(limit.resets_at)
        if self.credits is not None:
            yield "x-codex-credits-has-credits", str(self.credits.has_credits).lower()
            yield "x-codex-credits-unlimited", str(self.credits.unlimited).lower()
            if self.credits.balance is not None:
                yield "x-codex-credits-balance", self.credits.balance
