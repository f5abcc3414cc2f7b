"""`CodexConfig`: what it takes, what it refuses, what it does not show."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from functools import partial
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


VALUE = "S3CRET-of-mine"


def told(error: BaseException | None) -> str:
    """All that a log or a report would show of an error: its text, and that of what led to it."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(vars(error)), repr(getattr(error, "object", ""))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("env", {"KEY": f"{VALUE}\0"}),
        ("env", {"KEY": f"{VALUE}\ud800"}),
        ("env", {f"KEY={VALUE}": "x"}),
        ("env", {f"KEY={VALUE}": 3}),
        ("env", {"KEY": VALUE.encode()}),
        ("env", [("KEY", VALUE)]),
        ("config_overrides", (VALUE,)),
        ("config_overrides", (f"={VALUE}",)),
        ("config_overrides", (f"a={VALUE}\0",)),
        ("config_overrides", (f"a={VALUE}\ud800",)),
        ("config_overrides", (f'model_providers.x.experimental_bearer_token="{VALUE}"',)),
        ("config_overrides", (f'mcp_servers.x.env={{A_TOKEN="{VALUE}"}}',)),
        ("config_overrides", f"a={VALUE}"),
        ("launch_args_override", ("codex", f"{VALUE}\0")),
        ("launch_args_override", ("codex", f"{VALUE}\ud800")),
        ("launch_args_override", f"codex {VALUE}"),
        ("features", {"goals": VALUE}),
    ],
)
def test_no_value_is_part_of_a_refusal(field: str, value: Any) -> None:
    with pytest.raises(CodexError) as caught:
        CodexConfig(**{field: value})
    assert VALUE not in told(caught.value)


def test_a_text_that_the_locale_cannot_encode_is_refused_by_name() -> None:
    program = """
from codex_app_server import CodexConfig
from codex_app_server.errors import InvalidInputError
for fields in (
    {"env": {"NAME": chr(0x20AC)}}, {"config_overrides": ("a=" + chr(0x20AC),)},
    {"cwd": "/" + chr(0x20AC)}, {"codex_bin": "/" + chr(0x20AC)},
):
    try:
        CodexConfig(**fields)
    except InvalidInputError as error:
        assert "ascii" in str(error) and "-X utf8" in str(error), error
    else:
        raise AssertionError(fields)
"""
    env = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_setting_that_looks_like_a_credential_is_refused_with_another_way() -> None:
    with pytest.raises(InvalidInputError) as caught:
        CodexConfig(config_overrides=("a=1", 'model_providers.x.experimental_bearer_token="abc"'))
    message = str(caught.value)
    assert "'model_providers.x.experimental_bearer_token' looks like a credential" in message
    assert "MY_KEY in CodexConfig.env, and override 'model_providers.x.env_key=\"MY_KEY\"'" in message


@pytest.mark.parametrize(
    "fields",
    [
        {"launch_args_override": ("codex", "-c", f'x.api_key="{VALUE}"')},
        {"launch_args_override": ("codex", "--api-key", VALUE)},
        {"launch_args_override": ("codex", f"--token={VALUE}", "app-server")},
        {"config_overrides": (f'developer_instructions="the password: {VALUE}"',)},
    ],
)
def test_what_looks_like_a_secret_in_a_command_is_not_shown(fields: dict[str, Any]) -> None:
    shown = repr(CodexConfig(**fields))
    assert VALUE not in shown
    assert "[redacted]" in shown
    assert shown.startswith("CodexConfig(codex_bin=None, ")
    assert "request_timeout_s=60.0" in shown


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("launch_args_override", ["codex", "--api-key", "SECRET"]),
        ("launch_args_override", "codex --api-key SECRET"),
        ("launch_args_override", ["codex", b"SECRET"]),
        ("config_overrides", ['x.api_key="SECRET"']),
        ("config_overrides", ('mcp_servers.x.args=["--token", "SECRET"]',)),
    ],
)
def test_what_was_set_after_a_check_is_shown_without_secrets(field: str, value: object) -> None:
    config = CodexConfig()
    setattr(config, field, value)
    assert "SECRET" not in repr(config)
    assert "[redacted]" in repr(config)


def test_a_config_that_shows_no_secret_is_shown_as_it_is() -> None:
    config = CodexConfig(config_overrides=('model="gpt-5"',), features={"goals": True})
    assert eval(repr(config)) == config  # noqa: S307


def test_paths_may_be_path_objects() -> None:
    config = CodexConfig(codex_bin=Path("/bin/codex"), cwd=Path("/srv"))
    assert (config.codex_bin, config.cwd) == (str(Path("/bin/codex")), str(Path("/srv")))


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
        ("env", {3: None}),
        ("inherit_env", None),
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
        ("launch_args_override", ("sh", "\ud800")),
        ("config_overrides", ("model",)),
        ("config_overrides", ("=x",)),
        ("config_overrides", ("a=\ud800",)),
        ("client_name", ""),
        ("client_name", "\ud800"),
        ("client_title", "\ud800"),
        ("client_version", "\ud800"),
        ("opt_out_notifications", ("\ud800",)),
        ("features", {"": True}),
        ("features", {"--enable": True}),
        ("features", {"a=b": True}),
        ("features", {"a\0": True}),
        ("features", {"\ud800": True}),
        ("env", {"": "x"}),
        ("env", {"A=B": "x"}),
        ("env", {"A\0": "x"}),
        ("env", {"\ud800": "x"}),
        ("env", {"A": "\ud800"}),
        ("request_timeout_s", 0),
        ("request_timeout_s", float("nan")),
        ("startup_timeout_s", float("inf")),
        ("request_timeout_s", 1e300),
        ("startup_timeout_s", 1e300),
        ("shutdown_grace_s", 1e300),
        ("request_timeout_s", 10**400),
        ("shutdown_grace_s", -1),
        ("turn_budget_bytes", 0),
        ("stderr_tail_bytes", -5),
        ("stderr_tail_bytes", 10**30),
        ("turn_budget_bytes", 10**400),
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


def test_on_stderr_is_a_function_that_a_thread_can_call() -> None:
    assert CodexConfig(on_stderr=print).on_stderr is print

    async def on_stderr(line: str) -> None: ...

    class CalledLikeOne:
        async def __call__(self, line: str) -> None: ...

    for wrong in ("print", on_stderr, CalledLikeOne(), partial(CalledLikeOne())):
        with pytest.raises(InvalidInputTypeError, match="on_stderr"):
            CodexConfig(on_stderr=wrong)  # type: ignore[arg-type]
