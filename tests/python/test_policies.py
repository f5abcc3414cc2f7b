"""Approval and sandbox in the protocol's own terms, in place of the presets."""

from __future__ import annotations

import os
from typing import Any

import pytest

from codex_app_server import ApprovalMode, Codex, Sandbox
from codex_app_server._outgoing import requests
from codex_app_server._outgoing.approval_mode import asks
from codex_app_server._outgoing.thread_settings import difference, rights_for_loading
from codex_app_server.errors import InvalidInputError, InvalidInputTypeError
from codex_app_server.generated.v2_all import (
    ApprovalsReviewer,
    AskForApproval,
    AskForApprovalValue,
    SandboxMode,
    SandboxPolicy,
    WorkspaceWriteSandboxPolicy,
)
from codex_app_server.testing import OfflineModel

AUTO = {"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"}
GRANULAR = {
    "granular": {
        "mcp_elicitations": True,
        "request_permissions": False,
        "rules": True,
        "sandbox_approval": True,
        "skill_approval": False,
    }
}


def start(**options: Any) -> dict[str, Any]:
    made = requests.thread_start(**{"approval_mode": ApprovalMode.auto_review, **options})
    assert isinstance(made.params, dict)
    return made.params


def resume(**options: Any) -> dict[str, Any]:
    made = requests.thread_resume("t", **{"approval_mode": None, **options})
    assert isinstance(made.params, dict)
    return made.params


def turn(**options: Any) -> dict[str, Any]:
    made = requests.turn_start("t", "x", **{"approval_mode": None, **options})
    assert isinstance(made.params, dict)
    return made.params


def policy(**fields: Any) -> SandboxPolicy:
    return SandboxPolicy.model_validate(fields)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (AskForApproval.model_validate("untrusted"), "untrusted"),
        (AskForApproval.model_validate(GRANULAR), GRANULAR),
        (AskForApprovalValue.never, "never"),
        ("on-request", "on-request"),
    ],
)
def test_an_approval_policy_takes_the_place_of_the_default_mode(given: Any, sent: Any) -> None:
    assert start(approval_policy=given) == {"approvalPolicy": sent}
    for params in (resume(approval_policy=given), turn(approval_policy=given)):
        assert params["approvalPolicy"] == sent
        assert "approvalsReviewer" not in params


def test_without_a_policy_the_mode_decides() -> None:
    assert start() == AUTO
    assert "approvalPolicy" not in resume()
    assert "approvalPolicy" not in turn()


def test_a_policy_and_a_mode_that_was_chosen_exclude_each_other() -> None:
    with pytest.raises(InvalidInputError, match="exclude"):
        start(approval_policy="never", approval_mode=ApprovalMode.deny_all)
    for build in (resume, turn):
        for mode in ApprovalMode:
            with pytest.raises(InvalidInputError, match="exclude"):
                build(approval_policy="never", approval_mode=mode)


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ((None, None, None), None),
        ((ApprovalMode.ask, None, None), True),
        (("deny_all", None, None), False),
        ((None, "never", None), False),
        ((None, AskForApproval.model_validate("never"), "user"), False),
        ((None, "on-request", None), None),
        ((None, "on-request", ApprovalsReviewer.user), True),
        ((None, "on-request", "auto_review"), False),
    ],
)
def test_it_is_known_whether_this_program_will_be_asked(options: Any, answer: bool | None) -> None:
    assert asks(*options) is answer


@pytest.mark.parametrize(
    ("table", "is_told"),
    [
        ({"network_access": True, "writable_roots": []}, True),
        ({"network_access": None}, False),
        ({"network_access": True, "key_of_tomorrow": 1}, False),
        ("none", False),
    ],
)
def test_a_table_of_the_workspace_is_told_by_an_answer_if_all_of_it_is(table: Any, is_told: bool) -> None:
    config = {"sandbox_workspace_write": table}
    assert rights_for_loading({"config": config}) == ({} if is_told else {"config": config})


