"""The two approvals of older runtimes. They name a conversation in place of a thread, and no turn."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import types
from ..errors import InvalidInputTypeError
from ._base import ServerRequest


class _LegacyApproval(ServerRequest):
    def _decide(self, decision: Any, word: str) -> None:
        raise NotImplementedError

    @property
    def item_id(self) -> str | None:
        """The id of the call that it is about."""
        return getattr(self.params, "call_id", None)

    def accept(self) -> None:
        """Yes, this once."""
        self._decide("approved", "accept")

    def accept_for_session(self) -> None:
        """Yes, and the runtime need not ask again for the same as long as it runs."""
        self._decide("approved_for_session", "accept_for_session")

    def decline(self, reason: str = "declined by the user") -> None:
        """No. The agent is told why, and the turn goes on."""
        if not isinstance(reason, str):
            raise InvalidInputTypeError(f"reason must be a str, not {type(reason).__name__}.")
        self._decide({"denied": {"rejection": reason}}, "decline")

    def cancel(self) -> None:
        """No, and the turn is interrupted."""
        self._decide("abort", "cancel")


class LegacyCommandApproval(_LegacyApproval):
    """May this command run? (`execCommandApproval`)"""

    kind: ClassVar[str] = "legacy_command_approval"
    params: types.ExecCommandApprovalParams

    @property
    def command(self) -> tuple[str, ...]:
        """The command and its arguments."""
        return tuple(self.params.command)

    @property
    def cwd(self) -> str:
        """Its working directory."""
        return self.params.cwd

    @property
    def reason(self) -> str | None:
        """Why the agent wants it, in its own words."""
        return self.params.reason

    def _decide(self, decision: Any, word: str) -> None:
        from ..generated.v2_all import ExecCommandApprovalResponse

        self._respond(ExecCommandApprovalResponse, {"decision": decision}, word)


class LegacyPatchApproval(_LegacyApproval):
    """May these files be changed? (`applyPatchApproval`)"""

    kind: ClassVar[str] = "legacy_patch_approval"
    params: types.ApplyPatchApprovalParams

    @property
    def file_changes(self) -> dict[str, types.FileChange]:
        """What changes, by path."""
        return dict(self.params.file_changes)

    @property
    def reason(self) -> str | None:
        """Why the agent wants it, in its own words."""
        return self.params.reason

    @property
    def grant_root(self) -> str | None:
        """The directory below which all changes would be allowed from now on, if that is asked."""
        return self.params.grant_root

    def _decide(self, decision: Any, word: str) -> None:
        from ..generated.v2_all import ApplyPatchApprovalResponse

        self._respond(ApplyPatchApprovalResponse, {"decision": decision}, word)
