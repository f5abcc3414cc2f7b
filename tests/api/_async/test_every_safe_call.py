"""Every request that is safe on the offline runtime, called: the answer is its model, whole and known."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import AsyncCodex, AsyncTurnHandle
from codex_app_server._incoming import decoding
from codex_app_server.generated.requests import REQUESTS
from codex_app_server.testing import OfflineModel
from tests.api._async.concurrency import Background
from tests.api._async.live import Live
from tests.programs import CAT, python

_ACCOUNT = "needs an account of the service"
_REMOTE = "needs an account with remote control"
_SHARING = "needs an account with shared plugins"
_VERIFIER = "needs hardware that verifies the user"

NOT_CALLED = {
    "account/bedrock/setup": "needs AWS credentials",
    "account/gatewayOAuth/login": "needs a provider with a gateway",
    "account/rateLimitResetCredit/consume": _ACCOUNT,
    "account/rateLimits/read": _ACCOUNT,
    "account/sendAddCreditsNudgeEmail": _ACCOUNT,
    "account/usage/read": _ACCOUNT,
    "account/workspaceMessages/read": _ACCOUNT,
    "feedback/upload": "goes to the network",
    "initialize": "the client has done it; a second one is refused",
    "mcpServer/event/stream/start": "only for apps that the service hosts",
    "mcpServer/oauth/login": "needs an MCP server on the network",
    "plugin/read": "needs the plugins feature, which goes to the network",
    "plugin/share/checkout": _SHARING,
    "plugin/share/delete": _SHARING,
    "plugin/share/list": _SHARING,
    "plugin/share/save": _SHARING,
    "plugin/share/updateTargets": _SHARING,
    "plugin/skill/read": "needs a remote marketplace",
    "remoteControl/client/list": _REMOTE,
    "remoteControl/client/revoke": _REMOTE,
    "remoteControl/disable": _REMOTE,
    "remoteControl/enable": _REMOTE,
    "remoteControl/pairing/start": _REMOTE,
    "remoteControl/pairing/status": _REMOTE,
    "thread/prediction/request": "this runtime answers that it is not implemented",
    "userVerification/delete": _VERIFIER,
    "userVerification/enroll": _VERIFIER,
    "userVerification/verify": _VERIFIER,
}

# What answers of this runtime hold that its own schema does not describe.
KNOWN = {
    # The schema says that there may be any further settings.
    "config/read": r"\.config\+|\.config\.\w+\+",
    # Spelled turn_id, started_at … in the schema, and turnId, startedAt … by the runtime.
    "thread/timeline/list": r"\.data\[\]: UnknownThreadTimelineEntry .*'turnId'",
}

MCP_SERVER = """
import json, sys
def answer(method, params):
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}, "resources": {}},
                "serverInfo": {"name": "echo", "version": "1"}}
    if method == "tools/list":
        schema = {"type": "object"}
        return {"tools": [{"name": "echo", "description": "Says it again.", "inputSchema": schema}]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": params["arguments"]["text"]}], "isError": False}
    if method == "resources/list":
        return {"resources": [{"uri": "memo://one", "name": "one", "mimeType": "text/plain"}]}
    if method == "resources/templates/list":
        return {"resourceTemplates": []}
    if method == "resources/read":
        return {"contents": [{"uri": params["uri"], "mimeType": "text/plain", "text": "memo"}]}
    return {}
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        result = answer(message["method"], message.get("params") or {})
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


OPEN = {"type": "dangerFullAccess"}


def text(words: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": words}]


def in_base64(words: str) -> str:
    return base64.b64encode(words.encode()).decode()


def make_repository(folder: Path) -> None:
    """A git repository with one commit and one change."""
    (folder / "a.txt").write_text("alpha\n")
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "one")):
        subprocess.run(["git", "-C", str(folder), *command], check=True, capture_output=True)
    (folder / "a.txt").write_text("beta\n")


def make_marketplace(folder: Path) -> Path:
    """A marketplace with one plugin; the path of its manifest."""
    plugin = {
        "name": "oar",
        "source": {"source": "local", "path": "./plugins/oar"},
        "policy": {"installation": "AVAILABLE", "authentication": "ON_INSTALL"},
        "category": "Tools",
    }
    manifest = folder / ".agents/plugins/marketplace.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"name": "harbour", "plugins": [plugin]}))
    described = folder / "plugins/oar/.codex-plugin/plugin.json"
    described.parent.mkdir(parents=True)
    described.write_text(json.dumps({"name": "oar", "version": "1.0.0", "description": "Rows."}))
    return manifest


