"""Which tools a stored thread has: what the runtime tells nobody, but has written into the thread's file.

It takes tools when a thread is started, keeps them with the thread, and ignores those that come with a resume
or a fork. Used to tell who gives some there whether they will be called.
"""

from __future__ import annotations

import json
from typing import Any


def stored_tools(path: Any) -> frozenset[str] | None:
    """The names of the tools in a thread's file; None if that cannot be told.

    Args:
        path: `path` of the thread, as the runtime has it. The first line of the file is read.
    """
    path = getattr(path, "root", path)
    if not isinstance(path, str):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            head = json.loads(file.readline())
    except (OSError, ValueError):
        return None
    payload = head.get("payload") if isinstance(head, dict) else None
    if not isinstance(payload, dict) or head.get("type") != "session_meta":
        return None
    tools = payload.get("dynamic_tools") or ()
    return frozenset(
        tool["name"] for tool in tools if isinstance(tool, dict) and isinstance(tool.get("name"), str)
    )
