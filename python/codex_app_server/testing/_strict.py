"""Refuses a request for a strict output format whose schema breaks the service's rules, as the service does.

Called by the server for each request as it arrives. The rules stand in `_output_types.rules` and nowhere
else; this finds the schema in a request and puts its first problem in the service's words.
"""

from __future__ import annotations

from .._output_types import rules
from .answers import Answer
from .endings import HttpFailure
from .requests import ModelRequest

# A body has some 50 kB, and few ask for a format: only those are parsed once more.
_MARK = b'"json_schema"'


def refusal(request: ModelRequest) -> Answer | None:
    """The service's answer to a request whose strict schema it would refuse; None for all others."""
    if _MARK not in request.content:
        return None
    text = request.body.get("text")
    wanted = text.get("format") if isinstance(text, dict) else None
    if (
        not isinstance(wanted, dict)
        or wanted.get("type") != "json_schema"
        or wanted.get("strict") is not True
    ):
        return None
    problem = next(rules.problems(wanted.get("schema")), None)
    if problem is None:
        return None
    return Answer(
        HttpFailure(
            400,
            f"Invalid schema for response_format '{wanted.get('name')}': {described(problem)}",
            type="invalid_request_error",
            code="invalid_json_schema",
            param="text.format.schema",
        )
    )


def described(problem: rules.Problem) -> str:
    """A problem with its place, which is a tuple in the service's messages, also at the root: `()`."""
    place, reason = problem
    return reason if place is None else f"In context={place!r}, {reason}"
