"""What checkers are told of a turn's options is what the methods take."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from codex_app_server import AsyncThread, Thread
from codex_app_server._outgoing import params, requests
from codex_app_server._outgoing.turn_options import RunOptions, TurnOptions

# These tell the overloads apart.
_OF_THE_RESULT = {"self", "input", "output_schema", "output_type"}


def _options(kind: type) -> dict[str, Any]:
    annotations: dict[str, Any] = {}
    for base in reversed(kind.__orig_bases__ if hasattr(kind, "__orig_bases__") else ()):
        annotations |= getattr(base, "__annotations__", {})
    return {
        name: getattr(value, "__forward_arg__", value)
        for name, value in (annotations | kind.__annotations__).items()
    }


@pytest.mark.parametrize("thread", [Thread, AsyncThread])
@pytest.mark.parametrize(("method", "options"), [("run", RunOptions), ("turn", TurnOptions)])
def test_the_options_are_those_of_the_method(thread: type, method: str, options: type) -> None:
    parameters = inspect.signature(getattr(thread, method)).parameters
    assert not [name for name, each in parameters.items() if each.kind is each.VAR_KEYWORD]
    taken = {name: each.annotation for name, each in parameters.items() if name not in _OF_THE_RESULT}
    assert _options(options) == taken


def test_every_option_is_described_and_has_a_place_on_the_wire() -> None:
    """A new one stands in the table of its types and in that of its form on the wire, and nowhere else."""
    described = inspect.getdoc(AsyncThread.turn) or ""  # before Python 3.13 the text itself is indented
    elsewhere = {"approval_mode", "approval_policy", "approvals_reviewer", "sandbox", "sandbox_policy"}
    for name in set(TurnOptions.__annotations__) - {"timeout_s"}:
        assert f"\n    {name}: " in described
        assert name in elsewhere or name in params._OPTIONS


@pytest.mark.parametrize(("name", "meant"), [("efort", "effort"), ("timeout", "timeout_s")])
def test_a_near_name_is_told(name: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"Did you mean '{meant}'"):
        requests.turn_start("t", "Go.", **{name: "x"})


@pytest.mark.parametrize("name", ["efort", "archived"])
def test_what_is_no_option_is_refused_as_an_argument_that_there_is_not(name: str) -> None:
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
        requests.turn_start("t", "Go.", **{name: "x"})
