"""Values of either package as plain data that can be compared.

Owns what two values must have in common: an error of ours must be caught by whatever catches the official
one and say at least the same words, everything else must be equal. Ids, times and paths are renamed by the
order in which they appear, because no two runs have the same.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from types import ModuleType
from typing import Any

from pydantic import BaseModel

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HOME = re.compile(r"/[\w/.-]*codex-offline-[\w-]+")
# Dates in the names of stored threads, and what the runtime tells the model about a command.
_PASSING = re.compile(
    r"(?<=<current_date>)[\d-]+|\d{4}/\d\d/\d\d/|(?<=rollout-)[\dT-]+(?=<)"
    # What the runtime tells the model about a goal, counted at whatever moment.
    r"|(?<=\"tokensUsed\":)\d+|(?<=\"createdAt\":)\d+|(?<=\"updatedAt\":)\d+|(?<=\"timeUsedSeconds\":)\d+"
    r"|(?<=Chunk ID: )\w+|(?<=Wall time: )[\d.]+"
)
_TIMES = {
    "at",
    "completedAt",
    "completedAtMs",
    "completed_at",
    "createdAt",
    "durationMs",
    "duration_ms",
    "recencyAt",
    "startedAt",
    "startedAtMs",
    "started_at",
    "updatedAt",
}
_PASSING_KEYS = {"backwardsCursor", "cursor", "nextCursor", "processId"}
_CAUGHT_BY = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)


def plain(value: Any) -> Any:
    """`value` as JSON could have it, with the names of its classes."""
    if isinstance(value, BaseModel):
        return {"class": type(value).__name__, **value.model_dump(mode="json", by_alias=True)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        public = [each.name for each in dataclasses.fields(value) if not each.name.startswith("_")]
        return {"class": type(value).__name__, **{name: plain(getattr(value, name)) for name in public}}
    if isinstance(value, Enum):
        return {"class": type(value).__name__, "value": value.value}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    return value


def error(raised: BaseException, package: ModuleType) -> dict[str, Any]:
    """An exception: what catches it, what it says and what it carries."""
    own = [getattr(package, name) for name in package.__all__]
    classes = [kind for kind in own if isinstance(kind, type) and issubclass(kind, Exception)]
    caught = {kind.__name__ for kind in (*classes, *_CAUGHT_BY) if isinstance(raised, kind)}
    data = {name: getattr(raised, name) for name in ("code", "message", "data") if hasattr(raised, name)}
    return {"caught by": sorted(caught), "words": str(raised), **data}


class Renamer:
    """Replaces what differs from run to run, the same thing always by the same name."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def __call__(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self(each, key) for each in value]
        if key in _TIMES and isinstance(value, int):
            return "<time>"
        if key in _PASSING_KEYS and value is not None:
            return f"<{key}>"
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        text = _ID.sub(lambda found: self._ids.setdefault(found[0], f"<id {len(self._ids) + 1}>"), text)
        return _PASSING.sub("<passing>", _HOME.sub("<home>", text))


def common(official: Any, ours: Any) -> Any:
    """Ours without the fields that the official value lacks, in the official order."""
    if isinstance(official, dict) and isinstance(ours, dict):
        return {name: common(official[name], ours[name]) for name in official if name in ours}
    if isinstance(official, list) and isinstance(ours, list):
        known = [common(one, other) for one, other in zip(official, ours, strict=False)]
        return known + ours[len(known) :]
    return ours


def disagreements(official: Any, ours: Any, place: str = "") -> list[str]:
    """Where ours is not what a program that was written for the official package expects."""
    if isinstance(official, dict) and isinstance(ours, dict):
        if "caught by" in official and "caught by" in ours:
            return _errors(official, ours, place)
        found = [f"{place}.{name}: only one side has it" for name in sorted(official.keys() ^ ours.keys())]
        for name in official.keys() & ours.keys():
            found += disagreements(official[name], ours[name], f"{place}.{name}")
        return found
    if isinstance(official, list) and isinstance(ours, list):
        found = [] if len(official) == len(ours) else [f"{place}: {len(official)}, not {len(ours)}"]
        for number, (one, other) in enumerate(zip(official, ours, strict=False)):
            found += disagreements(one, other, f"{place}[{number}]")
        return found
    return [] if official == ours else [f"{place}: {official!r}, not {ours!r}"]


def _errors(official: dict[str, Any], ours: dict[str, Any], place: str) -> list[str]:
    missing = set(official["caught by"]) - set(ours["caught by"])
    found = [f"{place}: not caught by {name}" for name in sorted(missing)]
    # What the runtime says must be there; where a package speaks itself, it has words of its own.
    speaks_itself = {"TransportClosedError", "ValueError", "TypeError"} & set(official["caught by"])
    if not speaks_itself and not ours["words"].startswith(official["words"]):
        found.append(f"{place}: says {ours['words']!r}, not {official['words']!r}")
    for name in ("code", "message", "data"):
        if name in official:
            found += disagreements(official[name], ours.get(name), f"{place}.{name}")
    return found
