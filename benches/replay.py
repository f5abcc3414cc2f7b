"""A runtime that always says the same: it answers the handshake and thread/start, and plays one turn for each
turn/start.

Benchmarks launch it in place of the real one: `launch_args_override=replay.COMMAND`. What it sends has the
shape of recorded traffic. It starts in 20 ms, because it imports little and reads no site packages.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

COMMAND = (sys.executable, "-I", "-S", __file__)

THREAD_ID = "01a1fb35-bac0-74f3-9218-8a01c599bd1a"
CWD = "/home/user/project"
NOW = 1_795_215_824

INITIALIZED = {
    "userAgent": "codex_python_sdk/0.163.0 (Debian 12.0.0; x86_64) xterm (codex_python_sdk; 0.163.0)",
    "codexHome": "/home/user/.codex",
    "platformFamily": "unix",
    "platformOs": "linux",
}
THREAD: dict[str, Any] = {
    "id": THREAD_ID,
    "environments": [{"environmentId": "local", "cwd": CWD, "runtimeWorkspaceRoots": [CWD]}],
    "extra": None,
    "sessionId": THREAD_ID,
    "forkedFromId": None,
    "parentThreadId": None,
    "preview": "",
    "ephemeral": False,
    "section": None,
    "sectionEnteredAt": None,
    "projectId": None,
    "historyMode": "paginated",
    "modelProvider": "offline",
    "model": "gpt-6.1-sol",
    "reasoningEffort": None,
    "createdAt": NOW,
    "updatedAt": NOW,
    "recencyAt": NOW,
    "status": {"type": "idle"},
    "path": f"/home/user/.codex/sessions/{THREAD_ID}.jsonl",
    "cwd": CWD,
    "cliVersion": "0.163.0",
    "originator": "codex_python_sdk",
    "source": "vscode",
    "canAcceptDirectInput": True,
    "threadSource": None,
    "agentNickname": None,
    "agentRole": None,
    "gitInfo": None,
    "name": None,
    "daybreakEnabled": None,
    "turns": [],
}
THREAD_STARTED: dict[str, Any] = {
    "thread": THREAD,
    "model": "gpt-6.1-sol",
    "modelProvider": "offline",
    "serviceTier": None,
    "disabledPluginIds": [],
    "cwd": CWD,
    "runtimeWorkspaceRoots": [CWD],
    "instructionSources": [],
    "approvalPolicy": "on-request",
    "approvalsReviewer": "user",
    "sandbox": {"type": "readOnly", "networkAccess": False},
    "activePermissionProfile": {"id": ":read-only", "extends": None},
    "reasoningEffort": None,
    "multiAgentMode": "explicitRequestOnly",
}
COUNTS = {
    "totalTokens": 8,
    "inputTokens": 5,
    "cachedInputTokens": 0,
    "cacheWriteInputTokens": 0,
    "outputTokens": 3,
    "reasoningOutputTokens": 0,
}
USAGE = {"total": COUNTS, "last": COUNTS, "modelContextWindow": 258_400}


def turn(turn_id: str, *, completed: bool) -> dict[str, Any]:
    return {
        "id": turn_id,
        "rootTurnId": turn_id,
        "items": [message("It is 42.")] if completed else [],
        "itemsView": "summary" if completed else "notLoaded",
        "status": "completed" if completed else "inProgress",
        "error": None,
        "startedAt": NOW,
        "completedAt": NOW if completed else None,
        "durationMs": 94 if completed else None,
    }


def message(text: str) -> dict[str, Any]:
    return {
        "type": "agentMessage",
        "id": "msg_1_1",
        "text": text,
        "phase": "final_answer",
        "memoryCitation": None,
        "delivery": None,
        "questions": None,
    }


def events(turn_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the runtime sends for one turn, without the ids of thread and turn."""
    question = {"type": "text", "text": "What is 6 x 7?", "text_elements": []}
    asked = {"type": "userMessage", "id": "item_1", "clientId": None, "content": [question]}
    yield "turn/started", {"turn": turn(turn_id, completed=False)}
    yield "item/started", {"item": asked, "startedAtMs": NOW * 1000}
    yield "item/completed", {"item": asked, "completedAtMs": NOW * 1000}
    yield "item/started", {"item": message(""), "startedAtMs": NOW * 1000}
    for piece in ("It ", "is ", "42."):
        yield "item/agentMessage/delta", {"itemId": "msg_1_1", "delta": piece}
    yield "item/completed", {"item": message("It is 42."), "completedAtMs": NOW * 1000}
    yield "thread/tokenUsage/updated", {"tokenUsage": USAGE}
    yield "turn/completed", {"turn": turn(turn_id, completed=True)}


def main() -> None:
    """Answers every line of stdin until it ends."""
    turns = 0

    def write(line: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")

    for line in sys.stdin:
        asked = json.loads(line)
        method = asked.get("method")
        if "id" not in asked:
            continue
        if method != "turn/start":
            results = {"initialize": INITIALIZED, "thread/start": THREAD_STARTED}
            write({"id": asked["id"], "result": results.get(method, {})})
        else:
            turns += 1
            turn_id = f"01a1fb35-bad1-7f10-8c1e-{turns:012x}"
            write({"id": asked["id"], "result": {"turn": turn(turn_id, completed=False)}})
            for name, params in events(turn_id):
                ids = {"threadId": asked["params"]["threadId"]}
                if "turn" not in params:
                    ids["turnId"] = turn_id
                write({"method": name, "params": {**ids, **params}, "emittedAtMs": NOW * 1000})
        sys.stdout.flush()


if __name__ == "__main__":
    main()
