"""The requests of the low-level clients: what the caller wrote, by the wire's names, and no default of ours.

Owns how their arguments become params. Nothing here waits; the runtime judges what the params say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._arguments import is_sequence
from .._incoming import decoding
from ..errors import InvalidInputTypeError
from .requests import Request, fields_of


def request(method: str, params: Any = None, /, **named: Any) -> Request[Any]:
    """`params` with what the call itself names, which wins.

    Raises:
        InvalidInputTypeError: `params` are neither a dict with str keys nor a model of one.
        InvalidInputError: They are a model with values that cannot be sent.
    """
    return Request(method, {**({} if params is None else fields_of(params)), **named}, decoding.answer)


def bare(method: str) -> Request[Any]:
    """A request that has no params."""
    return Request(method, None, decoding.answer)


def turn_start(thread_id: str, input_items: Any, params: Any) -> Request[Any]:
    fields = {} if params is None else fields_of(params)
    fields |= {"threadId": thread_id, "input": items(input_items)}
    return Request("turn/start", fields, decoding.answer, turn_of=thread_id)


def items(value: Any) -> list[Any]:
    """The input of a turn: a text, one item, or a list of items.

    Raises:
        InvalidInputTypeError: It is none of these.
    """
    if isinstance(value, str):
        return [{"type": "text", "text": value}]
    if isinstance(value, Mapping):
        return [dict(value)]
    if is_sequence(value):
        return list(value)
    raise InvalidInputTypeError(
        f"The input must be a str, a dict or a list of dicts, not {type(value).__name__}."
    )
