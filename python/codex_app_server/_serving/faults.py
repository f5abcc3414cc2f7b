"""What handlers have done wrong, kept for whoever waits for the turn that has asked."""

from __future__ import annotations

import itertools
from collections import deque

from ..errors import RequestHandlerError

_MOST = 1024


class Faults:
    """The last faults of one client's handlers, with their numbers."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._last = 0
        self._kept: deque[tuple[int, RequestHandlerError]] = deque(maxlen=_MOST)

    def add(self, fault: RequestHandlerError) -> None:
        """Keep one."""
        self._last = next(self._numbers)
        self._kept.append((self._last, fault))

    def discard(self, fault: RequestHandlerError) -> None:
        """Take one back that was none."""
        for numbered in list(self._kept):
            if numbered[1] is fault:
                self._kept.remove(numbered)

    def mark(self) -> int:
        """Now, to be given as `since`."""
        return self._last

    def of_turn(self, thread_id: str, turn_id: str, since: int) -> tuple[RequestHandlerError, ...]:
        """Those of a turn and its sub-agents, and those since then of its thread that name no turn."""

        def concerns(number: int, fault: RequestHandlerError) -> bool:
            if fault.turn_id is None:
                return number > since and _is_of_thread(fault, thread_id)
            return turn_id in (fault.turn_id, fault.root_turn_id)

        return tuple(fault for number, fault in list(self._kept) if concerns(number, fault))

    def of_thread(self, thread_id: str, since: int) -> tuple[RequestHandlerError, ...]:
        """Those since then of a thread and its sub-agents."""
        kept = list(self._kept)
        return tuple(fault for number, fault in kept if number > since and _is_of_thread(fault, thread_id))


def _is_of_thread(fault: RequestHandlerError, thread_id: str) -> bool:
    # What names no thread (tokens, attestations) concerns them all.
    return fault.thread_id is None or thread_id in (fault.thread_id, *fault.ancestors)
