"""The options of a turn: what `run()` and `turn()` take, whatever their result is.

Owns their names and types, for checkers and for whoever looks at the methods' signatures. What each means is
said by `AsyncThread.turn()`, and what becomes of it on the wire by `params`.
"""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Callable, Iterable
from typing import Any, ForwardRef, TypedDict, TypeVar

from .. import types
from ..generated.literals import (
    ApprovalModeLiteral,
    ApprovalsReviewerLiteral,
    AskForApprovalLiteral,
    PersonalityLiteral,
    ReasoningEffortLiteral,
    ReasoningSummaryLiteral,
    SandboxLiteral,
)
from .approval_mode import ApprovalMode
from .sandbox import Sandbox

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


class TurnOptions(TypedDict, total=False):
    """Those of `turn()`."""

    approval_mode: ApprovalMode | ApprovalModeLiteral | None
    approval_policy: types.AskForApproval | AskForApprovalLiteral | None
    approvals_reviewer: types.ApprovalsReviewer | ApprovalsReviewerLiteral | None
    cwd: str | os.PathLike[str] | None
    effort: types.ReasoningEffort | ReasoningEffortLiteral | None
    model: str | None
    personality: types.Personality | PersonalityLiteral | None
    sandbox: Sandbox | types.SandboxMode | SandboxLiteral | None
    sandbox_policy: types.SandboxPolicy | None
    service_tier: str | None
    source: str | None
    summary: types.ReasoningSummary | ReasoningSummaryLiteral | None
    turn_service_tier: str | None
    timeout_s: float | None


class RunOptions(TurnOptions, total=False):
    """Those of `run()`."""

    idle_timeout_s: float | None


def takes(kind: type) -> Callable[[FunctionT], FunctionT]:
    """Make a method that takes `**options` show those of `kind` as arguments of its own.

    `help()`, frameworks and `typing.get_type_hints` see what type checkers see.
    """
    shown_as = {
        name: getattr(given, "__forward_arg__", given) for name, given in kind.__annotations__.items()
    }

    def shown(function: FunctionT) -> FunctionT:
        given = inspect.signature(function)
        own = [each for each in given.parameters.values() if each.kind is not each.VAR_KEYWORD]
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in shown_as.items()
            if name not in given.parameters
        ]
        fixed = [each for each in own if each.kind is not each.KEYWORD_ONLY]
        # By name; the times, which belong to the call, stand last and as they are.
        named = [*more, *own[len(fixed) :]]
        times = [each for each in named if each.name.endswith("timeout_s")]
        named = sorted((each for each in named if each not in times), key=lambda each: each.name)
        function.__signature__ = given.replace(parameters=[*fixed, *named, *times])  # type: ignore[attr-defined]
        annotations = function.__annotations__
        del annotations["options"]
        # Each of them knows where its names are.
        annotations |= {each.name: ForwardRef(each.annotation, module=__name__) for each in more}
        return function

    return shown


def refuse_unknown(names: Iterable[str]) -> None:
    """Refuse what is no option of a turn, as Python refuses an argument.

    Raises:
        TypeError: One is none.
    """
    for name in names:
        if name not in TurnOptions.__annotations__:
            near = difflib.get_close_matches(
                name, (*RunOptions.__annotations__, "output_schema", "output_type"), 1
            )
            meant = f". Did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"a turn got an unexpected keyword argument {name!r}{meant}")
