"""Images, messages of tools, and answers by a schema: `python -m examples.inputs.async`."""

import asyncio
import base64
import json
import tempfile
from pathlib import Path

from codex_app_server import (
    AsyncCodex,
    CodexConfig,
    ExternalMessage,
    ImageInput,
    LocalImageInput,
    TextInput,
)
from codex_app_server.types import JsonObject

# A small dark red square.
SQUARE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mPoZmDAihiGlgQAt0siwQgHgPYAAAAASUVORK5CYII="
)

BOAT: JsonObject = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "metres": {"type": "number"}},
    "required": ["name", "metres"],
    "additionalProperties": False,
}


async def main(config: CodexConfig | None = None) -> None:
    """Give a turn more than text."""
    async with AsyncCodex(config) as codex:
        thread = await codex.thread_start()

        with tempfile.TemporaryDirectory() as directory:
            picture = Path(directory, "square.png")
            await asyncio.to_thread(picture.write_bytes, base64.b64decode(SQUARE))
            result = await thread.run(
                [
                    TextInput("What colour are these two pictures?"),
                    ImageInput(f"data:image/png;base64,{SQUARE}"),
                    LocalImageInput(str(picture)),
                ]
            )
        print(result.final_response)

        # What a tool or another program says has less authority than the user's own words.
        result = await thread.run(ExternalMessage("harbour_radio", "Gale warning for tonight."))
        print(result.final_response)

        result = await thread.run("Invent a boat.", output_schema=BOAT)
        boat = json.loads(result.final_response or "{}")
        print(f"{boat['name']}, {boat['metres']} m")


if __name__ == "__main__":
    asyncio.run(main())
