"""The runtime's private surroundings, and the server seen from outside."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from codex_cli_bin import bundled_codex_path

from codex_app_server import ApprovalMode, Codex, Sandbox, TurnFailedError
from codex_app_server.testing import Answer, OfflineModel
from tests.wishes import shell

_HOSTILE = {
    "OPENAI_API_KEY": "sk-users-own",
    "CODEX_API_KEY": "sk-users-own",
    "CODEX_ACCESS_TOKEN": "users-own",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}


def _shell(model: OfflineModel, codex: Codex, command: str) -> str:
    model.reset([Answer(shell(command)), "done"])
    codex.thread_start(sandbox=Sandbox.full_access, approval_mode=ApprovalMode.deny_all).run("go")
    return model.requests[-1].tool_outputs[0]


def test_nothing_of_the_users_own_reaches_the_runtime_or_its_tools(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    users_home = tmp_path / "users"
    (users_home / ".codex").mkdir(parents=True)
    (users_home / ".codex" / "config.toml").write_text("not toml at all", encoding="utf-8")
    (users_home / ".profile").write_text("echo from-the-users-profile\n", encoding="utf-8")
    database = tmp_path / "database"
    database.mkdir()
    for name, value in {
        **_HOSTILE,
        "HOME": str(users_home),
        "CODEX_HOME": str(users_home / ".codex"),
        "CODEX_SQLITE_HOME": str(database),
    }.items():
        monkeypatch.setenv(name, value)
    with OfflineModel() as model, Codex(model.config()) as codex:
        output = _shell(model, codex, "set" if sys.platform == "win32" else "env; echo ~")
        assert str(model.codex_home) in output
        assert "users-own" not in output
        assert "127.0.0.1:9" not in output
        assert str(users_home) not in output
        assert "from-the-users-profile" not in output
        for request in model.requests:
            assert "authorization" not in request.headers
            assert "users-own" not in str(request.headers) + request.content.decode()
    assert list(database.iterdir()) == []
    assert sorted(path.name for path in users_home.iterdir()) == [".codex", ".profile"]
    assert [path.name for path in (users_home / ".codex").iterdir()] == ["config.toml"]


def test_paths_may_hold_any_letters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    quoted = "'quoted" if sys.platform == "win32" else "'quoted\""
    directory = tmp_path / f"Prüfung 試験 {quoted}"
    directory.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    with OfflineModel() as model, Codex(model.config()) as codex:
        assert model.codex_home.is_relative_to(directory)
        _shell(model, codex, "echo x > here")
        assert (model.workspace / "here").exists()
    assert list(directory.iterdir()) == []


def test_a_configuration_takes_further_fields_and_environment(model: OfflineModel, tmp_path: Path) -> None:
    config = model.config(env={"EXTRA": "1", "HOME": "/elsewhere"}, cwd=str(tmp_path), client_name="mine")
    assert config.env is not None
    assert (config.env["EXTRA"], config.env["HOME"]) == ("1", "/elsewhere")
    assert config.env["CODEX_HOME"] == str(model.codex_home)
    assert (config.cwd, config.client_name) == (str(tmp_path), "mine")
    assert model.config().cwd == str(model.workspace)


def test_threads_last_as_long_as_the_model_does(model: OfflineModel) -> None:
    model.reset()
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        thread.run("first")
    with Codex(model.config()) as codex:
        assert codex.thread_resume(thread.id).run("second").final_response == "second"
    assert "first" in str(model.requests[-1].input)


def test_the_server_listens_on_loopback_alone(model: OfflineModel) -> None:
    port = int(model.base_url.rsplit(":", 1)[1].split("/")[0])
    lines = [
        line.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]
    ]
    listening = [
        fields[1] for fields in lines if fields[3] == "0A" and int(fields[1].split(":")[1], 16) == port
    ]
    assert listening == [f"0100007F:{port:04X}"]


async def test_other_requests_get_plain_answers_and_are_not_recorded(model: OfflineModel) -> None:
    model.reset()
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{model.base_url}/models") as response:
            body = await response.json()
            assert (response.status, body["object"], body["data"][0]["object"]) == (200, "list", "model")
        async with session.post(f"{model.base_url}/embeddings", json={}) as response:
            assert response.status == 404
            assert "does not serve POST /v1/embeddings" in (await response.json())["error"]["message"]
        for content in (b"{broken", b"[]", b"\xff"):
            async with session.post(f"{model.base_url}/responses", data=content) as response:
                assert response.status == 400
                assert "not a JSON object" in (await response.json())["error"]["message"]
    assert model.requests == []


async def test_any_client_of_the_responses_api_is_served(model: OfflineModel) -> None:
    model.reset("pong")
    body = {"model": "any", "stream": True, "input": [{"role": "user", "content": "ping"}]}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{model.base_url}/responses", json=body) as response,
    ):
        text = await response.text()
    assert response.headers["Content-Type"] == "text/event-stream"
    events = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert events[0] == "response.created"
    assert events[-1] == "response.completed"
    assert [(request.prompt, request.turn_id) for request in model.requests] == [("ping", None)]


def test_the_runtime_has_off_what_would_call_out_or_never_end(model: OfflineModel) -> None:
    listed = subprocess.run(
        [str(bundled_codex_path()), "features", "list"],
        env={**os.environ, **model.env},
        cwd=model.workspace,
        capture_output=True,
        text=True,
        check=True,
    )
    states = {line.split()[0]: line.split()[-1] for line in listed.stdout.splitlines()}
    off = ["plugins", "apps", "shell_snapshot", "unbounded_connection_retries"]
    assert [states[feature] for feature in off] == ["false"] * 4
    assert listed.stderr == "", "a home among the temporary files would be complained about"


def test_a_connection_that_is_refused_fails_the_turn_and_is_not_tried_for_ever(model: OfflineModel) -> None:
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}
    with Codex(model.config(env=nowhere)) as codex, pytest.raises(TurnFailedError, match="Connection failed"):
        codex.thread_start().run("go")


def test_the_server_finds_the_package_where_the_program_found_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    with OfflineModel() as model:
        assert model.requests == []


async def test_two_models_at_once_do_not_meet() -> None:
    async with OfflineModel("one") as first, OfflineModel("two") as second:
        assert first.base_url != second.base_url

        def run(model: OfflineModel) -> str | None:
            with Codex(model.config()) as codex:
                return codex.thread_start().run("who are you?").final_response

        answers = await asyncio.gather(asyncio.to_thread(run, first), asyncio.to_thread(run, second))
        assert list(answers) == ["one", "two"]
