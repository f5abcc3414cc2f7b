"""What commands and processes write, as bytes.

Owns `OutputChunk` and the decoder that makes it: the wire has base64 in JSON, and neither reaches the
program. Used by the handles of commands and processes.
"""

from __future__ import annotations

import base64
import functools
import json
from dataclasses import dataclass
from typing import Any

from .._native import Decoder
from ..models import Notification
from . import decoding

_METHODS = ("command/exec/outputDelta", "process/outputDelta")


@dataclass(frozen=True, slots=True)
class OutputChunk:
    """A piece of what a command or process wrote.

    Pieces are cut anywhere, also within a character: decode the text of a stream as a whole, or with an
    incremental decoder.

    Args:
        stream: "stdout" or "stderr". A terminal has only the first.
        data: The bytes.
        cap_reached: True on the last piece of a stream whose further output is left out, because of
            `output_bytes_cap`.

    Example:
        >>> OutputChunk("stdout", b"hello").data.decode()
        'hello'
    """

    stream: str
    data: bytes
    cap_reached: bool = False


@functools.cache
def decoder() -> Decoder:
    """The decoder of output: its events' payloads are `OutputChunk`s; others are as usual."""
    from .._native import Decoder

    return Decoder(Notification, _payload)


def _payload(method: str, params: bytes) -> Any:
    if method not in _METHODS:
        return decoding.payload(method, params)
    try:
        found = json.loads(params)
        data = base64.b64decode(found["deltaBase64"], validate=True)
        stream, cap_reached = found["stream"], found.get("capReached", False)
        if isinstance(stream, str) and isinstance(cap_reached, bool):
            return OutputChunk(stream, data, cap_reached)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        pass
    # A newer runtime's output: kept as what has no model is.
    return decoding.payload("", params)
