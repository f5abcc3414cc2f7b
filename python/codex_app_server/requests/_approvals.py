"""What asks for a yes or a no: commands, file changes, permissions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal

from .. import types
from .._arguments import wrong
from .._outgoing.wire_form import as_it_came, is_model
from .._package.late import pydantic
from ..errors import InvalidInputError
from ._base import ServerRequest, text

_DECISIONS = {
    "accept": "accept",
    "acceptForSession": "accept_for_session",
    "decline": "decline",
    "cancel": "cancel",
}


class _Approval(ServerRequest):
    """What can be accepted, for this once or for the session, or not."""

    def _decide(self, decision: Any, word: str) -> None:
        raise NotImplementedError

    def accept(self) -> None:
        """Yes, this once."""
        self._decide("accept", "accept")

    def accept_for_session(self) -> None:
        """Yes, and the runtime need not ask again for the same in this thread, for as long as it runs.

        The same is the same command, word for word; of a file change, whatever change to the same paths.
        """
        self._decide("acceptForSession", "accept_for_session")

    def decline(self) -> None:
        """No. The agent is told so, without a reason, and the turn goes on."""
        self._decide("decline", "decline")

    def cancel(self) -> None:
        """No, and the turn is interrupted."""
        self._decide("cancel", "cancel")


class CommandApproval(_Approval):
    """May this command run outside of the sandbox, or reach the network?

    Example:
        >>> def on_request(request):
        ...     match request:
        ...         case CommandApproval(command=command, cwd=cwd):
        ...             print(f"{command} in {cwd}")
        ...             request.accept()
        ...         case _:
        ...             request.refuse()
    """

    kind: ClassVar[str] = "command_approval"
    params: types.CommandExecutionRequestApprovalParams

    @property
    def command(self) -> str | None:
        """The command as it will be run, its shell included. None where only the network is asked for."""
        return self.params.command

    @property
    def is_terminal_input(self) -> bool:
        """Whether `command` is what is to be typed into a terminal that runs already, outside of the sandbox.

        Its `item_id` is then that of the command that runs there, and was accepted before.
        """
        return bool(text(self.params.kind) == "writeStdin")

    @property
    def cwd(self) -> str | None:
        """Its working directory."""
        return text(self.params.cwd)  # type: ignore[no-any-return]

    @property
    def reason(self) -> str | None:
        """Why the agent wants it, in its own words: not to be believed blindly."""
        return self.params.reason

    @property
    def network(self) -> types.NetworkApprovalContext | None:
        """The host that it wants to reach, if that is what is asked."""
        return self.params.network_approval_context

    @property
    def permissions(self) -> types.AdditionalPermissionProfile | None:
        """What it asks for besides its sandbox."""
        return self.params.additional_permissions

    @property
    def execpolicy_amendment(self) -> tuple[str, ...] | None:
        """The rule that `accept_with_execpolicy_amendment()` would add: commands that begin like this."""
        for decision in self.params.available_decisions or ():
            offered = getattr(decision.root, "accept_with_execpolicy_amendment", None)
            if offered is not None:
                return tuple(offered.execpolicy_amendment)
        proposed = self.params.proposed_execpolicy_amendment
        return None if proposed is None else tuple(proposed)

    @property
    def network_policy_amendments(self) -> tuple[types.NetworkPolicyAmendment, ...]:
        """The rules for hosts of which `apply_network_policy_amendment()` takes one."""
        found = list(self.params.proposed_network_policy_amendments or ())
        for decision in self.params.available_decisions or ():
            offered = getattr(decision.root, "apply_network_policy_amendment", None)
            if offered is not None and offered.network_policy_amendment not in found:
                found.append(offered.network_policy_amendment)
        return tuple(found)

    @property
    def available_decisions(self) -> tuple[str, ...]:
        """The methods that answer it, in the order in which the runtime would show them.

        `decline` and `cancel` are always among them, and `accept_for_session` but for what is typed into a
        terminal: the runtime honours them where it does not name them.
        """
        named: list[str] = []
        for decision in self.params.available_decisions or ():
            for name in ("accept_with_execpolicy_amendment", "apply_network_policy_amendment"):
                if getattr(decision.root, name, None) is not None:
                    named.append(name)
            named += filter(None, [_DECISIONS.get(str(text(decision)))])
        if self.params.available_decisions is None:
            named = ["accept", "accept_for_session"]
            if self.execpolicy_amendment is not None:
                named.append("accept_with_execpolicy_amendment")
            if self.network_policy_amendments:
                named.append("apply_network_policy_amendment")
        session = [] if self.is_terminal_input else ["accept_for_session"]
        return tuple(dict.fromkeys([*named, *session, "decline", "cancel"]))

    def accept_with_execpolicy_amendment(self) -> None:
        """Yes, and commands that begin like `execpolicy_amendment` need not be asked for again, ever.

        Raises:
            InvalidInputError: The runtime has proposed no such rule.
        """
        rule = self.execpolicy_amendment
        if rule is None:
            raise InvalidInputError("The runtime has proposed no rule for commands like this: accept() it.")
        decision = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": list(rule)}}
        self._decide(decision, "accept_with_execpolicy_amendment")

    def apply_network_policy_amendment(self, amendment: types.NetworkPolicyAmendment) -> None:
        """Answer with a rule for this host, which stays: it allows or denies as the rule says.

        Args:
            amendment: One of `network_policy_amendments`.

        Raises:
            InvalidInputError: It is none of these.
        """
        if amendment not in self.network_policy_amendments:
            raise InvalidInputError("The amendment is none of network_policy_amendments.")
        rule = as_it_came(amendment)
        decision = {"applyNetworkPolicyAmendment": {"network_policy_amendment": rule}}
        self._decide(decision, "apply_network_policy_amendment")

    def _decide(self, decision: Any, word: str) -> None:
        from ..generated.v2_all import CommandExecutionRequestApprovalResponse

        self._respond(CommandExecutionRequestApprovalResponse, {"decision": decision}, word)


class FileChangeApproval(_Approval):
    """May these files be changed?"""

    kind: ClassVar[str] = "file_change_approval"
    params: types.FileChangeRequestApprovalParams

    @property
    def reason(self) -> str | None:
        """Why the agent wants it, in its own words."""
        return self.params.reason

    @property
    def grant_root(self) -> str | None:
        """The directory below which all changes would be allowed from now on, if that is asked."""
        return self.params.grant_root

    @cached_property
    def changes(self) -> tuple[types.FileUpdateChange, ...] | None:
        """What changes, file by file.

        The runtime tells it in the item and not in the request. None if that was not seen here: the client
        has opted out of `item/started`, or there was no room for it (16 MiB for all that the client holds).
        """
        if self._native.item is None:
            return None
        from .._incoming.lenient import build
        from ..generated.v2_all import FileUpdateChange

        # A newer runtime may say it in another way; what is not understood is kept as it came.
        found = json.loads(self._native.item).get("item", {}).get("changes")
        return None if not isinstance(found, list) else tuple(build(FileUpdateChange, each) for each in found)  # type: ignore[misc]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all files that it touches, those included that others are moved to.

        Empty if `changes` is None.
        """
        named = [path for change in self.changes or () for path in (_path(change), _target(change))]
        return tuple(dict.fromkeys(str(path) for path in named if path is not None))

    @property
    def diff(self) -> str | None:
        """All changes as one text for people; None if `changes` is.

        A line that names each file, and below it, each with two spaces before, the lines of its diff; those
        of a new file have a plus, those of a deleted one a minus. Nothing of it is escaped: what is shown in
        a terminal may move its cursor.
        """
        if self.changes is None:
            return None
        return "\n".join(line for change in self.changes for line in _lines(change))

    def to_dict(self) -> dict[str, Any]:
        """What a page needs of it, with its `changes`, as JSON has it. See `ServerRequest.to_dict()`."""
        item = {} if self._native.item is None else json.loads(self._native.item).get("item", {})
        return {**super().to_dict(), "changes": item.get("changes")}

    def _decide(self, decision: Any, word: str) -> None:
        from ..generated.v2_all import FileChangeRequestApprovalResponse

        self._respond(FileChangeRequestApprovalResponse, {"decision": decision}, word)


