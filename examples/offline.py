"""Runs an example on the offline model: `python -m examples.offline quickstart`, or `… quickstart async`.

Owns what the model says to each example. The examples know nothing of it: run by themselves, they use the
login of whoever runs them.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import json
from collections.abc import Callable, Coroutine
from pathlib import Path

from codex_app_server.testing import (
    Answer,
    CustomToolCall,
    Disconnect,
    FunctionCall,
    Message,
    ModelRequest,
    OfflineModel,
    RateLimit,
    RateLimits,
    Reasoning,
    ResponseFailure,
)

# The runtime tries a broken stream again, as it does by default.
_RETRY = "model_providers.offline.stream_max_retries=1"

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
    "Invent two boats.": (
        '{"value": [{"name": "Halcyon", "rig": "ketch", "hull": "wood"}, '
        '{"name": "Kingfisher", "rig": "sloop", "hull": "steel"}]}'
    ),
    "How is the weather?": '{"value": {"kind": "storm", "beaufort": 9}}',
    "Which berth?": '{"name": "B2", "depth_m": 3.5, "free": null}',
    "What does the mooring cost?": '{"lines": [360, 41], "total": 360}',
    "Once more, please: Value error, the lines add up to 401.": '{"lines": [360, 41], "total": 401}',
    "The goal is reached. Report its result.": '{"name": "Second Breakfast Bay"}',
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

# An answer that does not fit, which the model corrects when it reads why.
_RESERVE = [Answer(FunctionCall("reserve", {"berth": "B2", "nights": nights})) for nights in (0, 2)]

_KIND = {
    "id": "kind",
    "header": "Kind",
    "question": "What kind of boat is she?",
    "options": [
        {"label": "A dinghy", "description": "Small, and rowed."},
        {"label": "A ketch", "description": "Two masts."},
    ],
}

# By the beginning of the prompt: what the model wants to do, one after the other.
_WISHES: dict[str, list[str | Answer]] = {
    "Ring the bell.": [_RING, "That was all."],
    "Name my boat. Ask me first": [
        Answer(FunctionCall("request_user_input", {"questions": [_KIND]})),
        "A dinghy is best called Kingfisher.",
    ],
    "Reserve a berth for two nights.": [
        *(Answer(FunctionCall("find_berths", {"draught": 4})), *_RESERVE),
        *(Answer(FunctionCall("chart", {})), "B2 is yours, the red bar in the middle."),
    ],
    "When is high tide at Leeds,": [
        Answer(FunctionCall("tide", {"place": "Leeds"}, namespace="mcp__tides")),
        Answer(FunctionCall("light", {"name": "Eddystone"}, namespace="mcp__lights")),
        "High tide is at noon, and Eddystone flashes twice every 15 seconds.",
    ],
    "Where can a boat of 4 metres": [
        Answer(FunctionCall("find_berths", {"draught": 4})),
        "At B2 and C3.",
    ],
    "Show me the harbour of Leeds.": [Answer(FunctionCall("chart", {"harbour": "Leeds"})), "It is dark red."],
    "Reserve B2, or else C3.": [
        *(Answer(FunctionCall("reserve", {"berth": berth})) for berth in ("B2", "C3")),
        "C3 is yours; B2 was taken.",
    ],
    "Wait for 4 metres of water.": [Answer(FunctionCall("wait_for_tide", {"metres": 4})), "Cast off."],
    "Ask a colleague for a name.": [
        Answer(FunctionCall("second_opinion", {"question": "Suggest a name for her dinghy."})),
        "Kingfisher, says my colleague.",
    ],
    "Write the log.": [_WRITE, "That was all."],
    "Write 'High tide at noon.' into log.txt.": [
        *(_WRITE, _RING, _RING),
        *(_escape("rm log.txt", "To leave no trace."), "That was all."),
    ],
}


def _plan(*statuses: str) -> FunctionCall:
    steps = zip(("Write the tides", "Show the file"), statuses, strict=True)
    plan = [{"step": step, "status": status} for step, status in steps]
    return FunctionCall("update_plan", {"plan": plan})


_TIDES = "*** Begin Patch\n*** Add File: log.txt\n+High tide at noon.\n*** End Patch\n"
# The runtime reports as it comes only what a command writes after its first moment.
_SHOW = FunctionCall("exec_command", {"cmd": "sleep 0.4; cat log.txt"})
_TIDES_WISHES: list[Answer] = [
    Answer(Reasoning("Two steps will do."), _plan("in_progress", "pending")),
    Answer(CustomToolCall("apply_patch", _TIDES)),
    Answer(_plan("completed", "in_progress")),
    Answer(_SHOW),
]


def keep_tides(request: ModelRequest) -> Answer:
    """What the model does step by step; its last answer breaks off once."""
    if len(request.tool_outputs) < len(_TIDES_WISHES):
        return _TIDES_WISHES[len(request.tool_outputs)]
    if request.input[-1].get("role") != "assistant":
        return Answer("The log ", Disconnect())
    limits = RateLimits(primary=RateLimit(42, window_duration_mins=300))
    return Answer("The log says when high tide is.", rate_limits=limits)


def _invoice(sender: str, number: str, date: str, total: str, **lines: str) -> str:
    """An invoice as the example's model has it."""
    items = [{"text": text.replace("_", " "), "amount": amount} for text, amount in lines.items()]
    invoice = {"kind": "invoice", "sender": sender, "number": number, "date": date}
    return json.dumps({"value": {**invoice, "lines": items, "total": total, "currency": "EUR"}})


