"""Runtimes that are missing, broken or something else: a clear typed error, soon, and nothing left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_app_server import AsyncCodex, CodexConfig
from codex_app_server.errors import (
    BinaryNotExecutableError,
    BinaryNotFoundError,
    CodexError,
    InvalidInputError,
    StartupError,
    TransportClosedError,
)
from tests.leaks import Footprint
from tests.peer import ScriptedPeer
from tests.programs import program


async def started(config: CodexConfig) -> None:
    async with AsyncCodex(config):
        pass


@pytest.fixture(autouse=True)
def soon_and_clean() -> Iterator[None]:
    before = Footprint.settled()
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < 4
    Footprint.take().assert_no_more_than(before)


def script(tmp_path: Path, body: str) -> str:
    return str(program(tmp_path / "codex", f"import os, sys, time\n{body}"))


async def test_a_missing_binary(tmp_path: Path) -> None:
    with pytest.raises(BinaryNotFoundError, match="codex_bin") as caught:
        await started(CodexConfig(codex_bin=str(tmp_path / "nothing")))
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value, CodexError)


async def test_a_command_that_is_not_on_the_path() -> None:
    with pytest.raises(BinaryNotFoundError):
        await started(CodexConfig(launch_args_override=("no-such-command-anywhere", "app-server")))


async def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(BinaryNotExecutableError, match="directory"):
        await started(CodexConfig(codex_bin=str(tmp_path)))


async def test_a_file_that_is_not_executable(tmp_path: Path) -> None:
    path = tmp_path / "codex"
    path.write_text("text")
    with pytest.raises(BinaryNotExecutableError, match="chmod") as caught:
        await started(CodexConfig(codex_bin=str(path)))
    assert isinstance(caught.value, PermissionError)


async def test_a_working_directory_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(CodexError, match="cwd"):
        await started(CodexConfig(cwd=str(tmp_path / "nowhere")))


@pytest.mark.parametrize("then", ["sys.exit(9)", "print('hello', flush=True); time.sleep(60)"])
async def test_what_a_terminal_would_obey_is_not_in_the_error(tmp_path: Path, then: str) -> None:
    said = r"\x1b]0;title\x07\x1b[31mno\x1b[0m licence\rMY_TOKEN=abc\x08\n"
    binary = script(tmp_path, f"sys.stderr.write('{said}'); sys.stderr.flush(); {then}")
    with pytest.raises(StartupError) as caught:
        await started(CodexConfig(codex_bin=binary))
    assert caught.value.stderr_tail == "no licence\nMY_TOKEN=[redacted]\n"
    assert str(caught.value).endswith("no licence\nMY_TOKEN=[redacted]")


async def test_a_binary_that_exits_at_once(tmp_path: Path) -> None:
    binary = script(tmp_path, "sys.stderr.write('no licence\\n'); sys.exit(9)")
    with pytest.raises(StartupError, match="no licence") as caught:
        await started(CodexConfig(codex_bin=binary))
    assert caught.value.exit_code == 9
    assert "no licence" in caught.value.stderr_tail
    assert isinstance(caught.value, TransportClosedError)


async def test_an_error_of_the_runtimes_own_is_the_reason(tmp_path: Path) -> None:
    error = "note: trying\nError: bad setting\nin `line 1`"
    words = f"{error}\n\nStack backtrace:\n   0: <unknown>\n   1: <unknown>\n"
    binary = script(tmp_path, f"sys.stderr.write({words!r}); sys.exit(1)")
    with pytest.raises(StartupError) as caught:
        await started(CodexConfig(codex_bin=binary))
    assert caught.value.reason == "The Codex runtime exited (exit code 1): bad setting"
    assert "--version" not in str(caught.value)
    assert str(caught.value).endswith(f"stderr:\n{error}")
    assert "backtrace" in caught.value.stderr_tail


async def test_an_error_that_is_all_of_its_stderr_is_said_once(tmp_path: Path) -> None:
    binary = script(tmp_path, "sys.stderr.write('Error: bad setting\\n'); sys.exit(1)")
    with pytest.raises(StartupError) as caught:
        await started(CodexConfig(codex_bin=binary))
    assert str(caught.value).count("bad setting") == 1
    assert caught.value.stderr_tail.strip() == "Error: bad setting"


async def test_a_runtime_that_lost_the_race_for_its_database_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "starts"
    binary = script(
        tmp_path,
        f"open({str(log)!r}, 'a').write('.')\n"
        "sys.exit('Error: failed to initialize sqlite state runtime under /home: no')",
    )
    with pytest.raises(StartupError, match="sqlite"):
        await started(CodexConfig(codex_bin=binary))
    assert log.read_text() == "...."


async def test_a_binary_that_kills_itself(tmp_path: Path) -> None:
    binary = script(tmp_path, "os.kill(os.getpid(), 11)")
    with pytest.raises(StartupError, match="11") as caught:
        await started(CodexConfig(codex_bin=binary))
    assert caught.value.signal == 11


async def test_a_program_that_prints_text_and_stays(tmp_path: Path) -> None:
    binary = script(tmp_path, "print('Welcome to the wrong program', flush=True); sys.stdin.read()")
    with pytest.raises(StartupError, match="Welcome to the wrong program"):
        await started(CodexConfig(codex_bin=binary))


async def test_a_program_that_floods_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    binary = script(tmp_path, "while True: sys.stdout.write('no JSON\\n' * 1000)")
    with pytest.raises(StartupError, match="not JSON"):
        await started(CodexConfig(codex_bin=binary))
    caplog.clear()


async def test_a_line_that_is_no_message_is_quoted_without_secrets_and_escapes(tmp_path: Path) -> None:
    body = r"print('API_KEY=SECRET \x1b]0;owned\x07 no', flush=True); time.sleep(60)"
    with pytest.raises(StartupError, match="not JSON") as caught:
        await started(CodexConfig(codex_bin=script(tmp_path, body)))
    assert "API_KEY=[redacted]" in str(caught.value)
    assert "SECRET" not in str(caught.value)


async def test_a_line_that_is_no_message_is_logged_without_secrets(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    peer.answers["model/list"] = {"data": []}
    async with AsyncCodex(CodexConfig(launch_args_override=peer.argv)) as codex:
        peer.send_raw(b"API_KEY=SECRET\n")
        await codex.models()
        assert "API_KEY=[redacted]" in caplog.text
        assert "SECRET" not in caplog.text
    caplog.clear()


async def test_a_program_that_closes_its_stdout(tmp_path: Path) -> None:
    binary = script(tmp_path, "os.close(1); sys.stdin.read()")
    with pytest.raises(StartupError, match="stdout"):
        await started(CodexConfig(codex_bin=binary))


async def test_a_program_that_says_what_it_hears(tmp_path: Path) -> None:
    binary = script(tmp_path, "for line in sys.stdin: print(line, end='', flush=True)")
    # The request that comes back looks like one of the runtime's own; its refusal comes back as well.
    with pytest.raises(StartupError):
        await started(CodexConfig(codex_bin=binary, startup_timeout_s=1))


async def test_a_program_that_is_silent(tmp_path: Path) -> None:
    binary = script(tmp_path, "time.sleep(1000)")
    with pytest.raises(StartupError, match="startup_timeout_s"):
        await started(CodexConfig(codex_bin=binary, startup_timeout_s=0.3, shutdown_grace_s=0.1))


async def test_a_runtime_that_refuses_to_initialize() -> None:
    with ScriptedPeer() as peer:
        peer.answers["initialize"] = lambda _params: None
        with pytest.raises(StartupError):
            await started(CodexConfig(launch_args_override=peer.argv))


async def test_a_start_that_failed_can_be_tried_again(tmp_path: Path) -> None:
    flag = tmp_path / "second"
    binary = script(
        tmp_path,
        f"if not os.path.exists({str(flag)!r}): open({str(flag)!r}, 'w'); sys.exit(1)\n"
        "import json\n"
        "for line in sys.stdin:\n"
        "    m = json.loads(line)\n"
        "    result = {'userAgent': 'a/1 b', 'data': []}\n"
        "    if 'id' in m: print(json.dumps({'id': m['id'], 'result': result}), flush=True)\n",
    )
    codex = AsyncCodex(CodexConfig(codex_bin=binary))  # async only
    with pytest.raises(StartupError):
        await codex.models()  # async only
        # sync only: Codex(CodexConfig(codex_bin=binary))
    # sync only: codex = Codex(CodexConfig(codex_bin=binary))
    assert (await codex.models()).data == []
    await codex.close()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("codex_bin", 7),
        ("config_overrides", "key=value"),
        ("env", {"A": 1}),
        ("request_timeout_s", -1),
        ("request_timeout_s", "soon"),
        ("turn_budget_bytes", 0),
        ("launch_args_override", ()),
    ],
)
async def test_a_wrong_setting_is_refused_at_once(field: str, value: object) -> None:
    with pytest.raises((InvalidInputError, TypeError), match=field):
        CodexConfig(**{field: value})  # type: ignore[arg-type]


async def test_a_config_of_another_type() -> None:
    with pytest.raises(TypeError, match="CodexConfig"):
        AsyncCodex({"codex_bin": "x"})  # type: ignore[arg-type]