def _path(change: types.FileUpdateChange) -> Any:
    return text(getattr(change, "path", None))


def _kind(change: types.FileUpdateChange) -> Any:
    return text(getattr(change, "kind", None))


def _target(change: types.FileUpdateChange) -> Any:
    """Where the file is moved to."""
    return text(getattr(_kind(change), "move_path", None))


def _quoted(path: Any) -> str:
    """A path in one line, whatever it holds; its backslashes, of which Windows' are full, are not doubled."""
    return repr(path).replace("\\\\", "\\")


def _lines(change: types.FileUpdateChange) -> Iterator[str]:
    kind = getattr(_kind(change), "type", "change")
    target = _target(change)
    yield f"{kind} {_quoted(_path(change))}" + (f" -> {_quoted(target)}" if target else "")
    # The runtime gives the content of files that are new or deleted.
    sign = {"add": "+", "delete": "-"}.get(kind, "")
    diff = getattr(change, "diff", None)
    for line in (diff if isinstance(diff, str) else f"? {change!r}").removesuffix("\n").split("\n"):
        yield f"  {sign}{line}"


def _unknown_members(model: type[pydantic.BaseModel], given: Any) -> list[str]:
    """The members of what the program gave that the model does not know: the runtime would pass over them."""
    try:
        made = model.model_validate(given)
    except ValueError:
        return []  # the answer's own check says what is wrong
    found = list(made.model_extra or ())
    for name in made.model_fields_set:
        member = getattr(made, name, None)
        found += list(getattr(member, "model_extra", None) or ())
    return found


