"""`doctor`: on an installation that works, and on everything that may be broken about one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import codex_cli_bin
import pytest

import codex_app_server
from codex_app_server._cli.main import main
from tests.cli.terminal import HANG, Done, Terminal, until_all_gone, until_gone, until_written

PACKAGE = Path(codex_app_server.__file__).parent
ROOT = Path(__file__).parents[2]
VERSION = codex_app_server.__version__

NAMES = [
    "sdk",
    "python",
    "platform",
    "native_module",
    "packaged_runtime",
    "home",
    "runtime",
    "start",
    "config",
    "login",
    "versions",
    "schema",
    "turn",
]

# Plays a runtime of which a test says the version; it answers what it is asked first.
RUNTIME = """
VERSION = {version!r}
if "--version" in sys.argv:
    print("codex-cli", VERSION)
elif "app-server" in sys.argv and "generate-json-schema" not in sys.argv:
    for line in sys.stdin:
        message = json.loads(line)
        answers = {{
            "initialize": {{"userAgent": "x/" + VERSION, "codexHome": "/h"}},
            "config/read": {{"config": {{}}}},
            "account/read": {{"account": {account}, "requiresOpenaiAuth": {needed}}},
        }}
        if "id" in message:
            print(json.dumps({{"id": message["id"], "result": answers[message["method"]]}}), flush=True)
else:
    sys.exit("no such command")
