"""Renders an `Answer` into the steps of one HTTP response: the events of the Responses API's stream, waits,
and endings.

Pure: no clock, no socket, no state, so the ids and events of an answer depend on the request's number alone.
The server plays the steps; nobody else calls this.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .answers import Answer, Usage
from .endings import Disconnect, HttpFailure, Incomplete, ResponseFailure
from .parts import Content, CustomToolCall, FunctionCall, Message, Pause, Reasoning, Stall


@dataclass(frozen=True)
class Send:
    """Write these bytes of the event stream."""

    data: bytes


Step = Send | Pause | Stall | HttpFailure | Disconnect


def steps(answer: Answer, request_number: int, prompt: str) -> Iterator[Step]:
    """The steps that play `answer` as the response to the request of this number."""
    if answer.parts == (Disconnect(),) or (answer.parts and isinstance(answer.parts[-1], HttpFailure)):
        # No stream is opened; `Answer` has made sure that only waits stand before a status.
        yield from (
            part for part in answer.parts if isinstance(part, (Pause, Stall, HttpFailure, Disconnect))
        )
        return
    response_id = f"resp_{request_number}"
    yield _send(
        "response.created",
        response={"id": response_id, "object": "response", "status": "in_progress", "output": []},
    )
    for index, part in enumerate(answer.parts):
        if isinstance(part, (Pause, Stall, Disconnect)):
            yield part
        elif isinstance(part, ResponseFailure):
            error = {"code": part.code, "message": part.message}
            yield _send("response.failed", response={"id": response_id, "status": "failed", "error": error})
        elif isinstance(part, Incomplete):
            details = {"reason": part.reason}
            yield _send(
                "response.incomplete",
                response={"id": response_id, "status": "incomplete", "incomplete_details": details},
            )
        elif not isinstance(part, HttpFailure):
            yield from _part(part, index, f"{request_number}_{index + 1}")
    if not answer.ends_with_failure:
        usage = answer.usage if answer.usage is not None else _counted(answer, prompt)
        yield _send(
            "response.completed", response={"id": response_id, "status": "completed", "usage": _usage(usage)}
        )


def _part(part: Content, index: int, suffix: str) -> Iterator[Step]:
    if isinstance(part, Message):
        yield from _message(part, index, f"msg_{suffix}")
    elif isinstance(part, Reasoning):
        yield from _reasoning(part, index, f"rs_{suffix}")
    elif isinstance(part, FunctionCall):
        item = {
            "type": "function_call",
            "id": f"fc_{suffix}",
            "call_id": f"call_{suffix}",
            "name": part.name,
            "arguments": part.arguments,
        }
        if part.namespace is not None:
            item["namespace"] = part.namespace
        yield from _item(item, {**item, "arguments": ""}, index)
    elif isinstance(part, CustomToolCall):
        item = {
            "type": "custom_tool_call",
            "id": f"ctc_{suffix}",
            "call_id": f"call_{suffix}",
            "name": part.name,
            "input": part.input,
        }
        yield from _item(item, {**item, "input": ""}, index)
    else:
        yield Send(_encode(part.data))


def _item(done: Mapping[str, Any], added: Mapping[str, Any], index: int) -> Iterator[Step]:
    yield _send("response.output_item.added", output_index=index, item=added)
    yield _send("response.output_item.done", output_index=index, item=done)


def _message(part: Message, index: int, item_id: str) -> Iterator[Step]:
    chunks = part.chunks
    item: dict[str, Any] = {"type": "message", "id": item_id, "role": "assistant", "status": "completed"}
    if part.phase is not None:
        item["phase"] = part.phase
    yield _send(
        "response.output_item.added",
        output_index=index,
        item={**item, "status": "in_progress", "content": []},
    )
    for chunk in chunks:
        yield from _paced(part.chunk_delay_s)
        yield _send(
            "response.output_text.delta", item_id=item_id, output_index=index, content_index=0, delta=chunk
        )
    content = [{"type": "output_text", "text": "".join(chunks), "annotations": []}]
    yield _send("response.output_item.done", output_index=index, item={**item, "content": content})


def _reasoning(part: Reasoning, index: int, item_id: str) -> Iterator[Step]:
    summary, text = part.summary_chunks, part.text_chunks
    item: dict[str, Any] = {"type": "reasoning", "id": item_id, "summary": []}
    yield _send("response.output_item.added", output_index=index, item=item)
    at = {"item_id": item_id, "output_index": index}
    if summary:
        empty = {"type": "summary_text", "text": ""}
        yield _send("response.reasoning_summary_part.added", **at, summary_index=0, part=empty)
        for chunk in summary:
            yield from _paced(part.chunk_delay_s)
            yield _send("response.reasoning_summary_text.delta", **at, summary_index=0, delta=chunk)
        item["summary"] = [{"type": "summary_text", "text": "".join(summary)}]
    if text:
        for chunk in text:
            yield from _paced(part.chunk_delay_s)
            yield _send("response.reasoning_text.delta", **at, content_index=0, delta=chunk)
        item["content"] = [{"type": "reasoning_text", "text": "".join(text)}]
    yield _send("response.output_item.done", output_index=index, item=item)


def _paced(delay_s: float) -> Iterator[Step]:
    if delay_s > 0:
        yield Pause(delay_s)


def _counted(answer: Answer, prompt: str) -> Usage:
    output = reasoning = 0
    for part in answer.parts:
        if isinstance(part, Message):
            output += len(part.chunks)
        elif isinstance(part, Reasoning):
            reasoning += len(part.summary_chunks) + len(part.text_chunks)
    return Usage(
        input_tokens=len(prompt.split()), output_tokens=output + reasoning, reasoning_output_tokens=reasoning
    )


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_input_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_output_tokens},
        "total_tokens": usage.total_tokens,
    }


def _send(event_type: str, **fields: Any) -> Send:
    return Send(_encode({"type": event_type, **fields}))


def _encode(event: Mapping[str, Any]) -> bytes:
    data = json.dumps(event, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode()
