"""Tools of MCP servers, over stdio and over HTTP, async: `python -m examples.mcp_servers.async`."""

import asyncio
import dataclasses
import json
import sys

from codex_app_server import AsyncCodex, CodexConfig

from . import server


async def main(config: CodexConfig | None = None) -> None:
    """Give an agent the tools of two servers, and print which of them it has called."""
    config = config or CodexConfig()
    # For all threads of the client; the runtime starts this server. It could stand in config.toml as well.
    tides = (
        f"mcp_servers.tides.command={json.dumps(sys.executable)}",
        f"mcp_servers.tides.args={json.dumps(['-I', server.__file__])}",
    )
    config = dataclasses.replace(config, config_overrides=(*config.config_overrides, *tides))
    with server.lights() as url:
        async with AsyncCodex(config) as codex:
            # For this thread alone, beside those above; this server runs already.
            thread = await codex.thread_start(config={"mcp_servers.lights": {"url": url}})
            result = await thread.run("When is high tide at Leeds, and how does Eddystone flash?")
            for item in result.items:
                if item.root.type == "mcpToolCall":
                    print(item.root.server, item.root.tool, item.root.arguments, item.root.status.value)
            print(result.final_response)


if __name__ == "__main__":
    asyncio.run(main())
