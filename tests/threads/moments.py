"""Something that comes between any two bytecodes, as a signal handler or a finalizer does, at each of them.

The interpreter's trace function stands for it: it, too, runs between two bytecodes on the stack of the code
that it interrupts. So every order of the two is tried, where two threads would have to be lucky.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import codex_app_server

PACKAGE = str(Path(codex_app_server.__file__).parent)

CaseT = TypeVar("CaseT")


def at_each_moment(
    make: Callable[[], CaseT], work: Callable[[CaseT], Any], intrude: Callable[[CaseT], Any]
) -> Iterator[tuple[CaseT, Any, Any]]:
    """New cases, what `work` made of each, and what `intrude` did before one of the package's bytecodes.

    An exception of either is what it made.
    """
    moment = 0
    while True:
        case = make()
        found, intruded = _interrupted(partial(work, case), partial(intrude, case), moment)
        if not intruded:
            assert moment > 10, "nothing of the package was run"
            return
        yield case, found, intruded[0]
        moment += 1


def _interrupted(work: Callable[[], Any], intrude: Callable[[], Any], moment: int) -> tuple[Any, list[Any]]:
    intruded: list[Any] = []
    passed = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal passed
        if not frame.f_code.co_filename.startswith(PACKAGE) or intruded:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            if passed == moment:
                intruded.append(_outcome(intrude))
            passed += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        found = _outcome(work)
    finally:
        sys.settrace(before)
    return found, intruded


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        return error
