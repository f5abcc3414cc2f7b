"""Inputs of several kinds, structured output, approval and sandbox."""

import base64
import json
from pathlib import Path

from codex_app_server import ApprovalMode, Codex, ExternalMessage, LocalImageInput, Sandbox, TextInput
from codex_app_server.generated.v2_all import ReasoningEffort

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
Path("boat.png").write_bytes(base64.b64decode(PIXEL))

with Codex() as codex:
    thread = codex.thread_start(sandbox=Sandbox.workspace_write, approval_mode=ApprovalMode.deny_all)
    print(thread.run([TextInput("What colour?"), LocalImageInput("boat.png")]).final_response)
    print(thread.run(ExternalMessage("weather", "Gale warning.")).final_response)

    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }
    boat = thread.run("Invent a boat.", output_schema=schema, effort=ReasoningEffort("low"))
    print(json.loads(boat.final_response or "")["name"])
