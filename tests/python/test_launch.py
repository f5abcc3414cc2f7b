"""From a config to a command line, without starting anything."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import codex_cli_bin
import pytest

from codex_app_server import CodexConfig, errors
from codex_app_server._launch.command import Launch, raise_spawn_error, resolve


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / ("codex.exe" if os.name == "nt" else "codex")
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_packaged_runtime_is_the_default() -> None:
    launch = resolve(CodexConfig())
    assert launch.argv == (str(codex_cli_bin.bundled_codex_path()), "app-server", "--listen", "stdio://")


def test_the_packaged_tools_come_first_on_the_childs_path() -> None:
    tools = str(codex_cli_bin.bundled_path_dir())
    assert resolve(CodexConfig()).env["PATH"] == tools + os.pathsep + os.environ["PATH"]
    assert resolve(CodexConfig(env={"PATH": "/mine"})).env["PATH"] == tools + os.pathsep + "/mine"


def test_a_runtime_of_ones_own_gets_the_path_as_it_is(program: Path) -> None:
    assert resolve(CodexConfig(codex_bin=str(program))).env["PATH"] == os.environ["PATH"]


def test_overrides_come_before_the_subcommand_and_in_order(program: Path) -> None:
    launch = resolve(CodexConfig(codex_bin=str(program), config_overrides=("a=1", "b=2")))
    settings = ("--config", "a=1", "--config", "b=2")
    assert launch.argv == (str(program), *settings, "app-server", "--listen", "stdio://")


def test_features_are_switched_before_the_subcommand_and_after_the_overrides(program: Path) -> None:
    features = {"shell_snapshot": False, "goals": True}
    launch = resolve(CodexConfig(codex_bin=str(program), config_overrides=("a=1",), features=features))
    switches = ("--config", "a=1", "--disable", "shell_snapshot", "--enable", "goals")
    assert launch.argv == (str(program), *switches, "app-server", "--listen", "stdio://")


def test_a_command_of_ones_own_replaces_everything(program: Path) -> None:
    config = CodexConfig(
        codex_bin="/nowhere",
        launch_args_override=(str(program), "x"),
        config_overrides=("a=1",),
        features={"goals": True},
    )
    assert resolve(config).argv == (str(program), "x")


def test_a_command_of_ones_own_is_looked_up_on_the_childs_path(program: Path) -> None:
    config = CodexConfig(launch_args_override=("codex", "x"), env={"PATH": str(program.parent)})
    assert resolve(config).argv == (str(program), "x")


def test_a_relative_path_is_relative_to_this_process(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(program.parent)
    assert resolve(CodexConfig(codex_bin=f"./{program.name}", cwd="/")).program == str(program)


def test_the_directory_is_the_one_at_the_launch(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    (own / "sub").mkdir(parents=True)
    monkeypatch.chdir(own)
    command = str(program)
    assert Path(resolve(CodexConfig(codex_bin=command)).directory) == own
    assert Path(resolve(CodexConfig(codex_bin=command, cwd="sub")).directory) == own / "sub"
    assert resolve(CodexConfig(codex_bin=command, cwd=str(tmp_path))).directory == str(tmp_path)


def test_a_directory_that_is_gone_is_none(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.chdir(own)
    own.rmdir()
    command = str(program)
    assert resolve(CodexConfig(codex_bin=command)).directory == ""
    assert resolve(CodexConfig(codex_bin=command, cwd=str(tmp_path))).directory == str(tmp_path)


def test_the_environment_is_this_process_own_and_then_the_configs(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "1")
    monkeypatch.setenv("BOTH", "1")
    env = resolve(CodexConfig(codex_bin=str(program), env={"BOTH": "2", "THEIRS": "3"})).env
    assert (env["OURS"], env["BOTH"], env["THEIRS"]) == ("1", "2", "3")


def test_the_environment_is_not_shown() -> None:
    assert "secret" not in repr(Launch(("codex", "--token", "secret"), {"KEY": "secret"}, None))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("config_overrides", ('a.api_key="abc"',)),
        ("env", {"A": "\ud800"}),
        ("shutdown_grace_s", 1e300),
        ("cwd", 3),
    ],
)
def test_a_config_that_was_changed_is_checked_again(program: Path, field: str, value: object) -> None:
    config = CodexConfig(codex_bin=str(program))
    setattr(config, field, value)
    with pytest.raises(
        (errors.InvalidInputError, errors.InvalidInputTypeError), match=f"CodexConfig.{field}"
    ):
        resolve(config)


def test_a_missing_binary_is_named_with_the_remedy() -> None:
    with pytest.raises(errors.BinaryNotFoundError, match=r"/nowhere/codex.*CodexConfig\.codex_bin"):
        resolve(CodexConfig(codex_bin="/nowhere/codex"))


def test_a_command_that_is_not_on_path_is_named() -> None:
    with pytest.raises(errors.BinaryNotFoundError, match="no-such-program"):
        resolve(CodexConfig(launch_args_override=("no-such-program",)))


def test_a_directory_is_no_binary(tmp_path: Path) -> None:
    with pytest.raises(errors.BinaryNotExecutableError, match="directory"):
        resolve(CodexConfig(codex_bin=str(tmp_path)))


def test_a_file_without_the_execute_bit_is_no_binary(program: Path) -> None:
    program.chmod(0o644)
    with pytest.raises(errors.BinaryNotExecutableError, match="not executable"):
        resolve(CodexConfig(codex_bin=str(program)))


def test_a_working_directory_must_exist_and_be_one(program: Path) -> None:
    with pytest.raises(errors.WorkingDirectoryError, match="does not exist"):
        resolve(CodexConfig(codex_bin=str(program), cwd="/nowhere"))
    with pytest.raises(errors.WorkingDirectoryError, match="not a directory"):
        resolve(CodexConfig(codex_bin=str(program), cwd=str(program)))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EMFILE, errors.DescriptorLimitError),
        (errno.ENFILE, errors.DescriptorLimitError),
        (errno.ENOEXEC, errors.BinaryNotExecutableError),
        (errno.EACCES, errors.BinaryNotExecutableError),
        (errno.ENOENT, errors.BinaryNotFoundError),
        (errno.ENOMEM, errors.LaunchError),
    ],
)
def test_what_the_system_says_when_it_spawns_is_typed(number: int, expected: type[Exception]) -> None:
    with pytest.raises(errors.CodexError) as caught:
        raise_spawn_error(Launch(("/bin/codex",), {}, None), OSError(number, "no"))
    assert type(caught.value) is expected


def test_a_working_directory_that_may_not_be_entered_is_no_fault_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may enter any.
    monkeypatch.setattr("os.access", lambda path, _: path != str(tmp_path))
    launch = Launch(("/bin/codex",), {}, str(tmp_path))
    with pytest.raises(errors.WorkingDirectoryError, match="may not be entered"):
        raise_spawn_error(launch, PermissionError(errno.EACCES, "no"))
    with pytest.raises(errors.BinaryNotExecutableError):
        raise_spawn_error(Launch(("/bin/codex",), {}, "/"), PermissionError(errno.EACCES, "no"))


def test_the_descriptor_limit_is_named() -> None:
    with pytest.raises(errors.DescriptorLimitError, match="ulimit -n") as caught:
        raise_spawn_error(Launch(("/bin/codex",), {}, None), OSError(errno.EMFILE, "too many"))
    assert isinstance(caught.value.limit, int)
