"""What a thread was asked to be like holds, or the caller is told."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import (
    ApprovalMode,
    AsyncCodex,
    AsyncThread,
    CodexConfig,
    RequestTimeoutError,
    Sandbox,
    SettingsNotAppliedError,
)
from codex_app_server.generated.v2_all import SandboxPolicy, ThreadSettingsUpdatedNotification
from codex_app_server.testing import Answer, ModelRequest, OfflineModel
from codex_app_server.types import Personality
from tests.api._async.concurrency import Background, expected, together
from tests.peer import Refused, ScriptedPeer
from tests.wishes import shell

READ_ONLY = {"type": "readOnly", "networkAccess": False}
FULL_ACCESS = {"type": "dangerFullAccess"}
WORKSPACE = {
    "type": "workspaceWrite",
    "writableRoots": [],
    "networkAccess": False,
    "excludeTmpdirEnvVar": False,
    "excludeSlashTmp": False,
}
# On Windows the runtime gives read-only in place of workspace-write until one of its sandboxes is chosen.
SANDBOXED = ('windows.sandbox="unelevated"',)
NARROW: dict[str, Any] = {"sandbox": Sandbox.read_only}


async def stored(codex: AsyncCodex, **options: Any) -> AsyncThread:
    thread = await codex.thread_start(**options)
    await thread.run("Begin.")
    return thread


async def settings(codex: AsyncCodex, thread_id: str) -> Any:
    """What a loaded thread has now: a resume that asks for nothing changes nothing."""
    return await codex.request("thread/resume", {"threadId": thread_id, "excludeTurns": True})


def writing(request: ModelRequest) -> str | Answer:
    """A model whose turns write a file of the name that the prompt has."""
    if request.tool_outputs:
        return "Done."
    return Answer(shell(f"echo done > {request.prompt}"))


async def test_a_loaded_thread_that_is_resumed_with_less_rights_has_no_more(
    model: OfflineModel, tmp_path: Path
) -> None:
    model.reset(writing)
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start(
            sandbox=Sandbox.full_access, approval_mode=ApprovalMode.deny_all, cwd=str(tmp_path)
        )
        await thread.run("before")
        resumed = await codex.thread_resume(thread.id, sandbox=Sandbox.read_only)
        await resumed.run("after")
    assert os.listdir(tmp_path) == ["before"]


async def test_model_directory_and_approvals_of_a_resume_hold_for_a_loaded_thread(
    model: OfflineModel, tmp_path: Path
) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await stored(codex)
        await codex.thread_resume(
            thread.id,
            model="other",
            cwd=str(tmp_path),
            approval_mode=ApprovalMode.deny_all,
            service_tier="flex",
        )
        now = await settings(codex, thread.id)
        await thread.run("Go.")
    assert model.requests[-1].model == "other"
    assert (now["cwd"], now["approvalPolicy"], now["serviceTier"]) == (str(tmp_path), "never", "flex")


async def test_a_personality_that_no_answer_tells_is_set_on_a_loaded_thread(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await stored(codex)
        async with codex.notifications("thread/settings/updated") as events:
            await codex.thread_resume(thread.id, personality=Personality.friendly)
            changed = await anext(events)  # async only
            # sync only: changed = next(events)
    assert isinstance(changed.payload, ThreadSettingsUpdatedNotification)
    assert changed.payload.thread_settings.personality is Personality.friendly


async def test_what_a_turn_was_given_beyond_the_workspace_is_taken_back_by_a_resume(
    model: OfflineModel, tmp_path: Path
) -> None:
    policy = SandboxPolicy.model_validate(
        {**WORKSPACE, "networkAccess": True, "writableRoots": [str(tmp_path)]}
    )
    async with AsyncCodex(model.config(config_overrides=SANDBOXED)) as codex:
        thread = await stored(codex)
        await thread.run("With more.", sandbox_policy=policy)
        await codex.thread_resume(thread.id, sandbox=Sandbox.workspace_write)
        assert (await settings(codex, thread.id))["sandbox"] == WORKSPACE


async def test_what_the_configuration_gives_a_workspace_is_kept_by_a_resume(model: OfflineModel) -> None:
    config = model.config(config_overrides=(*SANDBOXED, "sandbox_workspace_write.network_access=true"))
    async with AsyncCodex(config) as codex:
        thread = await stored(codex, sandbox=Sandbox.workspace_write)
        await codex.thread_resume(thread.id, sandbox=Sandbox.workspace_write)
        assert (await settings(codex, thread.id))["sandbox"]["networkAccess"] is True


@pytest.mark.parametrize(
    "narrower",
    [
        {"sandbox_workspace_write": {"network_access": False}},
        {"sandbox_workspace_write.network_access": False},
    ],
)
async def test_rights_of_the_workspace_are_taken_back_without_a_mode(
    model: OfflineModel, tmp_path: Path, narrower: dict[str, Any]
) -> None:
    policy = SandboxPolicy.model_validate(
        {**WORKSPACE, "networkAccess": True, "writableRoots": [str(tmp_path)]}
    )
    async with AsyncCodex(model.config(config_overrides=SANDBOXED)) as codex:
        thread = await stored(codex, sandbox_policy=policy)
        await codex.thread_resume(thread.id, config=narrower)
        now = await settings(codex, thread.id)
        assert now["sandbox"] == {**WORKSPACE, "writableRoots": [str(tmp_path)]}


@pytest.mark.parametrize(
    "rights",
    [
        {"permissions": {"mine": {"network": {"enabled": False}}}},
        {"permissions.mine.network.enabled": False},
        {"sandbox_mode": "nothing-at-all"},
        {"sandbox_workspace_write": {"something_newer": False}},
    ],
)
async def test_rights_that_a_loaded_thread_does_not_take_are_an_error(
    model: OfflineModel, rights: dict[str, Any]
) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await stored(codex)
        with pytest.raises(SettingsNotAppliedError, match="config") as caught:
            await codex.thread_resume(thread.id, config={**rights, "web_search": "live"})
        ((asked, _),) = caught.value.settings.values()
        assert asked.keys() == {next(iter(rights)).partition(".")[0]}
        assert f"{json.dumps(asked)} in config is taken only when a thread is loaded" in str(caught.value)
        assert "None" not in str(caught.value)


async def test_a_provider_that_a_loaded_thread_does_not_take_is_an_error_and_changes_nothing(
    model: OfflineModel,
) -> None:
    async with AsyncCodex(model.config(config_overrides=SANDBOXED)) as codex:
        thread = await stored(codex, sandbox=Sandbox.workspace_write)
        before = await settings(codex, thread.id)
        with pytest.raises(SettingsNotAppliedError, match="thread_fork") as caught:
            await codex.thread_resume(thread.id, model_provider="openai", sandbox=Sandbox.read_only)
        assert caught.value.thread_id == thread.id
        assert caught.value.settings["model_provider"] == ("openai", "offline")
        assert caught.value.settings["sandbox"][1] == WORKSPACE
        assert await settings(codex, thread.id) == before
        # It was loaded before, so this client still hears of it.
        assert (await thread.run("Go.")).final_response == "Go."


async def test_a_client_that_may_not_set_them_is_told(model: OfflineModel) -> None:
    async with AsyncCodex(model.config(experimental_api=False)) as codex:
        thread = await stored(codex, sandbox=Sandbox.full_access)
        with pytest.raises(SettingsNotAppliedError) as caught:
            await codex.thread_resume(thread.id, sandbox=Sandbox.read_only)
        assert caught.value.settings["sandbox"][1] == FULL_ACCESS
        assert "experimental_api=True" in str(caught.value)
        assert "experimental_api=True" in str(caught.value.__cause__)


async def test_instructions_that_a_loaded_thread_does_not_take_are_a_warning(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await stored(codex)
        await codex.thread_resume(
            thread.id, developer_instructions="Be brief.", config={"web_search": "live"}
        )
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "takes no developer_instructions, config['web_search'] any more" in record.getMessage()
    caplog.clear()


async def test_a_stored_thread_is_loaded_with_what_was_asked_and_nothing_is_set_after(
    model: OfflineModel, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    async with AsyncCodex(model.config()) as codex:
        thread = await stored(codex)
    for cwd in (str(tmp_path / "link"), "relative", "~", f"{tmp_path}/../{tmp_path.name}"):
        async with AsyncCodex(model.config(config_overrides=SANDBOXED)) as codex:
            await codex.thread_resume(
                thread.id,
                cwd=cwd,
                model="other",
                sandbox=Sandbox.workspace_write,
                personality=Personality.friendly,
            )
            # initialize, thread/read, thread/resume
            assert codex.stats()["requests_written"] == 3


async def test_a_relative_directory_is_one_of_the_runtimes_wherever_this_process_has_gone(
    model: OfflineModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "first")
    config = model.config()
    config.cwd = None
    async with AsyncCodex(config) as codex:
        monkeypatch.chdir(tmp_path / "second")
        assert await codex.thread_start(cwd="x")
        if sys.platform != "win32":  # which keeps it as long as it is one's own
            (tmp_path / "second").rmdir()
        assert await codex.thread_start(cwd="x")
        assert await codex.thread_start(cwd=str(tmp_path))


async def test_a_fork_has_the_sandbox_of_the_configuration_unless_it_asks_for_one(
    model: OfflineModel,
) -> None:
    wide = model.config(config_overrides=('sandbox_mode="danger-full-access"',))
    async with AsyncCodex(wide) as codex:
        thread = await stored(codex, approval_mode=ApprovalMode.deny_all, **NARROW)
        for options, sandbox in (({}, FULL_ACCESS), (NARROW, READ_ONLY)):
            fork = await codex.thread_fork(thread.id, **options)
            await fork.run("Go on.")
            now = await settings(codex, fork.id)
            assert (now["sandbox"], now["approvalPolicy"]) == (sandbox, "never")
    async with AsyncCodex(wide) as codex:
        await codex.thread_resume(thread.id)
        assert (await settings(codex, thread.id))["sandbox"] == READ_ONLY


@pytest.mark.parametrize("config", [{"approval_policy": "never"}, {"approvals_reviewer": "user"}])
async def test_approvals_in_the_config_of_a_start_win_over_the_default_mode(
    model: OfflineModel, config: dict[str, Any]
) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await stored(codex, config=config)
        now = await settings(codex, thread.id)
    assert now["approvalPolicy"] == config.get("approval_policy", "on-request")
    assert now["approvalsReviewer"] == "user"


async def test_a_tier_that_the_model_has_not_is_an_error(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        with pytest.raises(SettingsNotAppliedError) as caught:
            await codex.thread_start(service_tier="nonsense")
        assert caught.value.settings == {"service_tier": ("nonsense", None)}
        assert codex.stats()["errands_sent"] == 1
        assert await codex.thread_start(service_tier="fast")


async def test_a_tier_that_the_model_has_not_is_an_error_for_a_loaded_thread_too(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await stored(codex)
        with pytest.raises(SettingsNotAppliedError) as caught:
            await codex.thread_resume(thread.id, service_tier="nonsense")
        assert caught.value.settings == {"service_tier": ("nonsense", None)}
        assert "its model has no service_tier 'nonsense'" in str(caught.value)
        assert "thread_fork()" not in str(caught.value)  # which would refuse it as well
        for tier, answered in (("fast", "priority"), ("priority", "priority"), ("flex", "flex")):
            await codex.thread_resume(thread.id, service_tier=tier)
            assert (await settings(codex, thread.id))["serviceTier"] == answered


# --- with runtimes that the real one is not


def config(peer: ScriptedPeer, sandbox: Any, status: str = "notLoaded") -> CodexConfig:
    opened = {"thread": {"id": "t"}, "sandbox": sandbox}
    peer.answers |= {
        "thread/start": opened,
        "thread/fork": opened,
        "thread/resume": opened,
        "thread/read": {"thread": {"id": "t", "status": {"type": status}}},
        "config/read": {"config": {}},
    }
    return CodexConfig(launch_args_override=peer.argv)


@pytest.mark.parametrize("method", ["thread_fork", "thread_resume"])
@pytest.mark.parametrize("update", ["refused", "without effect"])
async def test_a_thread_that_stays_wider_than_asked_is_an_error_and_is_let_go_of(
    method: str, update: str, peer: ScriptedPeer
) -> None:
    def refuse(_: Any) -> Any:
        raise Refused(-32600, "no")

    peer.answers["thread/settings/update"] = refuse if update == "refused" else {}
    async with AsyncCodex(config(peer, FULL_ACCESS)) as codex:
        gone: list[dict[str, Any]] = []
        peer.answers["thread/unsubscribe"] = gone.append
        with pytest.raises(SettingsNotAppliedError) as caught:
            await getattr(codex, method)("t", **NARROW)
        assert caught.value.settings["sandbox"] == ({"type": "readOnly"}, FULL_ACCESS)
        peer.answers["model/list"] = {"data": []}
        await codex.models()
        assert gone == [{"threadId": "t"}]


@pytest.mark.parametrize("method", ["thread_start", "thread_fork"])
async def test_a_thread_that_is_not_stored_is_not_set_because_nothing_could_confirm_it(
    method: str, peer: ScriptedPeer
) -> None:
    asked: list[str] = []
    peer.answers["thread/settings/update"] = lambda _: asked.append("update")
    async with AsyncCodex(config(peer, FULL_ACCESS)) as codex:
        peer.answers["thread/resume"] = lambda _: asked.append("resume")
        arguments = () if method == "thread_start" else ("t",)
        with pytest.raises(SettingsNotAppliedError) as caught:
            await getattr(codex, method)(*arguments, **NARROW, ephemeral=method == "thread_fork")
        assert caught.value.settings["sandbox"] == ({"type": "readOnly"}, FULL_ACCESS)
        assert (await expected(peer, "thread/unsubscribe"))["params"] == {"threadId": "t"}
    assert asked == []


async def test_of_two_resumes_the_second_begins_when_the_thread_is_the_firsts(peer: ScriptedPeer) -> None:
    codex_config = config(peer, READ_ONLY)
    opened = peer.answers.pop("thread/resume")
    state = peer.answers.pop("thread/read")
    peer.answers |= {"model/list": {"data": []}}
    async with AsyncCodex(codex_config) as codex:
        first = Background(lambda: codex.thread_resume("t", personality="friendly"))
        first_look = await expected(peer, "thread/read")
        second = Background(lambda: codex.thread_resume("t", personality="pragmatic"))
        await codex.models()  # what the second would have asked were on its way before this
        peer.answer(first_look, state)
        peer.answer(await expected(peer, "thread/resume"), opened)
        assert (await first.result()).id == "t"
        peer.answer(await expected(peer, "thread/read"), {"thread": {"id": "t", "status": {"type": "idle"}}})
        peer.answer(await expected(peer, "thread/resume"), opened)
        # It is loaded now, so the wish of the second would be lost if it were not set.
        update = await expected(peer, "thread/settings/update")
        assert update["params"] == {"threadId": "t", "personality": "pragmatic"}
        peer.answer(update, {})
        peer.answer(await expected(peer, "thread/resume"), opened)
        assert (await second.result()).id == "t"


@pytest.mark.parametrize("first", ["is refused", "gets it", "gives up"])
async def test_a_resume_waits_for_the_one_before_it_and_no_longer(first: str, peer: ScriptedPeer) -> None:
    codex_config = config(peer, READ_ONLY)
    opened = peer.answers.pop("thread/resume")
    peer.answers |= {"thread/unsubscribe": {}, "model/list": {"data": []}}
    async with AsyncCodex(codex_config) as codex:
        timeout_s = 0.2 if first == "gives up" else None
        before = Background(lambda: codex.thread_resume("t", service_tier="nonsense", timeout_s=timeout_s))
        request = await expected(peer, "thread/resume")
        with pytest.raises(RequestTimeoutError) as caught:
            await codex.thread_resume("t", timeout_s=0.001)
        assert not caught.value.was_sent
        other = Background(lambda: codex.thread_resume("u"))
        peer.answer(await expected(peer, "thread/resume"), {**opened, "thread": {"id": "u"}})  # type: ignore[dict-item]
        assert (await other.result()).id == "u"
        after = Background(lambda: codex.thread_resume("t"))
        if first == "gets it":
            peer.answer(request, {**opened, "serviceTier": "nonsense"})  # type: ignore[dict-item]
            assert (await before.result()).id == "t"
        elif first == "is refused":
            peer.answer(request, {**opened, "serviceTier": None})  # type: ignore[dict-item]
            with pytest.raises(SettingsNotAppliedError):
                await before.result()
        else:
            with pytest.raises(RequestTimeoutError):
                await before.result()
        peer.answer(await expected(peer, "thread/resume"), opened)
        assert (await after.result()).id == "t"


async def test_resumes_do_not_miss_their_deadline_one_after_the_other(peer: ScriptedPeer) -> None:
    async with AsyncCodex(CodexConfig(launch_args_override=peer.argv, request_timeout_s=0.3)) as codex:

        async def was_sent() -> bool:
            with pytest.raises(RequestTimeoutError) as caught:
                await codex.thread_resume("t")
            assert caught.value.timeout_s == 0.3
            return caught.value.was_sent

        first = Background(was_sent)
        await expected(peer, "thread/resume")
        # Of these one may try it, after which all of them have waited for a deadline.
        sent = await together(*[was_sent] * 9)
        assert await first.result()
        assert not all(sent)


async def test_resumes_at_once_lose_nothing_that_was_asked(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread_id = (await stored(codex)).id
    async with AsyncCodex(model.config()) as codex:

        async def resumed(effort: str) -> str:
            try:
                await codex.thread_resume(thread_id, config={"sandbox_none": effort})
            except SettingsNotAppliedError:
                return "refused"
            return "loaded"

        outcomes = await together(*(lambda effort=effort: resumed(effort) for effort in "abc"))
        assert sorted(outcomes) == ["loaded", "refused", "refused"]


async def test_a_thread_whose_settings_could_be_set_is_the_callers(peer: ScriptedPeer) -> None:
    def change(params: Any) -> Any:
        assert params == {"threadId": "t", "sandboxPolicy": READ_ONLY}
        peer.answers["thread/resume"] = {"thread": {"id": "t"}, "sandbox": READ_ONLY}
        return {}

    peer.answers["thread/settings/update"] = change
    async with AsyncCodex(config(peer, FULL_ACCESS)) as codex:
        assert (await codex.thread_fork("t", **NARROW)).id == "t"
        assert codex.stats()["errands_sent"] == 0


async def test_a_loaded_thread_with_a_profile_of_its_own_is_not_taken_for_read_only(
    peer: ScriptedPeer,
) -> None:
    codex_config = config(peer, READ_ONLY, "idle")
    peer.answers["thread/resume"] |= {"activePermissionProfile": {"id": "mine"}}  # type: ignore[operator]
    async with AsyncCodex(codex_config) as codex:
        peer.answers["thread/settings/update"] = {}
        with pytest.raises(SettingsNotAppliedError, match="mine"):
            await codex.thread_resume("t", **NARROW)


async def test_an_answer_that_tells_no_settings_is_believed(peer: ScriptedPeer) -> None:
    async with AsyncCodex(config(peer, FULL_ACCESS)) as codex:
        peer.answers["thread/start"] = {"thread": {"id": "t"}}
        assert (await codex.thread_start(model="other", **NARROW)).id == "t"


async def test_the_approval_mode_of_a_start_that_nobody_chose_is_not_insisted_on(peer: ScriptedPeer) -> None:
    async with AsyncCodex(config(peer, READ_ONLY)) as codex:
        peer.answers["thread/start"] = {"thread": {"id": "t"}, "approvalPolicy": "never"}
        assert (await codex.thread_start()).id == "t"
        with pytest.raises(SettingsNotAppliedError) as caught:
            await codex.thread_start(approval_mode=ApprovalMode.ask)
        assert caught.value.settings == {"approval_policy": ("on-request", "never")}
        with pytest.raises(SettingsNotAppliedError, match="on-failure"):
            await codex.thread_start(config={"approval_policy": "on-failure"})


async def test_a_thread_whose_settings_are_being_set_when_its_caller_gives_up_is_let_go_of(
    peer: ScriptedPeer,
) -> None:
    async with AsyncCodex(config(peer, FULL_ACCESS)) as codex:
        with pytest.raises(TimeoutError):
            await codex.thread_fork("t", **NARROW, timeout_s=0.2)
        assert (await expected(peer, "thread/settings/update"))["params"]["sandboxPolicy"] == READ_ONLY
        assert (await expected(peer, "thread/unsubscribe"))["params"] == {"threadId": "t"}
