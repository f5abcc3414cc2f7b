"""Two small MCP servers, of the standard library alone: one over stdio, one over HTTP.

The runtime starts the first one itself, as `python -I server.py`, and is told the address of the second one.
Owns as much of the protocol as a server with a tool needs.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def tool(name: str, description: str, argument: str) -> dict[str, Any]:
    """A tool of one text, which changes nothing and so needs nobody's approval."""
    schema = {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}
    hints = {"readOnlyHint": True}
    return {"name": name, "description": description, "inputSchema": schema, "annotations": hints}


TIDE = tool("tide", "Tell when the tide is high at a place.", "place")
LIGHT = tool("light", "Tell how a lighthouse flashes.", "name")


def tide(arguments: dict[str, str]) -> str:
    """What the tool of the first server says."""
    return f"High tide at {arguments['place']}: noon."


def light(arguments: dict[str, str]) -> str:
    """What the tool of the second server says."""
    return f"{arguments['name']} flashes twice every 15 seconds."


def answer(
    message: dict[str, Any], name: str, offered: dict[str, Any], run: Callable[[dict[str, str]], str]
) -> dict[str, Any] | None:
    """What a server says to a message; None if that is a notification."""
    if "id" not in message:
        return None
    match message["method"]:
        case "initialize":
            result: dict[str, Any] = {
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": name, "version": "1"},
            }
        case "tools/list":
            result = {"tools": [offered]}
        case "tools/call":
            result = {"content": [{"type": "text", "text": run(message["params"]["arguments"])}]}
        case "ping":
            result = {}
        case _:
            error = {"code": -32601, "message": "no such method"}
            return {"jsonrpc": "2.0", "id": message["id"], "error": error}
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


class Lights(BaseHTTPRequestHandler):
    """The second server: a message in each POST, its answer as JSON."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one message."""
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = answer(message, "lights", LIGHT, light)
        body = b"" if said is None else json.dumps(said).encode()
        self.send_response(HTTPStatus.ACCEPTED if said is None else HTTPStatus.OK)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Offer no stream: this server says nothing that it was not asked."""
        self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)

    do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""


@contextmanager
def lights() -> Iterator[str]:
    """Run the second server in this program; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lights)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mcp"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main() -> None:
    """Be the first server: a message in each line of stdin, its answer in a line of stdout."""
    for line in sys.stdin:
        said = answer(json.loads(line), "tides", TIDE, tide)
        if said is not None:
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
