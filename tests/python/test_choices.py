"""A text that stands for an enum's member is a known one; what a newer runtime knows is given as a member."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from typing import Any, get_args

import pytest
from openai_codex.generated import v2_all as official

from codex_app_server import ApprovalMode, InvalidInputError, InvalidInputTypeError, Sandbox
from codex_app_server._outgoing import goals, requests
from codex_app_server._outgoing.approval_mode import asks
from codex_app_server.generated import literals
from codex_app_server.generated import v2_all as v2
from codex_app_server.generated._base import OpenEnum
from codex_app_server.generated.literals import ApprovalModeLiteral, SandboxLiteral


def fields(request: requests.Request[Any]) -> dict[str, Any]:
    assert isinstance(request.params, dict)
    return request.params


def start(**given: Any) -> dict[str, Any]:
    return fields(requests.thread_start(**{"approval_mode": ApprovalMode.auto_review, **given}))


def turn(**given: Any) -> dict[str, Any]:
    return fields(requests.turn_start("t", "x", **{"approval_mode": None, **given}))


def listing(**given: Any) -> dict[str, Any]:
    return fields(requests.thread_list(**given))


def goal(**given: Any) -> dict[str, Any]:
    return fields(goals.change("t", **given))


Build = Callable[..., dict[str, Any]]

# Each option that has an enum or a union with texts: who builds it, the option, its wire's name, its class.
OPTIONS: list[tuple[Build, str, str, type[Any]]] = [
    (turn, "effort", "effort", v2.ReasoningEffort),
    (turn, "summary", "summary", v2.ReasoningSummary),
    (turn, "personality", "personality", v2.Personality),
    (start, "personality", "personality", v2.Personality),
    (turn, "approval_policy", "approvalPolicy", v2.AskForApproval),
    (turn, "approvals_reviewer", "approvalsReviewer", v2.ApprovalsReviewer),
    (start, "approval_policy", "approvalPolicy", v2.AskForApproval),
    (start, "session_start_source", "sessionStartSource", v2.ThreadStartSource),
    (listing, "sort_direction", "sortDirection", v2.SortDirection),
    (listing, "sort_key", "sortKey", v2.ThreadSortKey),
    (goal, "status", "status", v2.ThreadGoalStatus),
]
ids = [f"{build.__name__}-{option}" for build, option, _, _ in OPTIONS]
CLOSED = (v2.ThreadStartSource, v2.SortDirection, v2.ThreadSortKey)


def texts(kind: type[Any]) -> list[str]:
    """What the models say that the texts of `kind` are."""
    members: type[Enum] = kind if issubclass(kind, Enum) else getattr(v2, f"{kind.__name__}Value")
    found = [member.value for member in members]
    return [*found, "none"] if kind is v2.ReasoningSummary else found


@pytest.mark.parametrize(("build", "option", "wire", "kind"), OPTIONS, ids=ids)
def test_each_text_stands_for_its_member(build: Build, option: str, wire: str, kind: type[Any]) -> None:
    assert texts(kind)
    for text in texts(kind):
        assert build(**{option: text})[wire] == text
        assert build(**{option: kind(text)})[wire] == text


@pytest.mark.parametrize(("build", "option", "wire", "kind"), OPTIONS, ids=ids)
def test_any_other_text_is_refused_with_the_known_ones(
    build: Build, option: str, wire: str, kind: type[Any]
) -> None:
    for wrong in ("rude", "", texts(kind)[0].upper()):
        with pytest.raises(InvalidInputError, match=f"^{option} must be one of ") as caught:
            build(**{option: wrong})
        assert not isinstance(caught.value, InvalidInputTypeError)
        assert all(repr(text) in str(caught.value) for text in texts(kind))
        call = kind.__name__ if issubclass(kind, Enum) else f"{kind.__name__}.model_validate"
        way_out = "request()" if kind in CLOSED else f"{call}({wrong!r})"
        assert str(caught.value).endswith(f"{way_out}.")


@pytest.mark.parametrize(("build", "option", "wire", "kind"), OPTIONS, ids=ids)
def test_what_a_newer_runtime_knows_passes_as_a_member(
    build: Build, option: str, wire: str, kind: type[Any]
) -> None:
    if kind in CLOSED:
        with pytest.raises(ValueError, match="'new' is not a valid"):
            kind("new")
    else:
        assert build(**{option: kind("new")})[wire] == "new"


@pytest.mark.parametrize(("build", "option", "wire", "kind"), OPTIONS, ids=ids)
def test_what_is_no_text_is_refused_by_name(build: Build, option: str, wire: str, kind: type[Any]) -> None:
    for wrong in (3, b"low", ["low"], object(), type(kind)):
        with pytest.raises(InvalidInputTypeError, match=f"^{option} must be an? {kind.__name__} or its text"):
            build(**{option: wrong})


def test_who_has_started_a_thread_may_be_a_name_of_the_programs_own() -> None:
    for given in ("my-robot", v2.ThreadSource("my-robot"), official.ThreadSource("my-robot")):
        sent = start(thread_source=given)["threadSource"]
        assert (sent, type(sent)) == ("my-robot", str)
    for wrong in (3, ["user"]):
        with pytest.raises(InvalidInputTypeError, match="thread_source must be a ThreadSource or its text"):
            start(thread_source=wrong)


def test_the_way_out_of_a_refusal_is_one_that_checkers_take() -> None:
    with pytest.raises(InvalidInputError, match=r"is given as AskForApproval\.model_validate\('always'\)\."):
        turn(approval_policy="always")
    tomorrow = v2.AskForApproval.model_validate("always")
    assert turn(approval_policy=tomorrow)["approvalPolicy"] == "always"
    with pytest.raises(InvalidInputError, match=r"is given as ReasoningEffort\('huge'\)\."):
        turn(effort="huge")


def test_each_of_a_list_is_a_known_one() -> None:
    kinds = ["cli", v2.ThreadSourceKind.vscode]
    assert listing(source_kinds=kinds) == {"sourceKinds": ["cli", "vscode"]}
    with pytest.raises(
        InvalidInputError, match=r"^each of source_kinds must be one of 'cli', .*, not 'web'\."
    ):
        listing(source_kinds=["cli", "web"])


def test_a_member_of_another_enum_counts_as_its_text() -> None:
    class Own(str, Enum):
        high = "high"
        shrill = "shrill"

    assert turn(effort=Own.high)["effort"] == "high"
    assert type(turn(effort=Own.high)["effort"]) is str
    assert turn(effort=official.ReasoningEffort("low"))["effort"] == "low"
    never = official.AskForApprovalValue.never
    assert turn(approval_policy=official.AskForApproval(never))["approvalPolicy"] == "never"
    for wrong in (Own.shrill, v2.Personality.friendly, v2.Personality("new")):
        with pytest.raises(InvalidInputError, match="effort must be one of"):
            turn(effort=wrong)


@pytest.mark.parametrize("mode", ApprovalMode)
def test_an_approval_mode_may_be_its_text(mode: ApprovalMode) -> None:
    assert start(approval_mode=mode.value) == start(approval_mode=mode)
    assert turn(approval_mode=mode.value) == turn(approval_mode=mode)
    assert asks(mode.value, None, None) == asks(mode, None, None) == (mode is ApprovalMode.ask)


def test_a_policy_stands_beside_the_default_mode_as_text_too() -> None:
    assert start(approval_mode="auto_review", approval_policy="never") == {"approvalPolicy": "never"}
    with pytest.raises(InvalidInputError, match="exclude each other"):
        start(approval_mode="ask", approval_policy="never")


@pytest.mark.parametrize("sandbox", Sandbox)
def test_a_sandbox_may_be_its_text(sandbox: Sandbox) -> None:
    for build in (start, turn):
        assert build(sandbox=sandbox.value) == build(sandbox=sandbox)
        assert build(sandbox="danger-full-access") == build(sandbox=Sandbox.full_access)


def test_a_thread_takes_a_mode_of_tomorrow_whose_policy_a_turn_would_need() -> None:
    tomorrow = v2.SandboxMode("brand-new")
    assert start(sandbox=tomorrow)["sandbox"] == "brand-new"
    with pytest.raises(InvalidInputError, match=r"SandboxMode\('brand-new'\).*sandbox_policy"):
        turn(sandbox=tomorrow)
    with pytest.raises(InvalidInputError, match=r"^sandbox must be one of Sandbox.read_only \('read-only'\)"):
        start(sandbox="brand-new")


def test_the_literals_are_what_the_models_list() -> None:
    assert len(literals.__all__) > 50
    for name in literals.__all__:
        if name in ("ApprovalModeLiteral", "SandboxLiteral"):  # of the package's own enums
            continue
        kind = getattr(v2, name.removesuffix("Literal"))
        if issubclass(kind, Enum):
            assert list(get_args(getattr(literals, name))) == [member.value for member in kind]
    for kind in (v2.ReasoningSummary, v2.AskForApproval):
        assert list(get_args(getattr(literals, f"{kind.__name__}Literal"))) == texts(kind)
    assert set(get_args(ApprovalModeLiteral)) == {mode.value for mode in ApprovalMode}
    modes = {*(preset.value for preset in Sandbox), *(mode.value for mode in v2.SandboxMode)}
    assert set(get_args(SandboxLiteral)) == modes


def test_every_enum_of_a_request_has_its_literal() -> None:
    listed = {name.removesuffix("Literal") for name in literals.__all__}
    assert {kind.__name__ for _, _, _, kind in OPTIONS} <= listed
    assert issubclass(v2.Personality, OpenEnum)


def test_a_text_needs_no_model() -> None:
    program = (
        "import sys; from codex_app_server._outgoing import requests;"
        "request = requests.turn_start('t', 'x', approval_mode='ask', effort='low', sandbox='read-only',"
        " approval_policy=None, personality='none');"
        "assert request.params['effort'] == 'low'; assert 'pydantic' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
