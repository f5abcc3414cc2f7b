"""Which environment variables a runtime gets."""

from __future__ import annotations

import pytest

from codex_app_server import CodexConfig
from codex_app_server._launch.binary import CodexBinResolverOps, resolve_codex_bin
from codex_app_server._launch.environment import environment_of
from codex_app_server.errors import BinaryNotFoundError

OURS = {
    "PATH": "/bin",
    "HOME": "/home/me",
    "TMPDIR": "/home/me/tmp",
    "LANG": "de_DE.UTF-8",
    "LC_TIME": "C",
    "CODEX_HOME": "/home/me/.codex",
    "OPENAI_API_KEY": "a key",
    "HTTPS_PROXY": "http://me:password@proxy",
    "EDITOR": "vi",
}
MINIMUM = ("PATH", "HOME", "TMPDIR", "LANG", "LC_TIME", "CODEX_HOME")


def test_everything_is_inherited_by_default() -> None:
    assert environment_of(CodexConfig(), OURS, "posix") == OURS


def test_the_configs_variables_win_and_none_removes_one() -> None:
    config = CodexConfig(env={"EDITOR": "ed", "OPENAI_API_KEY": None, "NOT_THERE": None, "NEW": ""})
    env = environment_of(config, OURS, "posix")
    assert env == {
        **{name: OURS[name] for name in OURS if name != "OPENAI_API_KEY"},
        "EDITOR": "ed",
        "NEW": "",
    }


def test_without_inheritance_only_the_minimum_and_the_configs_variables_are_left() -> None:
    config = CodexConfig(inherit_env=False, env={"EDITOR": "ed", "LANG": None})
    env = environment_of(config, OURS, "posix")
    assert env == {**{name: OURS[name] for name in MINIMUM if name != "LANG"}, "EDITOR": "ed"}


def test_on_windows_the_case_of_a_name_says_nothing() -> None:
    ours = {"Path": "C:\\Windows", "SystemRoot": "C:\\Windows", "OpenAI_Api_Key": "a key", "TEMP": "C:\\T"}
    config = CodexConfig(env={"path": "D:\\", "temp": None})
    assert environment_of(config, ours, "nt") == {
        "PATH": "D:\\",
        "SYSTEMROOT": "C:\\Windows",
        "OPENAI_API_KEY": "a key",
    }
    config = CodexConfig(inherit_env=False)
    assert environment_of(config, ours, "nt") == {
        "PATH": "C:\\Windows",
        "SYSTEMROOT": "C:\\Windows",
        "TEMP": "C:\\T",
    }


def test_a_command_is_looked_up_on_the_path_that_the_runtime_will_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/bin")
    ops = CodexBinResolverOps(lambda: pytest.fail("not asked"), lambda path: path.exists())
    assert str(resolve_codex_bin(CodexConfig(codex_bin="sh", inherit_env=False), ops)) == "/bin/sh"
    with pytest.raises(BinaryNotFoundError):
        resolve_codex_bin(CodexConfig(codex_bin="sh", env={"PATH": "/nowhere"}), ops)
