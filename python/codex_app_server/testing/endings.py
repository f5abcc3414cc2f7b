"""How an answer can end badly: an HTTP status, a failed or incomplete response, a dropped connection.

Plain data that is checked when it is made; at most one stands in an `Answer`, as its last part.
"""

from __future__ import annotations

from dataclasses import dataclass

from ._checks import require, require_count, require_delay


@dataclass(frozen=True)
class HttpFailure:
    """Answer with an HTTP error status instead of a stream; only `Pause` and `Stall` may stand before it.

    Args:
        status: 400 to 599.
        message: The error's text.
        code: The error's code, e.g. `"server_is_overloaded"`.
        type: The error's type, e.g. `"usage_limit_reached"`.
        retry_after_s: Seconds for a `Retry-After` header.
        param: The part of the request that the error is about, e.g. `"text.format.schema"`.

    Raises:
        TypeError: A wrong type.
        ValueError: A status that is no error, or a negative delay.

    Example:
        >>> from codex_app_server.testing import Answer
        >>> answer = Answer(HttpFailure(429, type="usage_limit_reached"))
    """

    status: int
    message: str = "The offline model was told to fail."
    code: str | None = None
    type: str | None = None
    retry_after_s: float | None = None
    param: str | None = None

    def __post_init__(self) -> None:
        require_count(self.status, "HttpFailure.status")
        if not 400 <= self.status <= 599:
            raise ValueError(f"HttpFailure.status must be 400 to 599, not {self.status}")
        require(self.message, str, "HttpFailure.message")
        for name in ("code", "type", "param"):
            if getattr(self, name) is not None:
                require(getattr(self, name), str, f"HttpFailure.{name}")
        if self.retry_after_s is not None:
            require_delay(self.retry_after_s, "HttpFailure.retry_after_s")


@dataclass(frozen=True)
class ResponseFailure:
    """End the stream with `response.failed`.

    Args:
        code: What failed, e.g. `"context_length_exceeded"`, `"insufficient_quota"`, `"rate_limit_exceeded"`,
            `"server_is_overloaded"`, `"invalid_prompt"`, `"server_error"`.
        message: The error's text.

    Raises:
        TypeError: A wrong type.

    Example:
        >>> from codex_app_server.testing import Answer
        >>> answer = Answer("Half an ans", ResponseFailure("server_error"))
    """

    code: str = "server_error"
    message: str = "The offline model was told to fail."

    def __post_init__(self) -> None:
        require(self.code, str, "ResponseFailure.code")
        require(self.message, str, "ResponseFailure.message")


@dataclass(frozen=True)
class Incomplete:
    """End the stream with `response.incomplete`.

    Args:
        reason: `"max_output_tokens"`, `"content_filter"`, or any other text.

    Raises:
        TypeError: A wrong type.

    Example:
        >>> from codex_app_server.testing import Answer
        >>> answer = Answer("Far too lo", Incomplete())
    """

    reason: str = "max_output_tokens"

    def __post_init__(self) -> None:
        require(self.reason, str, "Incomplete.reason")


@dataclass(frozen=True)
class Disconnect:
    """Drop the connection where it stands: in mid-stream, or, as the only part, before any byte of an answer.

    Example:
        >>> from codex_app_server.testing import Answer
        >>> answer = Answer("Half an ans", Disconnect())
    """


Ending = HttpFailure | ResponseFailure | Incomplete | Disconnect