"""


def runtime(version: str, account: str = "None", needed: str = "False") -> str:
    return RUNTIME.format(version=version, account=account, needed=needed)


def checks(done: Done) -> dict[str, dict[str, Any]]:
    """The checks of the one JSON document that is on stdout, by name."""
    document = json.loads(done.out)
    assert list(document) == ["format", "sdk_version", "ok", "checks"]
    assert (document["format"], document["sdk_version"]) == (1, VERSION)
    for check in document["checks"]:
        assert list(check) == ["name", "status", "detail", "fix", "data", "duration_ms"]
    assert [check["name"] for check in document["checks"]] == NAMES
    failed = any(check["status"] == "failed" for check in document["checks"])
    assert document["ok"] is not failed
    assert done.code == (1 if failed else 0)
    assert done.err == ""
    return {check["name"]: check for check in document["checks"]}


def statuses(found: dict[str, dict[str, Any]], *names: str) -> list[str]:
    return [found[name]["status"] for name in names]


def test_an_installation_that_works_passes_every_check(terminal: Terminal) -> None:
    assert terminal.run("login", "--with-api-key", text="sk-secret-4711\n").code == 0
    done = terminal.run("doctor", "--json")
    found = checks(done)
    assert set(statuses(found, *NAMES)) == {"ok"}
    data = {name: check["data"] for name, check in found.items()}
    assert data["sdk"] == {"version": VERSION, "made_for": VERSION, "path": str(PACKAGE)}
    assert data["python"]["version"] == sys.version.split()[0]
    assert data["native_module"]["release"] is True
    assert Path(data["native_module"]["path"]).parent == PACKAGE
    assert data["packaged_runtime"]["version"] == data["versions"]["runtime"] == VERSION
    assert data["runtime"]["path"] == str(codex_cli_bin.bundled_codex_path())
    assert (data["runtime"]["from"], data["runtime"]["version"]) == ("packaged", VERSION)
    assert data["home"] == {"path": str(terminal.home), "from": "CODEX_HOME"}
    assert data["start"]["home"] == str(terminal.home)
    assert 0 < data["start"]["ready_ms"] <= found["start"]["duration_ms"]
    assert data["config"] == {"model": None, "model_provider": None}
    assert data["login"] == {"account": "apiKey", "needed": True}
    assert data["schema"] == {"added": [], "removed": [], "changed": {}}
    assert 0 < data["turn"]["first_event_ms"] <= data["turn"]["turn_ms"] < found["turn"]["duration_ms"]
    assert "secret" not in done.out


def test_text_in_a_pipe_is_plain_and_fits_a_terminal(terminal: Terminal) -> None:
    done = terminal.run("doctor", "--no-turn")
    assert (done.code, done.err) == (0, "")
    assert "\x1b" not in done.out
    assert all(ord(character) < 128 for character in done.out)
    # A path is never broken, so that it can be copied.
    assert [line for line in done.out.splitlines() if len(line) > 80 and os.sep not in line] == []
    starts = [re.match(r"(ok|warning|failed|skipped) +(\w+) ", line) for line in done.out.splitlines()]
    assert [(start[1], start[2]) for start in starts if start] == [
        *((("warning" if name == "login" else "ok"), name) for name in NAMES[:-1]),
        ("skipped", "turn"),
    ]
    assert re.search(r"Not logged in\n +fix: python -m codex_app_server login\n", done.out)
    assert re.search(r"^13 checks in \d+\.\d s: 11 ok, 1 warning, 1 skipped$", done.out, re.M)


def test_without_the_packaged_runtime_it_says_how_to_get_one(terminal: Terminal) -> None:
    (terminal.shadow / "codex_cli_bin.py").write_text("raise ImportError('no such wheel')")
    path = terminal.program("codex", "")
    found = checks(terminal.run("doctor", "--json", env={"PATH": str(terminal.bin)}))
    assert statuses(found, "packaged_runtime", "runtime", "start", "login", "schema", "turn") == [
        "failed",
        "failed",
        *["skipped"] * 4,
    ]
    assert found["packaged_runtime"]["fix"] == f"pip install openai-codex-cli-bin=={VERSION}"
    assert f"(now {path})" in found["packaged_runtime"]["detail"]


def test_a_command_on_path_is_examined_when_asked_and_needs_no_packaged_one(terminal: Terminal) -> None:
    (terminal.shadow / "codex_cli_bin.py").write_text("raise ImportError('no such wheel')")
    path = terminal.program("codex", runtime(VERSION))
    env = {"PATH": str(terminal.bin)}
    found = checks(terminal.run("doctor", "--json", "--no-turn", "--codex-bin", "codex", env=env))
    assert statuses(found, "packaged_runtime", "runtime", "start", "login") == ["skipped", "ok", "ok", "ok"]
    assert found["runtime"]["data"] == {"path": path, "from": "codex on PATH", "version": VERSION}


@pytest.mark.parametrize(
    ("version", "status", "words"),
    [
        ("0.150.0", "warning", "older than"),
        ("99.0.0", "warning", "newer than"),
        ("0.0.0", "ok", "built from source"),
        ("nightly", "warning", "nightly, which tells nothing"),
    ],
)
def test_another_version_is_a_warning_and_no_failure(
    version: str, status: str, words: str, terminal: Terminal
) -> None:
    path = terminal.program("codex", runtime(version))
    found = checks(terminal.run("doctor", "--json", "--no-turn", "--codex-bin", path))
    assert statuses(found, "start", "versions", "schema") == ["ok", status, "warning"]
    assert words in found["versions"]["detail"]
    assert "no such command" in found["schema"]["detail"]


@pytest.mark.parametrize(
    ("account", "needed", "status", "detail"),
    [
        ("None", "True", "warning", "Not logged in"),
        ("None", "False", "ok", "Not logged in; the configured model needs no login"),
        (
            "{'type': 'chatgpt', 'email': 'a@b.example', 'planType': 'pro'}",
            "True",
            "ok",
            "Logged in using ChatGPT (plan pro)",
        ),
        ("{'type': 'from tomorrow'}", "True", "ok", "Logged in using from tomorrow"),
    ],
)
def test_a_login_is_told_by_its_kind_alone(
    account: str, needed: str, status: str, detail: str, terminal: Terminal
) -> None:
    path = terminal.program("codex", runtime(VERSION, account, needed))
    done = terminal.run("doctor", "--json", "--no-turn", "--codex-bin", path)
    login = checks(done)["login"]
    assert (login["status"], login["detail"]) == (status, detail)
    assert "a@b.example" not in done.out


def test_a_runtime_that_exits_at_once_has_its_reason_told(terminal: Terminal) -> None:
    path = terminal.program("codex", "sys.stderr.write('no \\x1b[2Jlicence\\n'); sys.exit(3)")
    done = terminal.run("doctor", "--codex-bin", path)
    assert done.code == 1
    words = " ".join(done.out.split())
    assert "\x1b" not in words
    assert "fails on --version (exit code 3): no ?[2Jlicence" in words
    assert "failed start" in words
    assert "The end of its stderr: no licence skipped config" in words
    assert "skipped turn the runtime does not work" in words


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(
    "secret",
    [
        "Authorization: Bearer sk-SECRET-789 for alice@example.com",
        "\x1b[31msk-SECRET-789\x1b[0m is alice@example.com's",
    ],
    ids=["header", "coloured"],
)
def test_what_a_runtime_writes_is_quoted_without_secrets(
    secret: str, form: tuple[str, ...], terminal: Terminal
) -> None:
    path = terminal.program("codex", f"print({secret!r}); sys.exit('no licence\\n' + {secret!r})")
    out = terminal.run("doctor", *form, "--codex-bin", path).out
    assert out.count("no licence") >= 2
    assert "[redacted]" in out
    assert "SECRET" not in out
    assert "alice" not in out


def test_what_a_runtime_calls_itself_is_told_without_secrets(terminal: Terminal) -> None:
    path = terminal.program("codex", runtime("sk-SECRET-789"))
    done = terminal.run("doctor", "--json", "--no-turn", "--codex-bin", path)
    assert checks(done)["runtime"]["data"]["version"] == "[redacted]"
    assert "SECRET" not in done.out


def test_a_runtime_that_hangs_is_given_up_and_ended_with_its_children(
    terminal: Terminal, tmp_path: Path
) -> None:
    log = tmp_path / "pids"
    body = (
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])\n"
        f"open({str(log)!r}, 'a').write(f'{{os.getpid()}}\\n{{child.pid}}\\n')\n"
        "time.sleep(1000)"
    )
    path = terminal.program("codex", body)
    found = checks(terminal.run("doctor", "--json", "--timeout", "0.5", "--codex-bin", path))
    assert statuses(found, "runtime", "start", "login", "schema", "turn") == [
        "warning",
        "failed",
        *["skipped"] * 3,
    ]
    assert "within 0.5 s" in found["runtime"]["detail"]
    assert "within 0.5 s" in found["start"]["detail"]
    pids = until_written(log, 4)
    assert len(set(pids)) == 4
    for pid in pids:
        until_gone(pid)


def test_an_answer_that_never_comes_fails_its_check_and_no_more(terminal: Terminal) -> None:
    path = terminal.program(
        "codex", runtime(VERSION).replace('if "id" in', 'if message["method"] == "initialize" and "id" in')
    )
    found = checks(terminal.run("doctor", "--json", "--no-turn", "--timeout", "1", "--codex-bin", path))
    assert statuses(found, "start", "login", "versions") == ["ok", "failed", "ok"]
    assert "account/read" in found["login"]["detail"]


def test_ctrl_c_ends_the_examination_and_the_runtime(terminal: Terminal, tmp_path: Path) -> None:
    log = tmp_path / "pids"
    body = (
        "if '--version' in sys.argv: sys.exit(0)\n"
        f"open({str(log)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        "time.sleep(1000)"
    )
    with terminal.start("doctor", "--codex-bin", terminal.program("codex", body)) as child:
        (pid,) = until_written(log)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (130, "Interrupted.\n")
    assert "runtime " in out
    assert "start " not in out
    until_gone(pid)


# Before that: a runtime that gets as far as to a thread.
WORKS_AT_FIRST = """
if '--version' in sys.argv: print('codex-cli 0.163.0'); sys.exit(0)
if 'generate-json-schema' in sys.argv: sys.exit(1)
result = {'userAgent': 'x/0.163.0', 'codexHome': '/h', 'requiresOpenaiAuth': False, 'config': {}}
for line in sys.stdin:
    message = json.loads(line)
    if message['method'] == 'thread/start': break
    if 'id' in message: print(json.dumps({'id': message['id'], 'result': result}), flush=True)
