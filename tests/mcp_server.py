"""A small MCP server over stdio, of the standard library alone: its tools ask their client's user something.

Run by the real runtime; `config()` makes it known there. What the user answers to an elicitation is the text
of the tool's result, as JSON. `--log PATH` keeps what the runtime sends.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# What an elicitation of the tool `ask` or `visit` asks.
FORM = {
    "message": "Which berth?",
    "requestedSchema": {
        "type": "object",
        "properties": {
            "berth": {"type": "string", "title": "Berth", "minLength": 1},
            "nights": {"type": "integer", "minimum": 1},
            "side": {"type": "string", "enum": ["port", "starboard"]},
            "power": {"type": "boolean", "default": False},
        },
        "required": ["berth"],
    },
}
LINK = {
    "mode": "url",
    "message": "Sign in to the harbour.",
    "url": "https://harbour.example/sign-in",
    "elicitationId": "visit-1",
}
TOOLS = [
    {
        "name": name,
        "description": told,
        "inputSchema": {"type": "object", "properties": {"note": {"type": "string"}}},
        "annotations": hints,
    }
    for name, told, hints in (
        ("ask", "Asks for a berth.", {"readOnlyHint": True}),
        ("visit", "Sends the user to a page.", {"readOnlyHint": True}),
        ("look", "Only looks.", {"readOnlyHint": True}),
        ("sink", "Sinks a boat.", {"readOnlyHint": False, "destructiveHint": True, "openWorldHint": True}),
    )
]


def config(*arguments: str) -> tuple[str, ...]:
    """Overrides of the runtime's configuration that make this server known as `harbour`."""
    # -I: or the directory of this file would be searched first, and its `typing` be found.
    command = [sys.executable, "-I", str(Path(__file__).resolve()), *arguments]
    return (
        f"mcp_servers.harbour.command={json.dumps(command[0])}",
        f"mcp_servers.harbour.args={json.dumps(command[1:])}",
    )


class Server:
    """One connection: reads lines, answers them, and asks in between."""

    def __init__(self, log: str | None) -> None:
        self._lines = self._read(log)
        self._asked = 0

    def _read(self, log: str | None) -> Iterator[dict[str, Any]]:
        for line in sys.stdin:
            if log is not None:
                with Path(log).open("a", encoding="utf-8") as kept:
                    kept.write(line)
            yield json.loads(line)

    def _send(self, message: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()

    def serve(self) -> None:
        """Answer until stdin ends."""
        for message in self._lines:
            if "id" in message and "method" in message:
                self._send({"id": message["id"], "result": self._result(message)})

    def _result(self, request: dict[str, Any]) -> dict[str, Any]:
        params = request.get("params") or {}
        match request["method"]:
            case "initialize":
                return {
                    "protocolVersion": params["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "harbour", "version": "1"},
                }
            case "tools/list":
                return {"tools": TOOLS}
            case "tools/call":
                return {"content": [{"type": "text", "text": self._call(params["name"], params)}]}
        return {}

    def _call(self, tool: str, params: dict[str, Any]) -> str:
        if tool == "ask":
            return json.dumps(self._elicit(FORM))
        if tool == "visit":
            return json.dumps(self._elicit(LINK))
        return f"{tool}: {params.get('arguments')}"

    def _elicit(self, asked: dict[str, Any]) -> Any:
        """What the client answers; whatever else it says meanwhile is answered, too."""
        self._asked += 1
        number = f"elicitation-{self._asked}"
        self._send({"id": number, "method": "elicitation/create", "params": asked})
        for message in self._lines:
            if message.get("id") == number and "method" not in message:
                return message.get("result") or {"error": message.get("error")}
            if "id" in message and "method" in message:
                self._send({"id": message["id"], "result": self._result(message)})
            elif message.get("method") == "notifications/cancelled":
                return {"cancelled": True}
        return None


if __name__ == "__main__":
    Server(sys.argv[sys.argv.index("--log") + 1] if "--log" in sys.argv else None).serve()