async def hold_a_turn(model: OfflineModel, start: Callable[[], Awaitable[Any]]) -> Any:
    """What `start` returns, once the turn that it starts stands at the model."""
    model.reset()
    model.hold()
    started = await start()
    await model.wait_for_requests_async(1)  # async only
    # sync only: model.wait_for_requests(1)
    return started


async def look_around(live: Live, workspace: Path) -> None:
    """What only reads."""
    for method in (
        "account/bedrock/checkGovCloudRequirements",
        "account/bedrock/discover",
        "account/gatewayOAuth/cancel",
        "account/gatewayOAuth/read",
        "account/read",
        "app/installed",
        "app/list",
        "collaborationMode/list",
        "config/mcpServer/reload",
        "config/read",
        "configRequirements/read",
        "experimentalFeature/list",
        "externalAgentConfig/detect",
        "externalAgentConfig/import/readHistories",
        "hooks/list",
        "memory/status",
        "mock/experimentalMethod",
        "model/list",
        "modelProvider/capabilities/read",
        "permissionProfile/list",
        "plugin/installed",
        "plugin/list",
        "plugin/reconcile",
        "remoteControl/status/read",
        "rollout/compress",
        "server/diagnostics",
        "skills/list",
        "thread/loaded/list",
        "thread/realtime/listVoices",
        "threadSection/list",
        "userVerification/status",
        "windowsSandbox/readiness",
    ):
        await live(method)
    await live("config/read", include_layers=True, cwd=str(workspace))
    await live("app/read", app_ids=["nobody's"])
    await live("plugin/search", search_term="oar")
    await live("environment/info", environment_id="local")
    await live("environment/status", environment_id="local")
    await live("userVerification/cancel", request_id="nobody's")


async def set_up(live: Live, workspace: Path) -> None:
    """What changes the configuration."""
    effort = {"keyPath": "model_reasoning_effort", "value": "high", "mergeStrategy": "upsert"}
    await live("config/batchWrite", edits=[effort])
    await live("config/value/write", key_path="model_reasoning_effort", value="low", merge_strategy="replace")
    await live("experimentalFeature/enablement/set", enablement={"apps": False})
    await live("skills/config/write", enabled=False, name="imagegen")
    await live("skills/extraRoots/set", extra_roots=[str(workspace)])
    await live("externalAgentConfig/import", migration_items=[])
    await live("externalAgentConfig/import/recordHistory", provider_id="p", item_type_results=[])
    await live("environment/add", environment_id="far", exec_server_url="http://127.0.0.1:1")
    await live("windowsSandbox/setupStart", mode="elevated")
    await live("memory/reset")
    manifest = make_marketplace(workspace / "market")
    await live("marketplace/add", source=str(workspace / "market"))
    await live("plugin/install", plugin_name="oar", marketplace_path=str(manifest))
    await live("plugin/uninstall", plugin_id="oar@harbour")
    await live("marketplace/upgrade")
    await live("marketplace/remove", marketplace_name="harbour")


async def work_with_files(live: Live, workspace: Path) -> None:
    here, there = str(workspace / "here"), str(workspace / "there")
    note = str(workspace / "here" / "note")
    await live("fs/createDirectory", path=here)
    await live("fs/watch", path=here, watch_id="w")
    await live("fs/writeFile", path=note, data_base64=in_base64("memo"))
    assert (await live("fs/readFile", path=note)).data_base64 == in_base64("memo")
    await live("fs/unwatch", watch_id="w")
    await live("fs/copy", source_path=here, destination_path=there, recursive=True)
    await live("fs/getMetadata", path=there)
    await live("fs/readDirectory", path=there)
    await live("fs/remove", path=there, recursive=True)
    assert (await live("fuzzyFileSearch", query="note", roots=[str(workspace)])).files
    await live("fuzzyFileSearch/sessionStart", session_id="s", roots=[str(workspace)])
    await live("fuzzyFileSearch/sessionUpdate", session_id="s", query="note")
    await live("fuzzyFileSearch/sessionStop", session_id="s")


async def run_programs(live: Live, workspace: Path) -> None:
    ready = str(workspace / "ready")
    program = {"tty": True, "stream_stdin": True, "stream_stdout_stderr": True}
    command = [*python("import sys; open(sys.argv[1], 'w').close(); sys.stdin.read()"), ready]
    running = Background(
        lambda: live("command/exec", command=command, process_id="p", sandbox_policy=OPEN, **program)
    )
    wait = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"
    await live("command/exec", command=[*python(wait), ready])
    await live("command/exec/resize", process_id="p", size={"rows": 20, "cols": 80})
    await live("command/exec/write", process_id="p", delta_base64=in_base64("hello\n"))
    await live("command/exec/terminate", process_id="p")
    assert (await running.result()).exit_code != 0
    await live("process/spawn", command=[*CAT], cwd=str(workspace), process_handle="h", **program)
    await live("process/resizePty", process_handle="h", size={"rows": 20, "cols": 80})
    await live("process/writeStdin", process_handle="h", delta_base64=in_base64("hello\n"))
    await live("process/kill", process_handle="h")


