"""What a newer runtime may say instead of a line: every change of one place, made without a schema.

Owns the list of changes. A change touches one place of one line; ids that say whose a line is stay, because a
line without them is another line.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from .recording import Line

Path = tuple[str | int, ...]

# One of every type. Some of them could be taken for others: "7" for 7, 1 for true.
OTHERS: list[Any] = ["changed", "7", 1, True, 0.5, None, {"changed": True}]

# Whose a line is; and what the client cannot go on without: the version it talks to, the thread it made.
_KEPT = {
    ("params", "threadId"),
    ("params", "turnId"),
    ("params", "turn"),
    ("params", "turn", "id"),
    ("result", "userAgent"),
    ("result", "thread"),
    ("result", "thread", "id"),
    ("result", "turn"),
    ("result", "turn", "id"),
}


def mutations(line: Line) -> Iterator[Line]:
    """Every change of `line`, one at a time."""
    body = "params" if "params" in line else "result"
    for path, value in _walk((body,), line[body]):
        kept = path in _KEPT and ("method" in line or line["answers"] != "thread/read")
        if isinstance(value, dict):
            yield _with(line, (*path, "fromTomorrow"), {"deep": [1, None]})
        if not kept and len(path) > 1:
            yield _without(line, path)
            for other in OTHERS[:-1] if isinstance(value, (dict, list)) else OTHERS:
                if type(other) is not type(value):
                    yield _with(line, path, other)
            if isinstance(value, str):
                yield _with(line, path, "fromTomorrow")
    if "method" in line and line["method"] != "turn/completed":
        yield {**line, "method": f"{line['method']}/fromTomorrow"}


def _walk(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _walk((*path, key), part)
    # One of a list stands for all of them.
    elif isinstance(value, list) and value:
        yield from _walk((*path, 0), value[0])


def _without(line: Line, path: Path) -> Line:
    changed = copy.deepcopy(line)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return changed


def _with(line: Line, path: Path, value: Any) -> Line:
    changed = copy.deepcopy(line)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed
