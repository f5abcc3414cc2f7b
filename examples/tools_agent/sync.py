"""An agent that calls functions of the program: `python -m examples.tools_agent.sync`."""

from typing import Annotated

from pydantic import Field

from codex_app_server import Codex, CodexConfig
from codex_app_server.tools import Image, ToolContext, ToolError, tool

from .harbour import Harbour

harbour = Harbour()


@tool
def find_berths(draught: Annotated[float, Field(gt=0)]) -> dict[str, float]:
    """Find the free berths that are deep enough for a boat, with their depths in metres.

    Args:
        draught: How deep the boat is, in metres.
    """
    return {berth: depth for berth, depth in harbour.free().items() if depth > draught}


@tool(timeout_s=10)
def reserve(context: ToolContext[Codex], berth: str, nights: Annotated[int, Field(ge=1, le=14)] = 1) -> str:
    """Reserve a berth.

    Args:
        context: Who calls; nothing that the model gives.
        berth: Its name, for example A1.
        nights: How many nights.
    """
    if berth not in harbour.depths:
        raise ToolError(f"There is no berth {berth}. Ask find_berths for those that there are.")
    # A thread has what it has reserved before; nobody else has.
    if not harbour.take(berth, context.thread_id):
        raise ToolError(f"{berth} is taken. Choose another one.")
    return f"{berth} is reserved for {nights} nights."


@tool
def chart() -> Image:
    """Draw the berths: a bar for each, as long as it is deep, red if it is taken."""
    return Image(harbour.chart())


def main(config: CodexConfig | None = None) -> None:
    """Let an agent find and reserve a berth, and print what it has called."""
    with Codex(config, tools=[find_berths, reserve, chart]) as codex:
        thread = codex.thread_start()
        result = thread.run(
            "Reserve a berth for two nights. My boat is 4 metres deep. Then show me the harbour."
        )
        for item in result.items:
            if item.root.type == "dynamicToolCall":
                print(item.root.tool, item.root.arguments, item.root.status.value)
        print(result.final_response)


if __name__ == "__main__":
    main()
