"""`ApprovalMode` and what it means on the wire. Used by `_params`."""

from __future__ import annotations

from enum import Enum
from typing import Any

from .errors import InvalidInputError


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


def approval_settings(mode: Any) -> dict[str, str]:
    """The fields of a request that select `mode`."""
    if not isinstance(mode, ApprovalMode):
        names = ", ".join(f"ApprovalMode.{known.name}" for known in ApprovalMode)
        raise InvalidInputError(f"approval_mode must be one of {names}, not {mode!r}.")
    return _SETTINGS[mode]
