"""What the real runtime says to one program, recorded, and played to the same program again.

Owns the program: it starts the same requests in the same order each time, so their ids are those of the
recording and a line that answers one is held back until that request has arrived.
"""

from __future__ import annotations

import json
import shlex
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex_app_server import ApprovalMode, Codex, CodexConfig, Notification, Sandbox, TurnResult
from codex_app_server._launch.command import resolve
from codex_app_server.testing import Answer, FunctionCall, Message, OfflineModel, Reasoning, Script
from tests.peer import ScriptedPeer

Line = dict[str, Any]

SCRIPT: Script = [
    Answer(Reasoning("Thinking about it."), FunctionCall("exec_command", {"cmd": "echo hello"})),
    "It said hello.",
    Answer(Reasoning("More."), Message("One two three.", phase="final_answer")),
]


@dataclass
class Seen:
    """What the program got."""

    result: TurnResult
    events: list[Notification]
    # By method.
    answers: dict[str, Any]


def program(config: CodexConfig) -> Seen:
    """Two turns, one folded and one streamed, and requests around them."""
    with Codex(config) as codex:
        models = codex.models()
        thread = codex.thread_start(sandbox=Sandbox.full_access, approval_mode=ApprovalMode.deny_all)
        result = thread.run("Say hello in a shell.")
        events = list(thread.turn("Once more.").stream())
        read = thread.read(include_turns=True)
        listed = codex.thread_list()
    return Seen(result, events, {"model/list": models, "thread/read": read, "thread/list": listed})


def record(folder: Path) -> list[Line]:
    """The lines of a real runtime; each answer has its request's `method` noted beside it."""
    sent, said = folder / "sent", folder / "said"
    with OfflineModel(SCRIPT) as model:
        runtime = shlex.join(resolve(model.config()).argv)
        pipe = f"tee {shlex.quote(str(sent))} | {runtime} | tee {shlex.quote(str(said))}"
        program(model.config(launch_args_override=("/bin/sh", "-c", pipe)))
    requests = [json.loads(line) for line in sent.read_text("utf-8").splitlines()]
    methods = {request["id"]: request["method"] for request in requests if "id" in request}
    lines = [json.loads(line) for line in said.read_text("utf-8").splitlines()]
    return [{**line, "answers": methods[line["id"]]} if "id" in line else line for line in lines]


def replay(lines: list[Line]) -> Seen:
    """What the program gets when the runtime says `lines`."""
    with ScriptedPeer() as peer:
        peer.answers.clear()
        player = threading.Thread(target=_play, args=(peer, lines), daemon=True)
        player.start()
        seen = program(CodexConfig(launch_args_override=peer.argv, request_timeout_s=20))
        player.join(20)
        assert not player.is_alive()
    return seen


def _play(peer: ScriptedPeer, lines: list[Line]) -> None:
    for line in lines:
        if "answers" in line:
            while peer.expect().get("id") != line["id"]:
                pass
        peer.send({key: value for key, value in line.items() if key != "answers"})
