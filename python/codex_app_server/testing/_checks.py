"""Checks of what a user hands in, made where a value is made, so that an error points at the line that is
wrong.

Called by the public values and `OfflineModel`; each raises TypeError or ValueError with the field's name.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence


def require(value: object, kind: type, what: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{what} must be {kind.__name__}, not {type(value).__name__}")


def require_delay(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what} must be a number of seconds, not {type(value).__name__}")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{what} must be a finite number of seconds, 0 or more, not {value!r}")


def require_percent(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what} must be a number, not {type(value).__name__}")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{what} must be a finite number, 0 or more, not {value!r}")


def require_count(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} must be int, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{what} must be 0 or more, not {value}")


def chunks_of(text: object, what: str) -> tuple[str, ...]:
    """A `str` word by word (each with the white space after it), a sequence of `str` as it is given."""
    if isinstance(text, str):
        return tuple(re.findall(r"\S+\s*|\s+", text))
    if isinstance(text, Sequence) and all(isinstance(chunk, str) for chunk in text):
        return tuple(text)
    raise TypeError(f"{what} must be str or a sequence of str (the chunks), not {text!r}")


def json_of(value: object, what: str) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what} must be JSON data: {error}") from None
