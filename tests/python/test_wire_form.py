"""Models are written in one way, wherever a program gives one, and no error quotes what is in them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from codex_app_server import ExternalMessage, InvalidInputError, InvalidInputTypeError
from codex_app_server._outgoing import requests
from codex_app_server._outgoing.approval_mode import asks
from codex_app_server._outgoing.inputs import turn_input
from codex_app_server._outgoing.params import options
from codex_app_server._outgoing.sandbox import turn_sandbox
from codex_app_server.generated.v2_all import (
    AskForApproval,
    DynamicToolCallOutputContentItem,
    Personality,
    ReadOnlySandboxPolicy,
    SandboxPolicy,
    ThreadListCwdFilter,
    TurnStartParams,
    WorkspaceWriteSandboxPolicy,
)

SECRET = "sk-secret-value"  # noqa: S105
WRONG_POLICY = WorkspaceWriteSandboxPolicy.model_construct(type="workspaceWrite", network_access=SECRET)


@pytest.mark.parametrize(
    "give",
    [
        lambda: turn_sandbox(None, WRONG_POLICY),
        lambda: requests.fields_of(WRONG_POLICY),
        lambda: turn_input(ExternalMessage("tool", [WRONG_POLICY])),  # type: ignore[list-item]
    ],
    ids=["an option", "params", "an item of an input"],
)
def test_a_model_with_wrong_values_is_refused_without_them(give: Callable[[], Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(
            InvalidInputError, match=r"wrong values in its fields network(Access|_access)"
        ) as refused:
            give()
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None or SECRET not in str(refused.value.__cause__)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("effort", SandboxPolicy.model_validate({"type": "dangerFullAccess"})),
        (
            "personality",
            AskForApproval.model_validate(
                {"granular": {"mcp_elicitations": True, "rules": True, "sandbox_approval": True}}
            ),
        ),
        ("summary", 3),
        ("summary", TurnStartParams(thread_id="t", input=[])),
    ],
)
def test_a_choice_of_another_class_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputTypeError, match=name):
        options(**{name: value})


@pytest.mark.parametrize(
    "value", [TurnStartParams(thread_id="t", input=[]), {"type": "readOnly"}, SandboxPolicy]
)
def test_a_policy_of_another_class_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputTypeError, match="sandbox_policy must be a SandboxPolicy"):
        turn_sandbox(None, value)


def test_what_was_not_set_is_not_written_and_what_was_set_to_none_is() -> None:
    """As everywhere else: None is the protocol's way to say that something is to be as it was."""
    given = ReadOnlySandboxPolicy(type="readOnly")
    assert turn_sandbox(None, given) == {"sandboxPolicy": {"type": "readOnly"}}
    assert turn_sandbox(None, SandboxPolicy(root=given)) == {"sandboxPolicy": {"type": "readOnly"}}
    item = DynamicToolCallOutputContentItem.model_validate({"type": "inputText", "text": "x"})
    assert turn_input(ExternalMessage("tool", [item]))["toolOutput"]["output"] == [  # type: ignore[list-item]
        {"type": "inputText", "text": "x"}
    ]
    assert options(cwd_filter=ThreadListCwdFilter.model_validate(["/a"])) == {"cwd": ["/a"]}
    assert options(personality=Personality.friendly) == {"personality": "friendly"}


@pytest.mark.parametrize("policy", ["never", AskForApproval.model_validate("never")])
def test_a_policy_that_asks_nobody_is_known_in_each_form(policy: Any) -> None:
    assert asks(None, policy, None) is False
