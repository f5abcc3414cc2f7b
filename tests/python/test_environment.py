"""Which environment variables a runtime gets."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from codex_app_server import CodexConfig
from codex_app_server._launch.binary import CodexBinResolverOps, resolve_codex_bin
from codex_app_server._launch.environment import environment_of
from codex_app_server._launch.search import find_command
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
    python = Path(sys.executable)
    monkeypatch.setenv("PATH", str(python.parent))
    ops = CodexBinResolverOps(lambda: pytest.fail("not asked"), lambda path: path.exists())
    assert resolve_codex_bin(CodexConfig(codex_bin=python.name, inherit_env=False), ops) == python
    with pytest.raises(BinaryNotFoundError):
        resolve_codex_bin(CodexConfig(codex_bin=python.name, env={"PATH": "/nowhere"}), ops)


def test_a_command_of_windows_is_a_program_or_a_batch_file_of_the_first_folder(tmp_path: Path) -> None:
    npm, other = tmp_path / "npm", tmp_path / "other"
    for folder in (npm, other):
        folder.mkdir()
    # What npm installs: a script for other systems, a batch file, and one for another shell.
    for name in ("codex", "codex.cmd", "codex.ps1"):
        (npm / name).touch(0o755)
    for name in ("codex.exe", "codex.cmd"):
        (other / name).touch(0o755)
    path = {"PATH": os.pathsep.join(map(str, (npm, other)))}
    assert find_command("codex", path, "nt") == str(npm / "codex.cmd")
    assert find_command("codex.exe", path, "nt") == str(other / "codex.exe")
    assert find_command("codex", {"PATH": str(other)}, "nt") == str(other / "codex.exe")
    assert find_command("codex.ps1", path, "nt") is None