else:
    sys.exit(0)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize(
    ("command", "first"),
    [
        (["doctor"], ""),
        (["doctor"], "if '--version' in sys.argv: print('codex-cli 0.163.0'); sys.exit(0)"),
        (["doctor"], WORKS_AT_FIRST),
        (["login"], ""),
        (["logout"], ""),
    ],
    ids=["in --version", "in the start", "in the turn", "login", "logout"],
)
def test_a_signal_to_end_ends_also_what_was_started(
    command: list[str], first: str, name: str, terminal: Terminal, tmp_path: Path
) -> None:
    number = signal.Signals[name]
    log = tmp_path / "pids"
    path = terminal.program("codex", f"{first}{HANG.format(log=str(log))}")
    with terminal.start(*command, "--codex-bin", path) as child:
        pids = until_written(log, 2)
        # Twice, as a shell and the system do when a terminal is closed.
        child.send_signal(number)
        child.send_signal(number)
        _, err = child.communicate(timeout=20)
    until_all_gone(pids)
    assert child.returncode == 128 + number
    assert err == ("Login cancelled.\n" if command == ["login"] else "Interrupted.\n")


def test_an_interruption_in_the_middle_of_an_import_has_the_same_exit_code(terminal: Terminal) -> None:
    # `dataclasses` hands its code to `exec` as text, where CPython takes the interruption for one that nobody
    # catches.
    (terminal.shadow / "sitecustomize.py").write_text(
        "from codex_app_server._cli import login\n"
        "def interrupted(options): exec('raise KeyboardInterrupt')\n"
        "login.log_out = interrupted\n"
    )
    done = terminal.run("logout")
    assert (done.code, done.err) == (128 + signal.SIGINT, "Interrupted.\n")


