"""What an answer is made of: messages, reasoning, tool calls, raw events and waits, each a small frozen
value.

Plain data that is checked when it is made. How an answer can fail stands in `endings`; `_wire` renders both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ._checks import chunks_of, json_of, require, require_delay

MessagePhase = Literal["commentary", "final_answer"]


@dataclass(frozen=True)
class Message:
    """An assistant message, streamed in chunks; each chunk is one delta event.

    Args:
        text: A `str` is streamed word by word. A sequence of `str` gives the chunks exactly.
        phase: `"commentary"`, `"final_answer"`, or `None` for a message without a phase.
        chunk_delay_s: Seconds to wait before each chunk.

    Raises:
        TypeError: `text` is neither text nor chunks, or a field has the wrong type.
        ValueError: `chunk_delay_s` is negative or not finite, or `phase` is unknown.

    Example:
        >>> Message("Hello there.", phase="final_answer").chunks
        ('Hello ', 'there.')
    """

    text: str | Sequence[str]
    phase: MessagePhase | None = None
    chunk_delay_s: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "text", self.text if isinstance(self.text, str) else chunks_of(self.text, "Message.text")
        )
        require_delay(self.chunk_delay_s, "Message.chunk_delay_s")
        if self.phase is not None and self.phase not in get_args(MessagePhase):
            raise ValueError(
                f"Message.phase must be None or one of {get_args(MessagePhase)}, not {self.phase!r}"
            )

    @property
    def chunks(self) -> tuple[str, ...]:
        """The deltas; joined they are the message's text."""
        return chunks_of(self.text, "Message.text")


@dataclass(frozen=True)
class Reasoning:
    """A reasoning item: a summary, the raw reasoning text, or both.

    Args:
        summary: The summary's text, chunked as in `Message`; empty for none.
        text: The raw reasoning text, chunked the same way; empty for none.
        chunk_delay_s: Seconds to wait before each chunk.

    Raises:
        TypeError: A text is neither text nor chunks.
        ValueError: `chunk_delay_s` is negative or not finite.

    Example:
        >>> Reasoning("Looking it up.").summary_chunks
        ('Looking ', 'it ', 'up.')
    """

    summary: str | Sequence[str] = ""
    text: str | Sequence[str] = ""
    chunk_delay_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("summary", "text"):
            value = getattr(self, name)
            object.__setattr__(
                self, name, value if isinstance(value, str) else chunks_of(value, f"Reasoning.{name}")
            )
        require_delay(self.chunk_delay_s, "Reasoning.chunk_delay_s")

    @property
    def summary_chunks(self) -> tuple[str, ...]:
        """The summary's deltas."""
        return chunks_of(self.summary, "Reasoning.summary")

    @property
    def text_chunks(self) -> tuple[str, ...]:
        """The raw text's deltas."""
        return chunks_of(self.text, "Reasoning.text")


@dataclass(frozen=True)
class FunctionCall:
    """A call of a function tool: one of the runtime's own (`exec_command`, …) or a dynamic tool of the
    thread.

    The runtime runs the tool and asks the model again with the output, so a script needs a further answer
    that ends the turn.

    Args:
        name: The tool's name.
        arguments: A mapping, or a `str` that is sent as it is (also one that is not JSON).
        namespace: The tool's namespace, for tools that live in one.

    Raises:
        TypeError: A wrong type, or `arguments` that JSON cannot hold.
        ValueError: An empty name.

    Example:
        >>> FunctionCall("exec_command", {"cmd": "ls"}).arguments
        '{"cmd": "ls"}'
    """

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    namespace: str | None = None

    def __post_init__(self) -> None:
        require(self.name, str, "FunctionCall.name")
        if not self.name:
            raise ValueError("FunctionCall.name must not be empty")
        if self.namespace is not None:
            require(self.namespace, str, "FunctionCall.namespace")
        if not isinstance(self.arguments, str):
            require(self.arguments, Mapping, "FunctionCall.arguments")
            object.__setattr__(self, "arguments", json_of(dict(self.arguments), "FunctionCall.arguments"))


@dataclass(frozen=True)
class CustomToolCall:
    """A call of a free-form tool, for example `apply_patch`; like `FunctionCall` it needs a further answer.

    Args:
        name: The tool's name.
        input: The free-form input.

    Raises:
        TypeError: A wrong type.
        ValueError: An empty name.

    Example:
        >>> CustomToolCall("apply_patch", "*** Begin Patch ...").name
        'apply_patch'
    """

    name: str
    input: str

    def __post_init__(self) -> None:
        require(self.name, str, "CustomToolCall.name")
        require(self.input, str, "CustomToolCall.input")
        if not self.name:
            raise ValueError("CustomToolCall.name must not be empty")


@dataclass(frozen=True)
class Event:
    """Any event of the Responses API's stream, sent as it is: the way to what the other parts cannot say.

    Args:
        data: The event as a mapping with a `"type"`.

    Raises:
        TypeError: `data` is not a mapping that JSON can hold.
        ValueError: There is no `"type"`.

    Example:
        >>> Event({"type": "response.something_new"}).type
        'response.something_new'
    """

    data: Mapping[str, Any]

    def __post_init__(self) -> None:
        require(self.data, Mapping, "Event.data")
        if not isinstance(self.data.get("type"), str):
            raise ValueError('Event.data must have a "type" that is a str')
        object.__setattr__(self, "data", json.loads(json_of(dict(self.data), "Event.data")))

    @property
    def type(self) -> str:
        """The event's type."""
        return str(self.data["type"])


@dataclass(frozen=True)
class Pause:
    """Wait before the next part.

    Args:
        delay_s: Seconds.

    Raises:
        TypeError: Not a number.
        ValueError: Negative or not finite.

    Example:
        >>> from codex_app_server.testing import Answer
        >>> answer = Answer("Wait", Pause(0.5), "... done.")
    """

    delay_s: float

    def __post_init__(self) -> None:
        require_delay(self.delay_s, "Pause.delay_s")


@dataclass(frozen=True)
class Stall:
    """Say nothing more until `OfflineModel.release()` is called.

    Example:
        >>> from codex_app_server.testing import Answer
        >>> answer = Answer("Thinking", Stall(), "about it.")
    """


Content = Message | Reasoning | FunctionCall | CustomToolCall | Event
Wait = Pause | Stall
