"""Which runtime a configuration means."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NoReturn

import codex_cli_bin
import pytest

from codex_app_server import CodexConfig, __version__
from codex_app_server._launch.command import resolve
from codex_app_server.client import CodexBinResolverOps, resolve_codex_bin
from codex_app_server.errors import BinaryNotFoundError

# What Windows has programs end with.
ENDING = ".exe" if os.name == "nt" else ""


def program(directory: Path, name: str = f"codex{ENDING}") -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def gone() -> NoReturn:
    raise FileNotFoundError("removed")


def both(config: CodexConfig) -> Path:
    """What the client would start, which is what a program is told that asks."""
    ops = CodexBinResolverOps(codex_cli_bin.bundled_codex_path, Path.exists)
    told = resolve_codex_bin(config, ops)
    assert resolve(config).program == os.path.abspath(told)
    return told


def test_without_a_choice_it_is_the_packaged_one_whatever_is_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(program(tmp_path).parent))
    assert both(CodexConfig()) == codex_cli_bin.bundled_codex_path()


def test_a_bare_name_is_the_command_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert both(CodexConfig(codex_bin="codex")) == path


def test_the_path_is_the_one_that_the_runtime_will_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = program(tmp_path / "ours"), program(tmp_path / "theirs")
    monkeypatch.setenv("PATH", str(ours.parent))
    assert both(CodexConfig(codex_bin="codex", env={"PATH": str(theirs.parent)})) == theirs


@pytest.mark.parametrize("name", [f"./codex{ENDING}", f"sub/../codex{ENDING}"])
def test_a_name_with_a_separator_is_a_file_of_the_working_directory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    program(tmp_path)
    monkeypatch.setenv("PATH", str(program(tmp_path / "elsewhere").parent))
    monkeypatch.chdir(tmp_path)
    assert both(CodexConfig(codex_bin=name)).resolve() == (tmp_path / f"codex{ENDING}").resolve()


def test_a_path_object_is_a_file_without_a_separator_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path)
    monkeypatch.setenv("PATH", str(program(tmp_path / "elsewhere").parent))
    monkeypatch.chdir(tmp_path)
    config = CodexConfig(codex_bin=Path(f"codex{ENDING}"))
    assert config.codex_bin == os.path.join(".", f"codex{ENDING}")
    assert both(config).resolve() == (tmp_path / f"codex{ENDING}").resolve()


@pytest.mark.parametrize("path", ["/bin", "/bin:", ":/bin", ".:/bin", "", "here"])
def test_the_working_directory_does_not_say_what_a_command_is(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"a-codex{ENDING}"
    program(tmp_path, name)
    program(tmp_path / "here", name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", path.replace(":", os.pathsep))
    here = re.escape(repr(os.path.join(".", name)))
    with pytest.raises(BinaryNotFoundError, match=rf"no.* on PATH.*{here}.*packaged") as caught:
        both(CodexConfig(codex_bin=name))
    assert caught.value.filename == name
    with pytest.raises(BinaryNotFoundError, match="launch_args_override is not on PATH"):
        resolve(CodexConfig(launch_args_override=(name,)))


def test_a_command_that_is_not_there_is_no_reason_to_take_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BinaryNotFoundError, match="no-such-codex") as caught:
        both(CodexConfig(codex_bin="no-such-codex"))
    assert "./" not in str(caught.value)


def test_a_path_that_is_not_there_names_the_other_ways() -> None:
    with pytest.raises(BinaryNotFoundError, match=r"/nowhere/codex.* path .* PATH.*packaged") as caught:
        both(CodexConfig(codex_bin="/nowhere/codex"))
    assert caught.value.filename == "/nowhere/codex"


def test_a_missing_package_names_three_ways_and_takes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(tmp_path)
    monkeypatch.setattr(codex_cli_bin, "bundled_codex_path", gone)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BinaryNotFoundError) as caught:
        resolve(CodexConfig())
    message = str(caught.value)
    assert f"pip install openai-codex-cli-bin=={__version__}" in message
    assert 'codex_bin="/path/to/codex"' in message
    assert f'codex_bin="codex") for the command on PATH (now {path})' in message
    with pytest.raises(BinaryNotFoundError, match="there is none now"):
        resolve(CodexConfig(env={"PATH": ""}))


def test_what_an_uninstalled_package_leaves_behind_is_no_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "codex_cli_bin" / "__pycache__").mkdir(parents=True)
    monkeypatch.delitem(sys.modules, "codex_cli_bin")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(BinaryNotFoundError, match=r"(?s)not installed.*pip install.*/path/to/codex.*on PATH"):
        resolve(CodexConfig())


def test_a_program_that_asks_says_how_to_look_around() -> None:
    ops = CodexBinResolverOps(lambda: Path("/opt/codex"), lambda path: path == Path("/mine"))
    assert resolve_codex_bin(CodexConfig(), ops) == Path("/opt/codex")
    assert resolve_codex_bin(CodexConfig(codex_bin="/mine"), ops) == Path("/mine")
    with pytest.raises(BinaryNotFoundError):
        resolve_codex_bin(CodexConfig(codex_bin="/other"), ops)