async def sort_projects_and_sections(live: Live, workspace: Path, thread_id: str) -> None:
    roots = [{"path": str(workspace)}]
    first = (await live("project/create", idempotency_key="1", name="One", roots=roots)).project.id
    second = await live("project/import", idempotency_key="2", name="Two", roots=roots, threads=[thread_id])
    await live("project/read", project_id=first)
    await live("project/update", project_id=first, name="First", metadata={"colour": "blue"})
    await live("project/move", project_id=first, before_project_id=second.project.id)
    await live("project/list")
    await live("project/delete", project_id=first)
    appearance = {"icon": "star", "color": "red"}
    section = (await live("threadSection/create", name="Old", appearance=appearance)).section.id
    await live("threadSection/update", section_id=section, name="New", appearance=None)
    await live("thread/section/move", thread_id=thread_id, section_id=section)
    await live("thread/section/move", thread_id=thread_id, section_id=None)
    await live("threadSection/delete", section_id=section)


async def have_a_turn(live: Live, model: OfflineModel, workspace: Path) -> tuple[str, str]:
    """A thread with one whole turn; the ids of both."""
    started = await live("thread/start", cwd=str(workspace), sandbox="read-only")
    thread_id = started.thread.id
    held = await hold_a_turn(model, lambda: live("turn/start", thread_id=thread_id, input=text("hello")))
    turn = held.turn
    handle = AsyncTurnHandle(live.codex, thread_id, turn.id)
    await live("turn/steer", thread_id=thread_id, expected_turn_id=turn.id, input=text("more"))
    await live("turn/settings/update", thread_id=thread_id, turn_id=turn.id, effort="low")
    model.release()
    await handle.run()
    return thread_id, turn.id


async def read_a_thread(live: Live, thread_id: str, turn_id: str) -> None:
    await live("thread/read", thread_id=thread_id, include_turns=True)
    await live("thread/turns/list", thread_id=thread_id, items_view="full")
    items = (await live("thread/items/list", thread_id=thread_id)).data
    item_ids = [entry.item.root.id for entry in items]
    await live("thread/items/read", thread_id=thread_id, turn_id=turn_id, item_ids=item_ids)
    await live("thread/timeline/list", thread_id=thread_id)
    await live("thread/search", search_term="hello")
    await live("thread/searchOccurrences", thread_id=thread_id, search_term="hello")
    listed = await live("thread/list", limit=10)
    await live(
        "thread/readState/update",
        thread_id=thread_id,
        expected_revision=listed.read_states[thread_id]["revision"],
        operation={"type": "unread"},
    )
    await live("thread/backgroundTerminals/list", thread_id=thread_id)
    await live("thread/backgroundTerminals/terminate", thread_id=thread_id, process_id="1")
    await live("thread/backgroundTerminals/clean", thread_id=thread_id)


async def change_a_thread(live: Live, thread_id: str, turn_id: str) -> None:
    await live("thread/name/set", thread_id=thread_id, name="Errands")
    await live("thread/metadata/update", thread_id=thread_id, git_info={"sha": "abc", "branch": None})
    await live("thread/memoryMode/set", thread_id=thread_id, mode="disabled")
    await live("thread/settings/update", thread_id=thread_id, effort="low")
    await live("thread/increment_elicitation", thread_id=thread_id)
    await live("thread/decrement_elicitation", thread_id=thread_id)
    await live("thread/goal/set", thread_id=thread_id, objective="Be done.", status="paused")
    await live("thread/goal/get", thread_id=thread_id)
    await live("thread/goal/clear", thread_id=thread_id)
    attached = {"attachment_type": "note", "identity_key": "1"}
    await live("thread/attachment/add", thread_id=thread_id, payload={"a": [1]}, **attached)
    await live("thread/attachment/list", thread_id=thread_id)
    await live("thread/attachmentOwner/list", **attached)
    await live("thread/attachment/remove", thread_id=thread_id, **attached)
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "said"}]}
    await live("thread/inject_items", thread_id=thread_id, items=[message])
    denied = {"type": "command", "source": "shell", "command": "ls", "cwd": "/"}
    times = {"started_at_ms": 1, "completed_at_ms": 2}
    event = {"id": "1", "turn_id": turn_id, "status": "denied", "action": denied, **times}
    await live("thread/approveGuardianDeniedAction", thread_id=thread_id, event=event)
    await live("thread/realtime/start", thread_id=thread_id, output_modality="text")
    await live("thread/realtime/appendText", thread_id=thread_id, text="hello")
    await live("thread/realtime/appendSpeech", thread_id=thread_id, text="hello")
    audio = {"data": in_base64("hush"), "numChannels": 1, "sampleRate": 24000}
    await live("thread/realtime/appendAudio", thread_id=thread_id, audio=audio)
    await live("thread/realtime/stop", thread_id=thread_id)


