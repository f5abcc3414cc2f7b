"""`CodexConfig`: what it takes, what it refuses, what it does not show."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import CodexConfig
from codex_app_server.errors import CodexError, InvalidInputError, InvalidInputTypeError


def repickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301


def test_a_config_needs_nothing() -> None:
    config = CodexConfig()
    assert config.codex_bin is None
    assert config.request_timeout_s == 60.0
    assert config.turn_budget_bytes == 256 * 1024 * 1024
    assert config.total_budget_bytes == 1024 * 1024 * 1024


def test_environment_values_are_not_shown() -> None:
    assert "secret" not in repr(CodexConfig(env={"OPENAI_API_KEY": "secret"}))


def test_environment_values_are_not_part_of_a_refusal() -> None:
    with pytest.raises(CodexError) as caught:
        CodexConfig(env={"KEY": "secret\0"})
    assert "secret" not in str(caught.value)


def test_paths_may_be_path_objects() -> None:
    config = CodexConfig(codex_bin=Path("/bin/codex"), cwd=Path("/srv"))  # type: ignore[arg-type]
    assert (config.codex_bin, config.cwd) == ("/bin/codex", "/srv")


def test_lists_of_arguments_become_tuples() -> None:
    config = CodexConfig(launch_args_override=["codex", "app-server"], config_overrides=["a=1"])  # type: ignore[arg-type]
    assert config.launch_args_override == ("codex", "app-server")
    assert config.config_overrides == ("a=1",)


def test_our_own_fields_are_keyword_only() -> None:
    with pytest.raises(TypeError):
        CodexConfig(None, None, (), None, None, "n", "t", "v", True, 30.0)  # type: ignore[call-arg, arg-type]


def test_features_are_a_copy() -> None:
    features = {"shell_snapshot": False}
    config = CodexConfig(features=features)
    features["goals"] = True
    assert config.features == {"shell_snapshot": False}


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, repickled])
def test_a_config_can_be_copied_and_pickled(again: Any) -> None:
    config = CodexConfig(env={"A": "b"}, request_timeout_s=None)
    assert again(config) == config


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("codex_bin", 3),
        ("cwd", b"/tmp"),
        ("launch_args_override", "codex app-server"),
        ("launch_args_override", ("codex", 3)),
        ("config_overrides", "a=1"),
        ("config_overrides", {"a": 1}),
        ("features", ("shell_snapshot",)),
        ("features", {"shell_snapshot": 0}),
        ("features", {"shell_snapshot": "false"}),
        ("features", {1: True}),
        ("env", [("A", "b")]),
        ("env", {"A": 3}),
        ("env", {3: "A"}),
        ("client_name", None),
        ("experimental_api", "yes"),
        ("request_attestation", "yes"),
        ("request_timeout_s", "60"),
        ("request_timeout_s", True),
        ("startup_timeout_s", None),
        ("shutdown_grace_s", "2"),
        ("turn_budget_bytes", 1.5),
        ("total_budget_bytes", None),
        ("stderr_tail_bytes", True),
        ("max_open_files", 1024.0),
    ],
)
def test_a_wrong_type_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidInputTypeError, match=f"CodexConfig.{field}"):
        CodexConfig(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("codex_bin", ""),
        ("cwd", "a\0b"),
        ("launch_args_override", ()),
        ("launch_args_override", ("a\0",)),
        ("config_overrides", ("model",)),
        ("features", {"": True}),
        ("features", {"--enable": True}),
        ("features", {"a=b": True}),
        ("features", {"a\0": True}),
        ("env", {"": "x"}),
        ("env", {"A=B": "x"}),
        ("request_timeout_s", 0),
        ("request_timeout_s", float("nan")),
        ("startup_timeout_s", float("inf")),
        ("shutdown_grace_s", -1),
        ("turn_budget_bytes", 0),
        ("stderr_tail_bytes", -5),
        ("max_open_files", 0),
        ("max_open_files", 1 << 64),
    ],
)
def test_a_senseless_value_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"CodexConfig.{field}"):
        CodexConfig(**{field: value})


@pytest.mark.parametrize(
    "method", ["turn/completed", "item/completed", "thread/tokenUsage/updated", "process/exited"]
)
def test_what_a_turn_cannot_end_right_without_cannot_be_opted_out_of(method: str) -> None:
    with pytest.raises(InvalidInputError, match=f"nothing can end right without {method}"):
        CodexConfig(opt_out_notifications=("item/agentMessage/delta", method))


@pytest.mark.parametrize("value", ["turn/started", 3, [3], None])
def test_an_opt_out_is_a_tuple_of_names(value: Any) -> None:
    with pytest.raises(InvalidInputTypeError, match="opt_out_notifications"):
        CodexConfig(opt_out_notifications=value)


def test_an_opt_out_that_is_not_known_is_kept_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    config = CodexConfig(opt_out_notifications=("turn/started", "turn/fromTomorrow"))
    assert config.opt_out_notifications == ("turn/started", "turn/fromTomorrow")
    assert "'turn/fromTomorrow'" in caplog.text
    assert "turn/started" not in caplog.text
    caplog.clear()