_ENGINE = ("Diesel & Daughter", "26-0918", "2026-09-21")
_OIL = {"Oil_and_filter": "62.40"}
_SAILMAKER = _invoice(
    *("J. Canvas, Sailmaker", "1042", "2026-09-15", "175.00"), Mainsail="120.00", Battens="45.00"
)
# By the beginning of a letter: how it is read, and how when it is read again.
_READINGS: dict[str, tuple[str, str]] = {
    "QUAY CHANDLERS": (
        _invoice("Quay Chandlers Ltd", "QC-2291", "2026-10-02", "84.50", Ropes="76.00", Varnish="8.50"),
        "",
    ),
    "The Harbour Master": (
        _invoice(
            *("Harbour Master, Kingfisher Bay", "77/26", "2026-09-30", "401.20"),
            Berth="360.00",
            Water_and_electricity="41.20",
        ),
        "",
    ),
    "Dear members": ('{"value": {"kind": "other", "about": "an autumn regatta on Saturday"}}', ""),
    # One hour in place of three, and then all of them.
    "Diesel": (
        _invoice(*_ENGINE, "227.40", **_OIL, Hours="55.00"),
        _invoice(*_ENGINE, "227.40", **_OIL, Hours="165.00"),
    ),
    # It says so itself.
    "J. Canvas": (_SAILMAKER, _SAILMAKER),
}


def read_letter(request: ModelRequest) -> str:
    """What the model makes of a letter, at first or once more."""
    is_again = request.prompt.startswith("That does not fit")
    asked = str(request.input)
    return next(told[is_again] for letter, told in _READINGS.items() if f"\\n\\n{letter}" in asked)


# By the beginning of the prompt: who says what the model does.
_SCRIPTS: dict[str, Callable[[ModelRequest], str | Answer]] = {
    "Plan it,": keep_tides,
    "What does this letter say?": read_letter,
    "That does not fit": read_letter,
}


def respond(request: ModelRequest) -> str | Answer | None:
    """The offline model's script: an answer by prompt, or an echo."""
    if 'source="goal"' in request.prompt:
        return pursue(request)
    for beginning, script in _SCRIPTS.items():
        if request.prompt.startswith(beginning):
            return script(request)
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
        _finish(program(model.config(config_overrides=(_RETRY,))))


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
