"""What a client asks of its runtime when it opens the connection."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import ApprovalMode, AsyncCodex, Sandbox
from codex_app_server.errors import InvalidRequestError, StartupError
from codex_app_server.generated.v2_all import ConfigWarningNotification
from codex_app_server.testing import Answer, OfflineModel
from tests.wishes import shell

EXPERIMENTAL: list[tuple[Callable[[AsyncCodex], Any], str]] = [
    (lambda codex: codex.rpc.memory.status(), "memory/status"),
    (lambda codex: codex.rpc.thread.realtime.list_voices(), "thread/realtime/listVoices"),
    (lambda codex: codex.request("memory/status", {}), "memory/status"),
    (lambda codex: codex.rpc.thread.start(dynamic_tools=[]), "thread/start.dynamicTools"),
    (lambda codex: codex.rpc.thread.start(mock_experimental_field="x"), "thread/start.mockExperimentalField"),
]


@pytest.mark.parametrize(("call", "what"), EXPERIMENTAL)
async def test_what_is_experimental_says_how_to_use_it(
    model: OfflineModel, call: Callable[[AsyncCodex], Any], what: str
) -> None:
    async with AsyncCodex(model.config(experimental_api=False)) as codex:
        with pytest.raises(InvalidRequestError) as caught:
            await call(codex)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(f"{what} is experimental")
    assert "CodexConfig(experimental_api=True)" in str(caught.value)


async def test_what_is_experimental_works_with_the_capability(model: OfflineModel) -> None:
    async with AsyncCodex(model.config(experimental_api=True)) as codex:
        for call, _ in EXPERIMENTAL:
            await call(codex)


async def test_what_was_opted_out_of_does_not_come(model: OfflineModel) -> None:
    opted_out = ("item/agentMessage/delta", "turn/started", "thread/status/changed")
    async with AsyncCodex(model.config(opt_out_notifications=opted_out)) as codex:
        thread = await codex.thread_start()
        seen = [event.method async for event in (await thread.turn("hello")).stream()]
        result = await thread.run("again")
    assert not set(opted_out) & set(seen)
    assert seen[-1] == "turn/completed"
    assert result.final_response == "again"
    assert result.usage is not None


async def test_features_are_enabled_and_disabled_whatever_the_configuration_says(model: OfflineModel) -> None:
    overrides = ("features.goals=false", "features.shell_snapshot=true")
    switched = {"goals": True, "shell_snapshot": False}
    async with AsyncCodex(model.config(config_overrides=overrides, features=switched)) as codex:
        listed = await codex.rpc.experimental_feature.list()
    states = {feature.name: feature.enabled for feature in listed.data}
    assert {name: states[name] for name in switched} == switched


async def test_an_unknown_feature_is_named_when_the_runtime_ends(model: OfflineModel) -> None:
    with pytest.raises(StartupError, match="Unknown feature flag: from_tomorrow"):
        await AsyncCodex(model.config(features={"from_tomorrow": True})).__aenter__()


async def test_a_feature_may_have_an_older_name_that_is_not_listed(model: OfflineModel) -> None:
    async with AsyncCodex(model.config(features={"connectors": True})) as codex:
        listed = {
            feature.name: feature.enabled for feature in (await codex.rpc.experimental_feature.list()).data
        }
    # The model's home has it disabled.
    assert "connectors" not in listed
    assert listed["apps"]


async def test_a_setting_that_cannot_have_its_value_is_named_when_the_runtime_ends(
    model: OfflineModel,
) -> None:
    with pytest.raises(StartupError, match=r"(?s)unknown variant `rude`.*in `sandbox_mode`"):
        await AsyncCodex(model.config(config_overrides=('sandbox_mode="rude"',))).__aenter__()


async def test_a_threads_setting_that_cannot_have_its_value_is_named(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        with pytest.raises(InvalidRequestError, match=r"(?s)unknown variant `rude`.*in `sandbox_mode`"):
            await codex.thread_start(config={"sandbox_mode": "rude"})


async def test_a_threads_setting_that_nobody_knows_is_told_as_a_warning(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex, codex.notifications("configWarning") as warnings:
        await codex.thread_start(config={"from.tomorrow": 1})
        async for warning in warnings:
            assert isinstance(warning.payload, ConfigWarningNotification)
            if "unrecognized" in warning.payload.summary:
                assert "`from` is ignored" in warning.payload.summary
                return


async def test_a_directory_of_a_thread_that_does_not_exist_is_the_agents_to_find_out(
    model: OfflineModel, tmp_path: Path
) -> None:
    model.reset([Answer(shell("echo here")), "There is none."])
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start(
            cwd=str(tmp_path / "nowhere"), approval_mode=ApprovalMode.deny_all, sandbox=Sandbox.full_access
        )
        result = await thread.run("Where are you?")
    assert result.final_response == "There is none."
    assert re.search(r"No such file or directory|os error 267", model.requests[1].tool_outputs[0])
