"""Who is asked: the handlers of threads and of the client, queues, and threads that are being opened.

A request goes to the first of these that is there: the handler of its thread, those of the threads that it
descends from (the model can start sub-agents), the client's, a queue that wants it. Owns also which threads
ask this program for approvals. Plain data; `Serving` has the lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..requests import CommandApproval, FileChangeApproval, PermissionsApproval
from ..requests._automatic import AutomaticRequest

if TYPE_CHECKING:
    from ..requests import ServerRequest
    from .handlers import Handler
    from .queue import RequestQueue


# What a thread asks because of `ApprovalMode.ask`.
_APPROVALS = (CommandApproval, FileChangeApproval, PermissionsApproval)


def lineage(request: ServerRequest) -> tuple[str, ...]:
    """The request's thread and those that it descends from, the nearest first."""
    own = () if request.thread_id is None else (request.thread_id,)
    return (*own, *request.ancestors)


class Opening:
    """A thread that is being started, resumed or forked, with the handler that it is to have.

    Args:
        handler: Its handler.
        thread_id: Its id, where that is known before: of one that is resumed.
        asks: Whether it asks this program unless that is changed: as the thread does that it is forked from.
    """

    def __init__(self, handler: Handler | None, thread_id: str | None, asks: bool) -> None:
        self.handler = handler
        self.thread_id = thread_id
        self.asks = asks


class Roster:
    """Who answers the requests of one client's runtime."""

    def __init__(self, client_handler: Handler | None) -> None:
        self.client_handler = client_handler
        # By thread; with None for one that was opened without a handler.
        self._threads: dict[str, Handler | None] = {}
        self._asking: set[str] = set()
        self.queues: list[RequestQueue] = []
        self.openings: list[Opening] = []

    @property
    def serves(self) -> bool:
        """Whether anybody would be asked."""
        by_threads = any(handler is not None for handler in self._threads.values())
        return bool(self.client_handler or self.queues or self.openings or by_threads)

    def adopt(self, thread_id: str, handler: Handler | None, asks: bool | None) -> None:
        """A thread is there, with this handler if one was given. One that it has already stays else."""
        if handler is not None:
            self._threads[thread_id] = handler
        self._threads.setdefault(thread_id, None)
        self.note_asking(thread_id, asks)

    def forget(self, thread_id: str) -> None:
        """A thread is gone."""
        self._threads.pop(thread_id, None)
        self._asking.discard(thread_id)

    def of_thread(self, thread_id: str) -> Handler | None:
        """A thread's own handler; of one that is being resumed, the handler that it is to have."""
        for opening in self.openings:
            if opening.thread_id == thread_id:
                return opening.handler
        return self._threads.get(thread_id)

    def handler_of(self, request: ServerRequest) -> Handler | None:
        """The handler that is asked, if one is."""
        found = (self.of_thread(thread_id) for thread_id in lineage(request))
        return next((handler for handler in found if handler is not None), self.client_handler)

    def queue_of(self, request: ServerRequest) -> RequestQueue | None:
        """The queue that wants it, if one does."""
        # A copy: a queue that nobody holds any more may be taken out at any moment, by the collector.
        wants = (each for each in tuple(self.queues) if each.wants(type(request), lineage(request)))
        return next(wants, None)

    def is_known(self, request: ServerRequest) -> bool:
        """Whether its thread, or one that it descends from, was opened here."""
        return any(each in self._threads for each in lineage(request))

    def awaited(self, request: ServerRequest) -> list[Opening]:
        """The openings whose thread may be the request's: it is of a thread that is not known yet.

        That has no turn before whoever starts it has its id. What remains is the form of an MCP server that
        starts with the thread, or the approval of a runtime that names no turns. The automatic ones have a
        deadline.
        """
        is_new = request.thread_id is not None and request.turn_id is None and not self.is_known(request)
        if not is_new or isinstance(request, AutomaticRequest):
            return []
        return [opening for opening in self.openings if opening.thread_id is None]

    def note_asking(self, thread_id: str, asks: bool | None) -> None:
        """From now on a thread asks this program, or does not; None leaves it as it is."""
        if asks is not None:
            (self._asking.add if asks else self._asking.discard)(thread_id)

    def is_asking(self, thread_id: str) -> bool:
        """Whether a thread asks this program, as far as this client has chosen that."""
        return thread_id in self._asking

    def is_served(self, thread_id: str) -> bool:
        """Whether somebody would answer a thread's approvals."""
        if self.of_thread(thread_id) is not None or self.client_handler is not None:
            return True
        queues = tuple(self.queues)
        return any(queue.wants(kind, (thread_id,)) for queue in queues for kind in _APPROVALS)
