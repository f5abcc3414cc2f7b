"""The requests about goals, and the refusals of those that cannot be made.

Owns what a goal is on the wire and by which notifications it is followed. What they come to is in
`_incoming.goals`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from .. import types
from .._incoming import decoding
from ..errors import InvalidInputError, InvalidRequestError, TurnNotRunningError
from .choices import choice_of
from .params import options
from .requests import Request
from .stream_requests import Errand

# What a goal is followed by.
NEWS = [
    "turn/started",
    "turn/completed",
    "thread/goal/updated",
    "thread/goal/cleared",
    "thread/archived",
    "thread/deleted",
    "thread/closed",
]


# What asks for the output of a goal that is reached.
REPORT = "The goal is reached. Report its result."

_INVALID = -32600

_status = choice_of("ThreadGoalStatus")


def change(
    thread_id: str,
    *,
    objective: str | None = None,
    status: types.ThreadGoalStatus | str | None = None,
    token_budget: int | None = None,
) -> Request[types.ThreadGoalSetResponse]:
    """The request that sets a goal, or changes a part of it."""
    given = options(objective=objective, token_budget=token_budget)
    if status is not None:
        given["status"] = _status("status", status)
    return Request("thread/goal/set", {"threadId": thread_id, **given}, decoding.answer)


def activate(
    thread_id: str, objective: str, token_budget: int | None
) -> Request[types.ThreadGoalSetResponse]:
    """The request after which the runtime works towards a goal."""
    return change(thread_id, objective=objective, status="active", token_budget=token_budget)


def clear(thread_id: str) -> Request[types.ThreadGoalClearResponse]:
    """The request that takes a goal back."""
    return Request("thread/goal/clear", {"threadId": thread_id}, decoding.answer)


def pause(thread_id: str) -> Request[types.ThreadGoalSetResponse]:
    """The request after which the runtime starts no more turns for a goal."""
    return change(thread_id, status="paused")


def pause_errand(thread_id: str) -> Errand:
    """`pause` as the native side sends it when nobody is there to do it."""
    request = pause(thread_id)
    return request.method, json.dumps(request.params).encode()


def refuse_if_deaf(opted_out: Collection[str]) -> None:
    """Refuse a client that does not hear how a goal goes on.

    Raises:
        InvalidInputError: It has opted out of what a goal is followed by.
    """
    missing = {*NEWS} & {*opted_out}
    if missing:
        raise InvalidInputError(
            f"A goal cannot be followed without {' and '.join(sorted(missing))}: take this out of "
            "CodexConfig.opt_out_notifications."
        )


def refuse_unless_ready(answer: types.ThreadReadResponse) -> None:
    """Refuse a thread on which a goal cannot be set.

    Raises:
        InvalidRequestError: It is not stored, or does something.
    """
    thread = answer.thread
    # A newer runtime may say either in another way: then it is the runtime's to refuse.
    if getattr(thread, "ephemeral", False) is True:
        raise refusal(
            f"thread must be persisted before starting a goal: {thread.id}",
            "start the thread without ephemeral=True",
        )
    status = getattr(getattr(thread, "status", None), "root", None)
    if getattr(status, "type", "idle") == "active":
        raise busy(thread.id)


def refusal(message: str, hint: str) -> InvalidRequestError:
    """What the runtime would say if it knew what this package knows."""
    error = InvalidRequestError(_INVALID, message)
    error.hint = hint
    return error


def not_running(message: str, hint: str) -> TurnNotRunningError:
    """The same about a goal that is over."""
    error = TurnNotRunningError(_INVALID, message)
    error.hint = hint
    return error


def busy(thread_id: str) -> InvalidRequestError:
    """The refusal of a goal on a thread where another one goes on, or a turn is being started."""
    return refusal(
        f"thread must be idle before starting a goal: {thread_id}",
        "wait for its turn or goal to end, or interrupt it",
    )


_FOUND = re.compile(r"expected active turn id `?[^` ]*`? but found `?([^` ]+)`?")


def active_turn(error: InvalidRequestError) -> str | None:
    """The turn that runs instead of the one that was named, if the runtime's refusal says so."""
    found = _FOUND.search(error.message)
    return found[1] if found else None
