"""`ApprovalMode`, the policy that may stand in its place, and both on the wire. Used by `_requests`."""

from __future__ import annotations

from enum import Enum
from typing import Any

from .errors import InvalidInputError, InvalidInputTypeError


class ApprovalMode(str, Enum):
    """What happens when the agent wants to leave its sandbox.

    `deny_all` never asks and refuses; `auto_review` lets the runtime's reviewer decide.
    """

    deny_all = "deny_all"
    auto_review = "auto_review"


_SETTINGS: dict[ApprovalMode, dict[str, str]] = {
    ApprovalMode.deny_all: {"approvalPolicy": "never"},
    ApprovalMode.auto_review: {"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"},
}


def approval_settings(mode: Any, policy: Any, *, default: ApprovalMode | None = None) -> dict[str, Any]:
    """The fields of a request that select `mode`, or `policy` in place of the `default` mode.

    Raises:
        InvalidInputError: Both were chosen, or `mode` is none.
        InvalidInputTypeError: `policy` is none.
    """
    if policy is not None:
        if mode is not default:
            raise InvalidInputError(
                "approval_policy and approval_mode exclude each other. Leave out approval_mode, whose place "
                "the policy takes."
            )
        return {"approvalPolicy": _policy(policy)}
    if mode is None and default is None:
        return {}
    if not isinstance(mode, ApprovalMode):
        names = ", ".join(f"ApprovalMode.{known.name}" for known in ApprovalMode)
        raise InvalidInputError(f"approval_mode must be one of {names}, not {mode!r}.")
    return dict(_SETTINGS[mode])


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