def test_rights_that_do_not_hold_are_told_without_secrets() -> None:
    said = difference("config", {"permissions": {"mine": {"token": "SECRET"}}, "sandbox_mode": "none"}, None)
    assert '"sandbox_mode": "none"' in said
    assert "SECRET" not in said


def test_what_windows_wants_for_a_workspace_is_told_there() -> None:
    asked, answered = {"type": "workspaceWrite"}, {"type": "readOnly"}
    hint = 'config={"windows.sandbox": "unelevated"}'
    assert hint in difference("sandbox", asked, answered, "nt")
    assert hint not in difference("sandbox", asked, answered, "posix")
    assert hint not in difference("sandbox", answered, asked, "nt")


def test_what_is_no_policy_is_refused_by_name() -> None:
    with pytest.raises(InvalidInputTypeError, match="approval_policy"):
        start(approval_policy=3)
    for wrong in ("read-only", AskForApproval.model_validate("never"), {"type": "readOnly"}):
        with pytest.raises(InvalidInputTypeError, match="sandbox_policy"):
            turn(sandbox_policy=wrong)


@pytest.mark.parametrize(
    ("mode", "preset"),
    [
        (SandboxMode.read_only, Sandbox.read_only),
        (SandboxMode.workspace_write, Sandbox.workspace_write),
        (SandboxMode.danger_full_access, Sandbox.full_access),
    ],
)
def test_a_mode_of_the_protocol_is_as_good_as_its_preset(mode: SandboxMode, preset: Sandbox) -> None:
    for build in (start, resume, turn):
        assert build(sandbox=mode) == build(sandbox=preset)


def test_a_mode_of_tomorrow_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="SandboxMode"):
        turn(sandbox=SandboxMode("brand-new"))


def test_a_turn_takes_every_policy() -> None:
    bare = WorkspaceWriteSandboxPolicy.model_validate({"type": "workspaceWrite", "networkAccess": True})
    assert turn(sandbox_policy=bare)["sandboxPolicy"]["networkAccess"] is True
    external = policy(type="externalSandbox", networkAccess="enabled")
    assert turn(sandbox_policy=external)["sandboxPolicy"] == {
        "type": "externalSandbox",
        "networkAccess": "enabled",
    }


def test_a_sandbox_and_its_policy_exclude_each_other() -> None:
    for build in (start, resume, turn):
        with pytest.raises(InvalidInputError, match="exclude"):
            build(sandbox=Sandbox.read_only, sandbox_policy=policy(type="readOnly"))


@pytest.mark.parametrize(
    "given",
    [
        policy(type="externalSandbox"),
        policy(type="readOnly", networkAccess=True),
        policy(type="workspaceWrite", fieldOfTomorrow=True),
    ],
)
def test_a_policy_that_no_thread_can_have_is_refused(given: SandboxPolicy) -> None:
    with pytest.raises(InvalidInputError, match=r"turn\(\)"):
        start(sandbox_policy=given)


@pytest.mark.parametrize(
    "given",
    [
        {"type": "dangerFullAccess"},
        {"type": "readOnly", "networkAccess": False},
        {
            "type": "workspaceWrite",
            "writableRoots": [os.path.abspath("/srv")],
            "networkAccess": True,
            "excludeTmpdirEnvVar": True,
            "excludeSlashTmp": True,
        },
    ],
)
def test_the_runtime_gives_a_thread_the_policy_that_was_asked_for(
    given: dict[str, Any], model: OfflineModel
) -> None:
    with Codex(model.config()) as codex:
        params = start(
            sandbox_policy=policy(**given),
            approval_policy=AskForApproval.model_validate(GRANULAR),
            config={"model_reasoning_effort": "low"},
        )
        answer = codex.request("thread/start", params)
    # The runtime adds roots of its own, such as the thread's directory for temporary files.
    roots = answer["sandbox"].pop("writableRoots", [])
    assert set(given.pop("writableRoots", [])) <= set(roots)
    assert answer["sandbox"] == given
    assert answer["approvalPolicy"] == GRANULAR
    assert answer["reasoningEffort"] == "low"