def test_a_program_that_runs_the_commands_keeps_its_handlers_of_signals(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = [signal.getsignal(number) for number in signal.valid_signals()]
    assert main(["doctor", "--no-turn", "--codex-bin", "no-such-codex"]) == 1
    with ThreadPoolExecutor() as threads:  # in which Python lets nobody set one
        assert threads.submit(main, ["logout", "--codex-bin", "no-such-codex"]).result() == 1
    assert [signal.getsignal(number) for number in signal.valid_signals()] == before
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_traceback(terminal: Terminal) -> None:
    with terminal.start("doctor", "--codex-bin", "no-such-codex") as child:
        assert child.stdout is not None
        child.stdout.close()
        assert child.stderr is not None
        assert child.stderr.read() == ""
    assert child.returncode == 1


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("model = [", "config.toml:1:10: unclosed array"),
        ('model_provider = "nope"', "Model provider `nope` not found"),
        ('sandbox_mode = "none"', "unknown variant `none`"),
    ],
)
def test_a_configuration_that_the_runtime_refuses_fails_with_its_own_words(
    config: str, words: str, terminal: Terminal
) -> None:
    (terminal.home / "config.toml").write_text(config)
    found = checks(terminal.run("doctor", "--json", "--no-turn"))
    assert statuses(found, "start", "config") == ["ok", "failed"]
    assert words in found["config"]["detail"]
    assert "JSON-RPC" not in found["config"]["detail"]
    assert found["config"]["fix"] == f"correct the configuration, as a rule {terminal.home}/config.toml"


def test_the_configured_model_and_its_provider_are_told(terminal: Terminal) -> None:
    local = 'model = "small"\nmodel_provider = "here"\n[model_providers.here]\nname = "here"\n'
    (terminal.home / "config.toml").write_text(local)
    config = checks(terminal.run("doctor", "--json", "--no-turn"))["config"]
    assert config["data"] == {"model": "small", "model_provider": "here"}
    assert config["detail"] == "the runtime reads it: model small, provider here"


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("true (GNU coreutils) 9.1\nCopyright (C) 2022\nLicense\n", "true (GNU coreutils) 9.1"),
        ("no codex 0.163.0", "no codex 0.163.0"),
        ("codex", "codex"),
        ("", ""),
    ],
)
def test_a_program_that_is_no_codex_is_told_by_its_first_line(
    output: str, shown: str, terminal: Terminal
) -> None:
    path = terminal.program("true", f"print({output!r}, end='')")
    found = checks(terminal.run("doctor", "--json", "--no-turn", "--codex-bin", path))
    assert statuses(found, "runtime", "start", "versions", "schema") == [
        "warning",
        "failed",
        *["skipped"] * 2,
    ]
    told = f"calls itself {shown!r} on --version" if shown else "says nothing on --version"
    assert found["runtime"]["detail"] == f"{path} (chosen by its path) {told}"
    assert found["runtime"]["fix"] == "check that it is Codex"
    assert found["runtime"]["data"]["version"] is None


def test_more_than_its_version_is_not_shown_of_codex(terminal: Terminal) -> None:
    body = runtime(VERSION).replace(
        'print("codex-cli", VERSION)', 'print("codex-cli", VERSION, "\\nnew here?")'
    )
    path = terminal.program("codex", body)
    found = checks(terminal.run("doctor", "--json", "--no-turn", "--codex-bin", path))
    assert found["runtime"]["detail"] == f"codex-cli {VERSION}, chosen by its path: {path}"
    assert found["runtime"]["data"]["version"] == VERSION


