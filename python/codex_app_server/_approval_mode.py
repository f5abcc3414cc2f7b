"""`ApprovalMode`, the policy that may stand in its place, and both on the wire. Used by `_requests`."""

from __future__ import annotations

from enum import Enum
from typing import Any

from .errors import InvalidInputError, InvalidInputTypeError


class ApprovalMode(str, Enum):
    """What happens when the agent wants to leave its sandbox.

    `deny_all` never asks and refuses; `auto_review` lets the runtime's reviewer decide; `ask` asks this
    program, which answers by `on_request` or `requests()`.
    """

    deny_all = "deny_all"
    auto_review = "auto_review"
    ask = "ask"


_SETTINGS: dict[ApprovalMode, dict[str, str]] = {
    ApprovalMode.deny_all: {"approvalPolicy": "never"},
    ApprovalMode.auto_review: {"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"},
    ApprovalMode.ask: {"approvalPolicy": "on-request", "approvalsReviewer": "user"},
}


def asks(mode: Any, policy: Any, reviewer: Any) -> bool | None:
    """Whether approvals come to this program with these options; None if they leave that as it is."""
    if policy is None and reviewer is None:
        return None if mode is None else mode is ApprovalMode.ask
    if _word(policy) == "never":
        return False
    return None if reviewer is None else _word(reviewer) == "user"


def approval_settings(
    mode: Any, policy: Any, reviewer: Any = None, *, default: ApprovalMode | None = None
) -> dict[str, Any]:
    """The fields of a request that select `mode`, or `policy` and `reviewer` in place of the `default` mode.

    Raises:
        InvalidInputError: Both were chosen, or `mode` or `reviewer` is none.
        InvalidInputTypeError: `policy` is none.
    """
    if policy is not None or reviewer is not None:
        if mode is not default:
            given = "approval_policy" if reviewer is None else "approvals_reviewer"
            raise InvalidInputError(
                f"{given} and approval_mode exclude each other. Leave out approval_mode, whose place "
                "the policy and its reviewer take."
            )
        settings = {} if policy is None else {"approvalPolicy": _policy(policy)}
        if reviewer is not None:
            settings["approvalsReviewer"] = _reviewer(reviewer)
        return settings
    if mode is None and default is None:
        return {}
    if not isinstance(mode, ApprovalMode):
        names = ", ".join(f"ApprovalMode.{known.name}" for known in ApprovalMode)
        raise InvalidInputError(f"approval_mode must be one of {names}, not {mode!r}.")
    return dict(_SETTINGS[mode])


def _word(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _reviewer(reviewer: Any) -> str:
    word = _word(reviewer)
    # Any string passes: the runtime may know reviewers that this package does not.
    if not isinstance(word, str) or not word:
        raise InvalidInputTypeError(
            f"approvals_reviewer must be an ApprovalsReviewer, not {type(reviewer).__name__}."
        )
    return word


def _policy(policy: Any) -> Any:
    # A plain string passes too: the runtime may know policies that this package does not.
    if isinstance(policy, Enum):
        return policy.value
    if isinstance(policy, str):
        return policy
    dump = getattr(policy, "model_dump", None)
    if dump is None:
        raise InvalidInputTypeError(
            f"approval_policy must be an AskForApproval, not {type(policy).__name__}."
        )
    return dump(mode="json", by_alias=True, exclude_none=True)
