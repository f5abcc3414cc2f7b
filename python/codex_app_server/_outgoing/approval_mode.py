"""`ApprovalMode`, the policy that may stand in its place, and both on the wire. Used by `requests`."""

from __future__ import annotations

from enum import Enum
from typing import Any

from ..errors import InvalidInputError
from .choices import choice_of


class ApprovalMode(str, Enum):
    """What happens when the agent wants to leave its sandbox.

    `deny_all` never asks and refuses; `auto_review` lets the runtime's reviewer decide; `ask` asks this
    program, which answers by `on_request` or `requests()`.
    """

    deny_all = "deny_all"
    auto_review = "auto_review"
    ask = "ask"


_policy = choice_of("AskForApproval")
_reviewer = choice_of("ApprovalsReviewer")

_SETTINGS: dict[ApprovalMode, dict[str, str]] = {
    ApprovalMode.deny_all: {"approvalPolicy": "never"},
    ApprovalMode.auto_review: {"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"},
    ApprovalMode.ask: {"approvalPolicy": "on-request", "approvalsReviewer": "user"},
}


def asks(mode: Any, policy: Any, reviewer: Any) -> bool | None:
    """Whether approvals come to this program with these options; None if they leave that as it is."""
    if policy is None and reviewer is None:
        return None if mode is None else _mode(mode) is ApprovalMode.ask
    if _word(policy) == "never":
        return False
    return None if reviewer is None else _word(reviewer) == "user"


def approval_settings(
    mode: Any, policy: Any, reviewer: Any = None, *, default: ApprovalMode | None = None
) -> dict[str, Any]:
    """The fields of a request that select `mode`, or `policy` and `reviewer` in place of the `default` mode.

    Raises:
        InvalidInputError: Both were chosen, or `mode` is none, or a text names no policy or reviewer.
        InvalidInputTypeError: `policy` or `reviewer` is none.
    """
    if policy is not None or reviewer is not None:
        if mode != default:
            given = "approval_policy" if reviewer is None else "approvals_reviewer"
            raise InvalidInputError(
                f"{given} and approval_mode exclude each other. Leave out approval_mode, whose place "
                "the policy and its reviewer take."
            )
        settings = {} if policy is None else {"approvalPolicy": _policy("approval_policy", policy)}
        if reviewer is not None:
            settings["approvalsReviewer"] = _reviewer("approvals_reviewer", reviewer)
        return settings
    if mode is None and default is None:
        return {}
    return dict(_SETTINGS[_mode(mode)])


def _mode(mode: Any) -> ApprovalMode:
    for known in ApprovalMode:
        if _word(mode) == known.value:
            return known
    names = ", ".join(f"ApprovalMode.{known.name} ({known.value!r})" for known in ApprovalMode)
    raise InvalidInputError(f"approval_mode must be one of {names}, not {mode!r}.")


def _word(value: Any) -> Any:
    # A policy's model has the enum's member as its root.
    value = getattr(value, "root", value)
    return value.value if isinstance(value, Enum) else value