@pytest.mark.parametrize("command", [["doctor"], ["login"], ["logout"]], ids=" ".join)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("what I wanted to say\n", "it is not a program of this machine"),
        ("#!/nowhere/python\n", "it or the interpreter in its first line does not exist"),
    ],
)
def test_a_file_that_is_no_program_is_told_with_what_to_do(
    text: str, words: str, command: list[str], terminal: Terminal
) -> None:
    path = terminal.bin / "textfile"
    path.write_text(text)
    path.chmod(0o755)
    done = terminal.run(*command, "--codex-bin", str(path))
    assert done.code == 1
    said = " ".join((done.out + done.err).split())
    assert words in said
    assert "Errno" not in said
    if command == ["doctor"]:
        assert "failed runtime" in said
        assert "skipped start" in said


def test_the_commands_speak_of_their_own_options(terminal: Terminal) -> None:
    slow = terminal.program("slow", "time.sleep(1000)")
    for asked in (
        ["doctor", "--codex-bin", "/nowhere/codex"],
        ["doctor", "--codex-bin", "no-such-codex"],
        ["doctor", "--no-turn", "--timeout", "0.5", "--codex-bin", slow],
        ["login", "--timeout", "0.5", "--codex-bin", slow],
        ["logout", "--timeout", "0.5", "--codex-bin", slow],
        ["login", "status", "--codex-bin", "/bin/true"],
        ["login", "status", "--codex-bin", ""],
        ["doctor", "--codex-bin", ""],
    ):
        done = terminal.run(*asked)
        said = " ".join((done.out + done.err).split())
        assert done.code == 1, asked
        assert "CodexConfig" not in said, asked
        assert "--codex-bin" in said, asked
        assert ("raise --timeout" in said) is ("--timeout" in asked), asked


def test_without_any_runtime_it_says_how_to_choose_one_here(terminal: Terminal) -> None:
    (terminal.shadow / "codex_cli_bin.py").write_text("raise ImportError('no such wheel')")
    for asked in ("doctor", "login"):
        done = terminal.run(asked)
        said = " ".join((done.out + done.err).split())
        assert "--codex-bin /path/to/codex for a file, --codex-bin codex for the command on PATH" in said


@pytest.mark.parametrize(
    ("home", "detail"),
    [("/proc", "nothing can be written in /proc"), ("/nowhere", "does not exist"), ("file", "cannot|can be")],
)
def test_a_home_that_is_none_is_told_apart_from_a_runtime_that_is_none(
    home: str, detail: str, terminal: Terminal, tmp_path: Path
) -> None:
    if home == "file":
        (tmp_path / "file").touch()
        home = str(tmp_path / "file")
    found = checks(terminal.run("doctor", "--json", env={"CODEX_HOME": home}))
    assert re.search(detail, found["home"]["detail"])
    assert found["home"]["fix"]
    # The turn has a home of its own, and shows that all else works.
    assert statuses(found, "home", "start", "schema", "turn") == ["failed", "failed", "ok", "ok"]


def test_a_home_that_is_not_there_yet_is_made_by_the_runtime(terminal: Terminal, tmp_path: Path) -> None:
    del terminal.env["CODEX_HOME"]
    nobody = dict.fromkeys(("HOME", "USERPROFILE"), str(tmp_path / "nobody"))
    found = checks(terminal.run("doctor", "--json", "--no-turn", env=nobody))
    assert found["home"]["detail"].endswith("does not exist yet; the runtime makes it")
    assert statuses(found, "home", "start") == ["ok", "ok"]
    assert (tmp_path / "nobody" / ".codex").is_dir()


def test_without_the_extra_the_turn_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: Terminal
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    for name in ("CODEX_HOME", "CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG"):
        monkeypatch.setenv(name, terminal.env[name])
    code = main(["doctor", "--json"])
    turn = checks(Done(code, *capsys.readouterr()))["turn"]
    assert turn["status"] == "skipped"
    assert turn["fix"] == 'pip install "codex-app-server-sdk[testing]"'


def broken_package(terminal: Terminal, native: bytes | None) -> None:
    """The package without its native module, or with something else in its place."""
    leave = shutil.ignore_patterns("_native.*.so", "_native.so", "_native.pyd", "__pycache__")
    shutil.copytree(PACKAGE, terminal.shadow / PACKAGE.name, ignore=leave)
    if native is not None:
        name = "_native.pyd" if sys.platform == "win32" else "_native.abi3.so"
        (terminal.shadow / PACKAGE.name / name).write_bytes(native)


