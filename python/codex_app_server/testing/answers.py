"""What the offline model says to one request: an `Answer` is parts in order, and the usage and rate limits
that it reports.

Knows neither HTTP nor the event stream (`_wire` renders an answer) nor which request it answers (`script`
decides). Everything in it is plain data, because answers travel to the server's process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from ._checks import require, require_count
from .endings import Ending, HttpFailure
from .limits import RateLimits
from .parts import Content, CustomToolCall, FunctionCall, Message, Pause, Stall, Wait

Part = Content | Wait | Ending


@dataclass(frozen=True)
class Usage:
    """The tokens that a response says it used.

    Args:
        input_tokens: All input tokens, cached ones included.
        output_tokens: All output tokens, reasoning included.
        cached_input_tokens: Of the input tokens, those read from the cache.
        reasoning_output_tokens: Of the output tokens, those spent on reasoning.

    Raises:
        TypeError: Not an int.
        ValueError: Negative.

    Example:
        >>> Usage(input_tokens=10, output_tokens=5).total_tokens
        15
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_output_tokens: int = 0

    def __post_init__(self) -> None:
        for name in ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_output_tokens"):
            require_count(getattr(self, name), f"Usage.{name}")

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, init=False)
class Answer:
    """What the model says to one request: parts in order, and the usage and rate limits it reports.

    A tool call in it makes the runtime run the tool and send a further request, which needs a further answer.
    Without a failure at its end the response completes normally.

    Args:
        *parts: Parts in the order of the stream; a bare `str` is a `Message`.
        usage: The tokens to report. `None` reports one input token per word of the prompt and one output
            token per chunk.
        rate_limits: The account's limits to report; an answer without them reports none.

    Raises:
        TypeError: Something that is not a part, or a field of the wrong type.
        ValueError: A failure that is not the last part, or parts before an `HttpFailure`.

    Example:
        >>> from codex_app_server.testing import Reasoning
        >>> answer = Answer(
        ...     Reasoning("Let me see."),
        ...     Message("Looking.", phase="commentary"),
        ...     FunctionCall("exec_command", {"cmd": "ls"}),
        ... )
        >>> answer.calls_tools
        True
    """

    parts: tuple[Part, ...]
    usage: Usage | None
    rate_limits: RateLimits | None

    def __init__(
        self, *parts: Part | str, usage: Usage | None = None, rate_limits: RateLimits | None = None
    ) -> None:
        made = tuple(Message(part) if isinstance(part, str) else part for part in parts)
        for part in made:
            if not isinstance(part, get_args(Part)):
                raise TypeError(
                    f"An answer's part must be str, Message, Reasoning, FunctionCall, … , not {part!r}"
                )
        for before, part in enumerate(made[:-1], start=1):
            if isinstance(part, get_args(Ending)):
                raise ValueError(
                    f"{type(part).__name__} ends the response, but part {before} of {len(made)} is one"
                )
        if (
            made
            and isinstance(made[-1], HttpFailure)
            and not all(isinstance(part, (Pause, Stall)) for part in made[:-1])
        ):
            raise ValueError(
                "HttpFailure takes the place of the stream: only Pause and Stall may stand before it"
            )
        if usage is not None:
            require(usage, Usage, "Answer.usage")
        if rate_limits is not None:
            require(rate_limits, RateLimits, "Answer.rate_limits")
        object.__setattr__(self, "parts", made)
        object.__setattr__(self, "usage", usage)
        object.__setattr__(self, "rate_limits", rate_limits)

    @property
    def calls_tools(self) -> bool:
        """Whether the runtime will come back with tool outputs."""
        return any(isinstance(part, (FunctionCall, CustomToolCall)) for part in self.parts)

    @property
    def ends_with_failure(self) -> bool:
        """Whether the response does not complete."""
        return bool(self.parts) and isinstance(self.parts[-1], get_args(Ending))
