"""`login` and `logout`: on the real runtime, and completions on one whose every line is forced."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_app_server._cli.main import main
from codex_app_server.testing import OfflineModel
from tests.cli.terminal import COMMAND, Terminal, until_gone, until_written
from tests.leaks import Footprint
from tests.peer import ScriptedPeer
from tests.processes import descendants, is_running

KEY = "sk-quite-secret-4711"
CHATGPT = {"type": "chatgpt", "email": "a@b.example", "planType": "pro"}


@pytest.fixture
def scripted(peer: ScriptedPeer, terminal: Terminal) -> str:
    """The path of a program that is the scripted runtime, with somebody logged in."""
    peer.answers["account/read"] = {"account": CHATGPT, "requiresOpenaiAuth": True}
    return terminal.program("scripted", f"sys.exit(subprocess.call({list(peer.argv)!r}))")


def completed(login_id: str, error: str | None = None) -> dict[str, Any]:
    params = {"loginId": login_id, "success": error is None, "error": error}
    return {"method": "account/login/completed", "params": params, "emittedAtMs": 1_760_000_000_000}


def in_browser(_: Any) -> dict[str, Any]:
    return {"type": "chatgpt", "loginId": "login-0", "authUrl": "https://x.example/login-0"}


def by_code(_: Any) -> dict[str, Any]:
    return {
        "type": "chatgptDeviceCode",
        "loginId": "login-0",
        "verificationUrl": "https://x.example/device",
        "userCode": "ABCD-1234",
    }


def read_until(child: subprocess.Popen[str], words: str) -> str:
    assert child.stdout is not None
    said = ""
    while words not in said:
        line = child.stdout.readline()
        assert line, said
        said += line
    return said


def test_a_key_from_stdin_logs_in_until_the_logout(terminal: Terminal) -> None:
    before = terminal.run("login", "status")
    assert (before.code, before.out, before.err) == (3, "Not logged in\n", "")
    done = terminal.run("login", "--with-api-key", text=f"  {KEY}\n")
    assert (done.code, done.out, done.err) == (0, "Logged in using an API key\n", "")
    assert KEY in (terminal.home / "auth.json").read_text()
    during = terminal.run("login", "status")
    assert (during.code, during.out) == (0, done.out)
    for _ in range(2):
        out = terminal.run("logout")
        assert (out.code, out.out, out.err) == (0, "Logged out\n", "")
    assert not (terminal.home / "auth.json").exists()


def test_a_model_that_needs_no_login_is_no_reason_to_fail(model: OfflineModel, terminal: Terminal) -> None:
    status = terminal.run("login", "status", env=model.env)
    assert (status.code, status.out) == (0, "Not logged in; the configured model needs no login\n")
    done = terminal.run("login", "--with-api-key", text=KEY, env=model.env)
    assert (done.code, done.out, done.err) == (0, "Logged in\n", "")
    assert KEY in (model.codex_home / "auth.json").read_text()


@pytest.mark.parametrize("text", ["", " \n"])
def test_no_key_on_stdin_is_an_error(text: str, terminal: Terminal) -> None:
    done = terminal.run("login", "--with-api-key", text=text)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: There is no API key on stdin")


def with_key(terminal: Terminal, text: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [*COMMAND, "login", "--with-api-key"]
    return subprocess.run(command, env=terminal.env, input=text, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{KEY} {KEY}", "white space inside"),
        (f"{KEY}\n{KEY}\n", "white space inside"),
        (f"{KEY}\r\n{KEY}", "white space inside"),
        (f"{KEY}\u00a0{KEY}", "white space inside"),
        (f"{KEY}\x00", "characters other than printable ASCII"),
        (f"\x1b[200~{KEY}", "characters other than printable ASCII"),
        (f"{KEY}ü", "characters other than printable ASCII"),
        (f"\ufeff{KEY}\n", "characters other than printable ASCII"),
        (KEY.encode() + b"\xff", "characters other than printable ASCII"),
        (KEY.encode("utf-16"), "characters other than printable ASCII"),
        (f'"{KEY}"\n', "a quotation mark at an end"),
        (f"'{KEY}'", "a quotation mark at an end"),
        (f'{KEY}"', "a quotation mark at an end"),
    ],
)
def test_what_can_be_no_key_is_refused_and_not_repeated(
    text: str | bytes, words: str, terminal: Terminal
) -> None:
    done = with_key(terminal, text if isinstance(text, bytes) else text.encode())
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(f"error: The API key on stdin has {words}".encode())
    assert done.stderr.count(b"\n") == 1
    assert b"4711" not in done.stderr
    assert not (terminal.home / "auth.json").exists()


@pytest.mark.parametrize("around", ["\r\n", " \t", "\n\n"], ids=repr)
def test_white_space_around_a_key_is_no_part_of_it(around: str, terminal: Terminal) -> None:
    done = with_key(terminal, f"{around}{KEY}{around}".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert f'"{KEY}"' in (terminal.home / "auth.json").read_text()


@pytest.mark.parametrize(
    "args",
    [
        (KEY,),
        ("--with-api-key", KEY),
        (f"--with-api-key={KEY}",),
        ("--api-key", KEY),
        ("status", KEY),
    ],
)
def test_a_key_on_the_command_line_is_refused_and_not_repeated(
    args: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["login", *args])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert "read from stdin" in err
    assert KEY not in out + err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("stats",), "the argument of login can only be status. An API key is read from stdin"),
        (("--device-auth", "stats"), "the argument of login can only be status."),
        (("--device-auth", "--with-api-key"), "--device-auth and --with-api-key are two ways to log in"),
        (("status", "--with-api-key"), "status only shows who is logged in, and takes no --with-api-key"),
        (("status", "--device-auth"), "status only shows who is logged in, and takes no --device-auth"),
        (("--timeout", "0"), "--timeout must be a positive number of seconds"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_told_by_what_is_wrong(
    args: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["login", *args])
    assert caught.value.code == 2
    assert f"error: {words}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "args",
    [
        ("--with-api-key", KEY, "login"),
        (KEY, "login", "--with-api-key"),
        ("logout", KEY),
        ("logout", "--with-api-key", KEY),
        ("logout", f"--codex-bi={KEY}"),
        ("doctor", "--with-api-key", KEY),
        ("doctor", KEY),
    ],
)
def test_a_key_in_a_wrong_place_is_refused_and_not_repeated(
    args: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert "error: " in err
    assert KEY not in out + err
    if KEY in (args[0], args[1]) and "login" in args:
        assert "must be one of doctor, login, logout. An API key is read from stdin" in err


def test_a_login_that_cannot_be_looked_up_is_not_called_none(terminal: Terminal) -> None:
    path = terminal.program("codex", "sys.exit('broken')")
    done = terminal.run("login", "status", "--codex-bin", path)
    assert (done.code, done.out) == (1, "")
    assert "broken" in done.err


def test_a_login_in_the_browser_says_where_and_is_cancelled_by_ctrl_c(terminal: Terminal) -> None:
    with terminal.start("login") as child:
        said = read_until(child, "Waiting")
        assert "\n  https://" in said
        assert "--device-auth" in said
        runtimes = descendants(child.pid)
        assert runtimes
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
    assert (child.returncode, out, err) == (130, "", "Login cancelled.\n")
    Footprint.wait_until(lambda: not any(map(is_running, runtimes)))


@pytest.mark.parametrize(
    ("option", "answer", "told"),
    [
        ([], in_browser, ["  https://x.example/login-0\n"]),
        (["--device-auth"], by_code, ["  https://x.example/device\n", "  ABCD-1234\n"]),
    ],
    ids=["browser", "code"],
)
def test_a_login_that_a_person_completes_says_who_it_is(
    option: list[str],
    answer: Callable[[Any], dict[str, Any]],
    told: list[str],
    terminal: Terminal,
    scripted: str,
    peer: ScriptedPeer,
) -> None:
    peer.answers["account/login/start"] = answer
    with terminal.start("login", *option, "--codex-bin", scripted) as child:
        said = read_until(child, "Waiting")
        assert all(line in said for line in told)
        peer.send(completed("login-0"))
        out, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (0, "")
    assert out == "Logged in using ChatGPT (a@b.example, plan pro)\n"


def test_a_login_that_fails_says_why(terminal: Terminal, scripted: str, peer: ScriptedPeer) -> None:
    peer.answers["account/login/start"] = by_code
    with terminal.start("login", "--device-auth", "--codex-bin", scripted) as child:
        read_until(child, "Waiting")
        peer.send(completed("login-0", "denied by the workspace"))
        out, err = child.communicate(timeout=20)
    assert (child.returncode, out) == (1, "")
    assert err == "error: The login failed: denied by the workspace.\n"


def test_ctrl_c_ends_a_runtime_that_waits_for_a_code(
    terminal: Terminal, scripted: str, peer: ScriptedPeer
) -> None:
    peer.answers["account/login/start"] = by_code
    with terminal.start("login", "--device-auth", "--codex-bin", scripted) as child:
        read_until(child, "Waiting")
        runtimes = descendants(child.pid)
        assert runtimes
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
    assert (child.returncode, out, err) == (130, "", "Login cancelled.\n")
    Footprint.wait_until(lambda: not any(map(is_running, runtimes)))


def test_ctrl_c_in_login_status_cancels_nothing(terminal: Terminal, tmp_path: Path) -> None:
    log = tmp_path / "pid"
    body = f"open({str(log)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(1000)"
    path = terminal.program("codex", body)
    with terminal.start("login", "status", "--codex-bin", path) as child:
        (pid,) = until_written(log)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
    assert (child.returncode, out, err) == (130, "", "Interrupted.\n")
    until_gone(pid)


@pytest.mark.parametrize("command", [["login"], ["login", "status"], ["logout"]], ids=" ".join)
def test_a_home_that_does_not_exist_is_said_in_one_line_with_what_to_do(
    command: list[str], terminal: Terminal
) -> None:
    done = terminal.run(*command, env={"CODEX_HOME": "/nowhere"})
    assert (done.code, done.out) == (1, "")
    make = "mkdir" if sys.platform == "win32" else "mkdir -p"
    assert done.err == (
        f"error: CODEX_HOME is /nowhere, which does not exist: {make} /nowhere, or unset CODEX_HOME\n"
    )


@pytest.mark.parametrize("command", [["login"], ["login", "status"], ["logout"]])
def test_a_runtime_that_is_not_there_is_said_in_one_line(command: list[str], terminal: Terminal) -> None:
    done = terminal.run(*command, "--codex-bin", "/nowhere/codex")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: Codex binary not found at /nowhere/codex. ")
    assert done.err.count("\n") == 1
