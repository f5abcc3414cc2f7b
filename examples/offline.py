"""Runs an example on the offline model: `python -m examples.offline quickstart`, or `… quickstart async`.

Owns what the model says to each example. The examples know nothing of it: run by themselves, they use the
login of whoever runs them.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
from collections.abc import Coroutine
from pathlib import Path

from codex_app_server.testing import (
    Answer,
    CustomToolCall,
    FunctionCall,
    Message,
    ModelRequest,
    OfflineModel,
    Reasoning,
    ResponseFailure,
)

_TOLD: dict[str, str | Answer | Message] = {
    "In one sentence: what is a coroutine?": (
        "A coroutine is a function that can pause, let others run, and go on where it stopped."
    ),
    "And in five words?": "A function that can pause.",
    "Suggest three names for a small boat.": Answer(
        Reasoning("Small, cheerful, a little salty."),
        Message("Halcyon, Periwinkle and Second Breakfast.", chunk_delay_s=0.02),
    ),
    "Tell a story in three sentences.": Message(
        "A gull stole a map. It could not read, but it liked the blue parts. "
        "It has been at sea ever since, and has never once been lost.",
        chunk_delay_s=0.02,
    ),
    # Long enough that nobody can steer or interrupt too late.
    "Count from 1 to 100 in words.": Message("one, two, three, " * 1000, chunk_delay_s=0.01),
    "That is enough counting. Say goodbye instead.": "Goodbye!",
    "Recite the longest poem you know.": Message("and on and on " * 1000, chunk_delay_s=0.01),
    "What colour are these two pictures?": "Both are dark red.",
    "Invent a boat.": '{"name": "Periwinkle", "metres": 4.5}',
    "What is my boat called?": "She is called Halcyon.",
    "Suggest a name for her dinghy.": "Kingfisher.",
    "Are you still there?": "Still here.",
}


_GOALS: dict[str, list[str]] = {
    "Name every boat in the harbour.": ["Halcyon and Periwinkle so far.", "Kingfisher is the last one."],
    "Name the harbour, too.": ["Second Breakfast Bay."],
}


def pursue(request: ModelRequest) -> str | Answer | None:
    """What the model says in each turn for a goal; in the last one it reports that it is reached."""
    objective = request.prompt.partition("<objective>")[2].partition("</objective>")[0].strip()
    told = _GOALS.get(objective, ["Done."])
    if request.tool_outputs:
        return told[-1]
    said = [part for item in request.input if item.get("role") == "assistant" for part in item["content"]]
    if told[0] in str(said) or len(told) == 1:
        return Answer(FunctionCall("update_goal", {"status": "complete"}))
    return told[0]


def _escape(command: str, why: str) -> Answer:
    """A command that is to run outside of the sandbox, which needs an approval."""
    wish = {"cmd": command, "sandbox_permissions": "require_escalated", "justification": why}
    return Answer(FunctionCall("exec_command", wish))


_LOG = "*** Begin Patch\n*** Add File: log.txt\n+High tide at noon.\n*** End Patch\n"
_WRITE = Answer(CustomToolCall("apply_patch", _LOG))
_RING = _escape("echo Ding", "The bell hangs outside.")

# By the beginning of the prompt: what the model wants to do, one after the other.
_WISHES: dict[str, list[str | Answer]] = {
    "Ring the bell.": [_RING, "That was all."],
    "Write the log.": [_WRITE, "That was all."],
    "Write 'High tide at noon.' into log.txt.": [
        *(_WRITE, _RING, _RING),
        *(_escape("rm log.txt", "To leave no trace."), "That was all."),
    ],
}


def respond(request: ModelRequest) -> str | Answer | None:
    """The offline model's script: an answer by prompt, or an echo."""
    if 'source="goal"' in request.prompt:
        return pursue(request)
    for beginning, wishes in _WISHES.items():
        if request.prompt.startswith(beginning):
            return wishes[len(request.tool_outputs)]
    if request.model == "no-such-model":
        return Answer(ResponseFailure("invalid_prompt", "The model `no-such-model` does not exist."))
    if "Gale warning" in str(request.input[-1]):
        return "Then the boat stays in the harbour."
    told = _TOLD.get(request.prompt)
    return Answer(told) if isinstance(told, Message) else told


def names() -> list[str]:
    """The examples that can be run this way."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/sync.py"))


def run(name: str, kind: str) -> None:
    """Run one example.

    Args:
        name: Its folder.
        kind: "sync" or "async".
    """
    program = importlib.import_module(f"examples.{name}.{kind}").main
    if not inspect.signature(program).parameters:
        _finish(program())  # it has an offline model of its own
        return
    with OfflineModel(respond) as model:
        _finish(program(model.config()))


def _finish(running: Coroutine[None, None, None] | None) -> None:
    if running is not None:
        asyncio.run(running)


def main() -> None:
    """Run the example that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m examples.offline", description="Run an example offline.")
    parser.add_argument("name", choices=names())
    parser.add_argument("kind", choices=("sync", "async"), nargs="?", default="sync")
    options = parser.parse_args()
    run(options.name, options.kind)


if __name__ == "__main__":
    main()