@pytest.mark.parametrize(
    ("native", "words"),
    [(None, "is missing"), (b"not of this machine", "cannot be loaded")],
    ids=["missing", "of another platform"],
)
def test_without_its_native_module_it_says_what_is_installed_where(
    native: bytes | None, words: str, terminal: Terminal
) -> None:
    broken_package(terminal, native)
    found = checks(terminal.run("doctor", "--json"))
    assert statuses(found, "native_module", "start", "login", "turn") == ["failed", *["skipped"] * 3]
    assert statuses(found, "sdk", "packaged_runtime", "runtime", "versions", "schema") == ["ok"] * 5
    detail = found["native_module"]["detail"]
    assert words in detail
    assert "cp310-abi3-" in detail
    assert f"CPython {sys.version.split()[0]}" in detail
    # By its version, for the name alone may get another one.
    install = f"{sys.executable} -m pip install --force-reinstall --no-cache-dir"
    assert found["native_module"]["fix"] == f"{install} codex-app-server-sdk=={VERSION}"


@pytest.mark.parametrize(
    "options",
    [
        *(["-Bm", PACKAGE.name], ["-Em", PACKAGE.name], ["-Im", PACKAGE.name], ["-BIm", PACKAGE.name]),
        *([f"-Bm{PACKAGE.name}"], ["-X", "dev", "-sm", PACKAGE.name], ["-B", "-m", PACKAGE.name]),
    ],
    ids=" ".join,
)
def test_without_its_native_module_it_is_run_with_any_options_of_python(
    options: list[str], terminal: Terminal, tmp_path: Path
) -> None:
    import venv  # which not every CPython for Windows has

    # Isolated, Python takes no path from the environment: the package has to be installed.
    venv.create(tmp_path / "venv", symlinks=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (site / "others.pth").write_text("".join(f"{path}\n" for path in sys.path if path))
    broken_package(terminal, None)
    (terminal.shadow / PACKAGE.name).rename(site / PACKAGE.name)
    command = [str(tmp_path / "venv" / "bin" / "python"), *options, "doctor", "--json", "--no-turn"]
    done = subprocess.run(command, env=terminal.env, capture_output=True, encoding="utf-8", check=False)
    found = checks(Done(done.returncode, done.stdout, done.stderr))
    assert found["sdk"]["data"]["path"] == str(site / PACKAGE.name)
    assert statuses(found, "native_module", "runtime") == ["failed", "ok"]


def test_without_its_native_module_other_uses_fail_with_the_same_words(terminal: Terminal) -> None:
    broken_package(terminal, None)
    done = terminal.run("login", "status")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: The native module of codex-app-server-sdk is missing.")
    program = "try:\n    import codex_app_server\nexcept ImportError as error:\n    print(error)"
    said = subprocess.run(
        [sys.executable, "-c", program], env=terminal.env, capture_output=True, encoding="utf-8", check=True
    ).stdout
    assert done.err == f"error: {said}"


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("no-such-command",),
        ("doctor", "--no-such-option"),
        ("doctor", "--timeout", "soon"),
        ("doctor", "--timeout", "0"),
        ("doctor", "--timeout", "nan"),
        ("doctor", "too-much"),
        ("doctor", "--js"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2(
    args: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: python -m codex_app_server")


@pytest.mark.parametrize("args", [("--version",), ("--help",), ("doctor", "--help"), ("login", "--help")])
def test_questions_about_the_commands_are_answered(
    args: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == 0
    assert (
        VERSION if args == ("--version",) else "usage: python -m codex_app_server"
    ) in capsys.readouterr().out


def documented(heading: str) -> dict[str, list[str]]:
    """The rows of a table of the page, as the words in code quotes of each cell, by the first cell."""
    page = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    table = page.split(f"| {heading} |")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in rows}


def test_the_page_has_every_check_every_field_and_every_option(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    found = checks(terminal.run("doctor", "--json"))
    assert list(documented("check | what it looks at | it fails when")) == NAMES
    told = documented("check | its `data`; null for what is not known, and empty where a check was skipped")
    assert list(told) == NAMES
    for name, check in found.items():
        assert [word for word in told[name] if word in check["data"]] == list(check["data"]), name
    with pytest.raises(SystemExit):
        main(["doctor", "--help"])
    options = re.findall(r"^  (--[\w-]+(?: [A-Z]+)?)", capsys.readouterr().out, re.M)
    assert list(documented("option | meaning")) == options