class PermissionsApproval(ServerRequest):
    """May the agent have these permissions besides its sandbox?"""

    kind: ClassVar[str] = "permissions_approval"
    params: types.PermissionsRequestApprovalParams

    @property
    def permissions(self) -> types.RequestPermissionProfile:
        """What it asks for: network, files to read and to write."""
        return self.params.permissions

    @property
    def cwd(self) -> str:
        """The directory that relative paths are relative to."""
        return text(self.params.cwd)  # type: ignore[no-any-return]

    @property
    def reason(self) -> str | None:
        """Why the agent wants it, in its own words."""
        return self.params.reason

    def grant(
        self,
        subset: types.RequestPermissionProfile
        | types.GrantedPermissionProfile
        | Mapping[str, Any]
        | None = None,
        *,
        scope: Literal["turn", "session"] = "turn",
    ) -> None:
        """Grant what is asked for, or a part of it.

        Args:
            subset: What to grant; all that is asked for by default.
            scope: For this turn, or for as long as the thread is loaded.

        Raises:
            InvalidInputError: It is no profile of permissions, or `scope` is neither.
            InvalidInputTypeError: `subset` is neither a model nor a mapping.
        """
        from ..generated.v2_all import GrantedPermissionProfile

        given: Any = self.permissions if subset is None else subset
        if isinstance(given, Mapping):
            if unknown := _unknown_members(GrantedPermissionProfile, given):
                raise InvalidInputError(f"No permission is called {', '.join(map(repr, unknown))}.")
        elif is_model(given):
            given = as_it_came(given)
        else:
            raise wrong("subset", "a profile of permissions", subset)
        if scope not in ("turn", "session"):
            raise InvalidInputError(f'scope must be "turn" or "session", not {scope!r}.')
        self._answer({"permissions": dict(given), "scope": scope}, f"grant for the {scope}")

    def decline(self) -> None:
        """Grant nothing. The turn goes on."""
        self._answer({"permissions": {}}, "decline")

    def _answer(self, result: dict[str, Any], word: str) -> None:
        from ..generated.v2_all import PermissionsRequestApprovalResponse

        self._respond(PermissionsRequestApprovalResponse, result, word)
