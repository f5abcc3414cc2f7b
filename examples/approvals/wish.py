"""What the agent wants, as a person reads it before deciding.

Owns what is shown of each kind of approval and how it can be answered: what cannot be shown cannot be
approved. The terminal and the page of `approvals_web` each show it in their own way.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel

from codex_app_server.requests import CommandApproval, FileChangeApproval, PermissionsApproval

Approval: TypeAlias = CommandApproval | FileChangeApproval | PermissionsApproval
APPROVALS = (CommandApproval, FileChangeApproval, PermissionsApproval)


@dataclass(frozen=True)
class Wish:
    """One approval in words.

    Attributes:
        title: What the agent wants to do, in this program's words.
        lines: What it is about, ready to be shown; empty if this program cannot show it.
        notes: What else there is to know, likewise.
        answers: The names of the methods that may answer it.
    """

    title: str
    lines: tuple[str, ...]
    notes: tuple[str, ...]
    answers: tuple[str, ...]

    @classmethod
    def of(cls, request: Approval) -> Wish:
        """What a request asks."""
        match request:
            case CommandApproval():
                title, text, notes, answers = _command(request)
            case FileChangeApproval():
                title, text, notes, answers = _file_change(request)
            case PermissionsApproval():
                title, text, notes, answers = _permissions(request)
        if not text:
            answers = []
        if request.reason:
            notes.append(f"The agent says: {request.reason}")
        if request.ancestors:
            notes.append("Asked by a sub-agent.")
        lines = tuple(visible(line) for line in text.removesuffix("\n").split("\n")) if text else ()
        return cls(title, lines, tuple(visible(note) for note in notes), (*answers, "decline"))


def visible(text: str) -> str:
    """A text of the agent's, with nothing in it that moves a cursor, turns a line around or is unseen."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


_Parts: TypeAlias = tuple[str, str | None, list[str], list[str]]


def _command(request: CommandApproval) -> _Parts:
    notes = [] if request.cwd is None else [f"in {request.cwd}"]
    if request.permissions is not None:
        notes.append(f"with these permissions: {_told(request.permissions, indent=None) or 'none'}")
    kind = request.params.kind
    if kind is not None and not kind.is_known:
        return f"do what this program does not know: {visible(kind.value)}", None, notes, []
    if request.network is not None:
        host = f"{request.network.protocol.value}: {request.network.host}"
        if request.command:
            notes.insert(0, f"for the command: {request.command}")
        return "reach a host", host, notes, ["accept", "accept_for_session"]
    if request.is_terminal_input:
        # What is typed next may be anything, so "always" would say nothing.
        return "type into a terminal outside of the sandbox", request.command, notes, ["accept"]
    return "run a command", request.command, notes, ["accept", "accept_for_session"]


def _file_change(request: FileChangeApproval) -> _Parts:
    notes = []
    if request.grant_root is not None:
        notes.append(f"and from now on whatever is below {request.grant_root}")
    text = request.diff if all(map(_is_known, request.changes or ())) else None
    return "change files", text, notes, ["accept", "accept_for_session"]


def _permissions(request: PermissionsApproval) -> _Parts:
    title = "have these permissions until the turn ends"
    return title, _told(request.permissions), [f"in {request.cwd}"], ["grant"]


def _is_known(change: Any) -> bool:
    # A newer runtime may do to a file what this version has no words for.
    kind = getattr(change, "kind", None)
    return getattr(getattr(kind, "root", None), "type", None) in ("add", "delete", "update")


def _told(permissions: BaseModel, indent: int | None = 2) -> str | None:
    """All of them, those that this version does not know included."""
    told = permissions.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(told, indent=indent, ensure_ascii=False) if told else None
