"""Who is asked: tools, the handlers of threads and of the client, queues, and threads that are being opened.

A request goes to the first of these that is there: the tool that it calls, the handler of its thread, those
of the threads that it descends from (the model can start sub-agents), the client's, a queue that wants it.
Tools are looked for in the same order. Owns also which threads ask this program for approvals. Plain data;
`Serving` has the lock.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..requests import CommandApproval, FileChangeApproval, PermissionsApproval, ServerRequest, ToolCall
from ..requests._automatic import AutomaticRequest
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
        tools: What answers its calls of tools, by their names.
    """

    def __init__(
        self, handler: Handler | None, thread_id: str | None, asks: bool, tools: Mapping[str, Handler]
    ) -> None:
        self.handler = handler
        self.tools = tools
        self.thread_id = thread_id
        self.asks = asks

    @property
    def serves(self) -> bool:
        """Whether it brings somebody who is asked."""
        return self.handler is not None or bool(self.tools)


class Roster:
    """Who answers the requests of one client's runtime."""

    def __init__(self, client_handler: Handler | None) -> None:
        self.client_handler = client_handler
        self.client_tools: Mapping[str, Handler] = {}
        # By thread, of those that have any.
        self._tools: dict[str, Mapping[str, Handler]] = {}
        # By thread; with None for one that was opened without a handler.
        self._threads: dict[str, Handler | None] = {}
        self._asking: set[str] = set()
        self.queues: list[RequestQueue] = []
        self.openings: list[Opening] = []

    @property
    def serves(self) -> bool:
        """Whether anybody would be asked."""
        by_threads = any(handler is not None for handler in self._threads.values())
        by_tools = self.client_tools or self._tools
        return bool(self.client_handler or by_tools or self.queues or self.openings or by_threads)

    def adopt(
        self, thread_id: str, handler: Handler | None, asks: bool | None, tools: Mapping[str, Handler]
    ) -> None:
        """A thread is there, with this handler and tools if they were given. Else those that it has stay."""
        if handler is not None:
            self._threads[thread_id] = handler
        if tools:
            self._tools[thread_id] = {**self.tools_of(thread_id), **tools}
        self._threads.setdefault(thread_id, None)
        self.note_asking(thread_id, asks)

    def forget(self, thread_id: str) -> None:
        """A thread is gone."""
        self._threads.pop(thread_id, None)
        self._tools.pop(thread_id, None)
        self._asking.discard(thread_id)

    def of_thread(self, thread_id: str) -> Handler | None:
        """A thread's own handler; of one that is being resumed, the handler that it is to have."""
        for opening in self.openings:
            if opening.thread_id == thread_id and opening.handler is not None:
                return opening.handler
        return self._threads.get(thread_id)

    def tools_of(self, thread_id: str) -> Mapping[str, Handler]:
        """A thread's own tools; of one that is being resumed, with those that it is to have."""
        resumed = [opening.tools for opening in self.openings if opening.thread_id == thread_id]
        own = self._tools.get(thread_id, {})
        return {**own, **resumed[0]} if resumed else own

    def _tool_of(self, request: ServerRequest) -> Handler | None:
        if not isinstance(request, ToolCall) or request.namespace is not None:
            return None
        owners = (*map(self.tools_of, lineage(request)), self.client_tools)
        return next((tools[request.tool] for tools in owners if request.tool in tools), None)

    def handler_of(self, request: ServerRequest) -> Handler | None:
        """The tool or handler that is asked, if one is."""
        tool = self._tool_of(request)
        if tool is not None:
            return tool
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
