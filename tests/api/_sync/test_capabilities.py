# Made from _async/test_capabilities.py by `python scripts/make_sync.py`; do not edit.

"""What a client asks of its runtime when it opens the connection."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import ApprovalMode, Codex, Sandbox
from codex_app_server.errors import InvalidRequestError, StartupError
from codex_app_server.generated.v2_all import ConfigWarningNotification
from codex_app_server.testing import Answer, OfflineModel
from tests.wishes import shell

EXPERIMENTAL: list[tuple[Callable[[Codex], Any], str]] = [
    (lambda codex: codex.rpc.memory.status(), "memory/status"),
    (lambda codex: codex.rpc.thread.realtime.list_voices(), "thread/realtime/listVoices"),
    (lambda codex: codex.request("memory/status", {}), "memory/status"),
    (lambda codex: codex.rpc.thread.start(dynamic_tools=[]), "thread/start.dynamicTools"),
    (lambda codex: codex.rpc.thread.start(mock_experimental_field="x"), "thread/start.mockExperimentalField"),
]


@pytest.mark.parametrize(("call", "what"), EXPERIMENTAL)
def test_what_is_experimental_says_how_to_use_it(
    model: OfflineModel, call: Callable[[Codex], Any], what: str
) -> None:
    with Codex(model.config(experimental_api=False)) as codex:
        with pytest.raises(InvalidRequestError) as caught:
            call(codex)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(f"{what} is experimental")
    assert "CodexConfig(experimental_api=True)" in str(caught.value)


def test_what_is_experimental_works_with_the_capability(model: OfflineModel) -> None:
    with Codex(model.config(experimental_api=True)) as codex:
        for call, _ in EXPERIMENTAL:
            call(codex)


def test_what_was_opted_out_of_does_not_come(model: OfflineModel) -> None:
    opted_out = ("item/agentMessage/delta", "turn/started", "thread/status/changed")
    with Codex(model.config(opt_out_notifications=opted_out)) as codex:
        thread = codex.thread_start()
        seen = [event.method for event in (thread.turn("hello")).stream()]
        result = thread.run("again")
    assert not set(opted_out) & set(seen)
    assert seen[-1] == "turn/completed"
    assert result.final_response == "again"
    assert result.usage is not None


def test_features_are_enabled_and_disabled_whatever_the_configuration_says(model: OfflineModel) -> None:
    overrides = ("features.goals=false", "features.shell_snapshot=true")
    switched = {"goals": True, "shell_snapshot": False}
    with Codex(model.config(config_overrides=overrides, features=switched)) as codex:
        listed = codex.rpc.experimental_feature.list()
    states = {feature.name: feature.enabled for feature in listed.data}
    assert {name: states[name] for name in switched} == switched


def test_an_unknown_feature_is_named_when_the_runtime_ends(model: OfflineModel) -> None:
    with pytest.raises(StartupError, match="Unknown feature flag: from_tomorrow"):
        Codex(model.config(features={"from_tomorrow": True})).__enter__()


def test_a_feature_may_have_an_older_name_that_is_not_listed(model: OfflineModel) -> None:
    with Codex(model.config(features={"connectors": True})) as codex:
        listed = {feature.name: feature.enabled for feature in (codex.rpc.experimental_feature.list()).data}
    # The model's home has it disabled.
    assert "connectors" not in listed
    assert listed["apps"]


def test_a_setting_that_cannot_have_its_value_is_named_when_the_runtime_ends(
    model: OfflineModel,
) -> None:
    with pytest.raises(StartupError, match=r"(?s)unknown variant `rude`.*in `sandbox_mode`"):
        Codex(model.config(config_overrides=('sandbox_mode="rude"',))).__enter__()


def test_a_threads_setting_that_cannot_have_its_value_is_named(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        with pytest.raises(InvalidRequestError, match=r"(?s)unknown variant `rude`.*in `sandbox_mode`"):
            codex.thread_start(config={"sandbox_mode": "rude"})


def test_a_threads_setting_that_nobody_knows_is_told_as_a_warning(model: OfflineModel) -> None:
    with Codex(model.config()) as codex, codex.notifications("configWarning") as warnings:
        codex.thread_start(config={"from.tomorrow": 1})
        for warning in warnings:
            assert isinstance(warning.payload, ConfigWarningNotification)
            if "unrecognized" in warning.payload.summary:
                assert "`from` is ignored" in warning.payload.summary
                return


def test_a_directory_of_a_thread_that_does_not_exist_is_the_agents_to_find_out(
    model: OfflineModel, tmp_path: Path
) -> None:
    model.reset([Answer(shell("echo here")), "There is none."])
    with Codex(model.config()) as codex:
        thread = codex.thread_start(
            cwd=str(tmp_path / "nowhere"), approval_mode=ApprovalMode.deny_all, sandbox=Sandbox.full_access
        )
        result = thread.run("Where are you?")
    assert result.final_response == "There is none."
    assert re.search(r"No such file or directory|os error 267", model.requests[1].tool_outputs[0])