async def queue_inputs(live: Live, model: OfflineModel, workspace: Path) -> None:
    """Inputs that wait for a turn, and a turn that is interrupted."""
    thread_id = (await live("thread/start", cwd=str(workspace))).thread.id
    waiting = await hold_a_turn(model, lambda: live("turn/start", thread_id=thread_id, input=text("wait")))
    queued = []
    for words in ("one", "two"):
        added = await live(
            "thread/queue/add", thread_id=thread_id, client_user_message_id=words, input=text(words)
        )
        queued.append(added.queued_submission.id)
    await live(
        "thread/queue/update", thread_id=thread_id, queued_submission_id=queued[0], input=text("first")
    )
    await live("thread/queue/reorder", thread_id=thread_id, queued_submission_ids=queued[::-1])
    await live("thread/queue/list", thread_id=thread_id)
    await live("thread/queue/delete", thread_id=thread_id, queued_submission_id=queued[0])
    await live("turn/interrupt", thread_id=thread_id, turn_id=waiting.turn.id)
    started = await live("thread/queue/start", thread_id=thread_id)
    handle = AsyncTurnHandle(live.codex, thread_id, started.turn.id)
    model.release()
    await handle.run()


async def use_a_server(live: Live, thread_id: str) -> None:
    listed = await live("mcpServerStatus/list", detail="full")
    assert [server.name for server in listed.data] == ["echo"]
    place = {"server": "echo", "thread_id": thread_id}
    await live("mcpServer/tool/call", tool="echo", arguments={"text": "hello"}, **place)
    await live("mcpServer/resource/read", uri="memo://one", **place)
    await live("mcpServer/event/stream/stop", subscription_id="nobody's")


async def end_threads(live: Live, thread_id: str, turn_id: str) -> None:
    """What makes turns that nobody here waits for, each in a thread of its own, and what ends threads."""
    forks = [(await live("thread/fork", thread_id=thread_id)).thread.id for _ in range(4)]
    target = {"type": "uncommittedChanges"}
    await live("review/start", thread_id=forks[0], target=target, delivery="inline")
    await live("thread/shellCommand", thread_id=forks[1], command="echo hello")
    await live("thread/compact/start", thread_id=forks[2])
    await live("thread/revert", thread_id=forks[3], before_turn_id=turn_id)
    await live("thread/unsubscribe", thread_id=forks[3])
    await live("thread/delete", thread_id=forks[3])
    await live("thread/resume", thread_id=thread_id)
    await live("thread/archive", thread_id=thread_id)
    await live("thread/unarchive", thread_id=thread_id)


async def log_in_and_out(live: Live) -> None:
    login = (await live("account/login/start", params={"type": "chatgpt"})).root
    await live("account/login/cancel", login_id=login.login_id)
    await live("account/login/start", params={"type": "apiKey", "apiKey": "sk-not-a-key"})
    await live("account/logout")


async def test_every_safe_call_gives_its_model_whole_and_known(
    model: OfflineModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: dict[str, bytes] = {}
    answer = decoding.answer

    def listen(method: str, result: bytes) -> Any:
        sent[method] = result
        return answer(method, result)

    monkeypatch.setattr(decoding, "answer", listen)
    server, workspace = tmp_path / "server.py", model.workspace
    server.write_text(MCP_SERVER)
    make_repository(workspace)
    config = model.config(
        config_overrides=(
            f"mcp_servers.echo={{command={json.dumps(sys.executable)}, args=[{json.dumps(str(server))}]}}",
            "features.step_model_switching=true",
        )
    )
    async with AsyncCodex(config) as codex:
        live = Live(codex, sent, KNOWN)
        await look_around(live, workspace)
        await set_up(live, workspace)
        await work_with_files(live, workspace)
        await run_programs(live, workspace)
        thread_id, turn_id = await have_a_turn(live, model, workspace)
        await read_a_thread(live, thread_id, turn_id)
        await change_a_thread(live, thread_id, turn_id)
        await sort_projects_and_sections(live, workspace, thread_id)
        await queue_inputs(live, model, workspace)
        await use_a_server(live, thread_id)
        await end_threads(live, thread_id, turn_id)
        await log_in_and_out(live)
    assert live.answered | set(NOT_CALLED) == set(REQUESTS)
    assert not live.answered & set(NOT_CALLED)
    assert live.surprises == set(KNOWN)
    assert len(live.answered) >= 140
