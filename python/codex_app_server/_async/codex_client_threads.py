"""The low-level client's calls about threads: a part of it. Thin: `_outgoing` has the requests."""

from __future__ import annotations

from typing import Any

from .. import types
from .._outgoing import low_level_requests
from ..models import JsonObject
from .runtime import AsyncRuntime


class AsyncCodexClientThreads:
    """A base of the low-level client."""

    _runtime: AsyncRuntime

    async def _ask(self, method: str, params: Any = None, /, *, timeout_s: float | None, **named: Any) -> Any:
        return await self._runtime.request(low_level_requests.request(method, params, **named), timeout_s)

    async def thread_start(
        self, params: types.ThreadStartParams | JsonObject | None = None, *, timeout_s: float | None = None
    ) -> types.ThreadStartResponse:
        """Start a thread with these params by the wire's names."""
        answer: types.ThreadStartResponse = await self._ask("thread/start", params, timeout_s=timeout_s)
        return answer

    async def thread_resume(
        self,
        thread_id: str,
        params: types.ThreadResumeParams | JsonObject | None = None,
        *,
        timeout_s: float | None = None,
    ) -> types.ThreadResumeResponse:
        """Load a stored thread, to go on with it."""
        answer: types.ThreadResumeResponse = await self._ask(
            "thread/resume", params, threadId=thread_id, timeout_s=timeout_s
        )
        return answer

    async def thread_fork(
        self,
        thread_id: str,
        params: types.ThreadForkParams | JsonObject | None = None,
        *,
        timeout_s: float | None = None,
    ) -> types.ThreadForkResponse:
        """Start a new thread from the history of a stored one."""
        answer: types.ThreadForkResponse = await self._ask(
            "thread/fork", params, threadId=thread_id, timeout_s=timeout_s
        )
        return answer

    async def thread_list(
        self, params: types.ThreadListParams | JsonObject | None = None, *, timeout_s: float | None = None
    ) -> types.ThreadListResponse:
        """One page of the stored threads."""
        answer: types.ThreadListResponse = await self._ask("thread/list", params, timeout_s=timeout_s)
        return answer

    async def thread_read(
        self, thread_id: str, include_turns: bool = False, *, timeout_s: float | None = None
    ) -> types.ThreadReadResponse:
        """The thread as it is stored, on request with all turns and their items."""
        answer: types.ThreadReadResponse = await self._ask(
            "thread/read", threadId=thread_id, includeTurns=include_turns, timeout_s=timeout_s
        )
        return answer

    async def thread_archive(
        self, thread_id: str, *, timeout_s: float | None = None
    ) -> types.ThreadArchiveResponse:
        """Move a stored thread to the archive."""
        answer: types.ThreadArchiveResponse = await self._ask(
            "thread/archive", threadId=thread_id, timeout_s=timeout_s
        )
        return answer

    async def thread_unarchive(
        self, thread_id: str, *, timeout_s: float | None = None
    ) -> types.ThreadUnarchiveResponse:
        """Bring a thread back from the archive."""
        answer: types.ThreadUnarchiveResponse = await self._ask(
            "thread/unarchive", threadId=thread_id, timeout_s=timeout_s
        )
        return answer

    async def thread_set_name(
        self, thread_id: str, name: str, *, timeout_s: float | None = None
    ) -> types.ThreadSetNameResponse:
        """Name a thread."""
        answer: types.ThreadSetNameResponse = await self._ask(
            "thread/name/set", threadId=thread_id, name=name, timeout_s=timeout_s
        )
        return answer

    async def thread_compact(
        self, thread_id: str, *, timeout_s: float | None = None
    ) -> types.ThreadCompactStartResponse:
        """Start to replace a thread's history by a summary. Returns when that has begun."""
        answer: types.ThreadCompactStartResponse = await self._ask(
            "thread/compact/start", threadId=thread_id, timeout_s=timeout_s
        )
        return answer

    async def model_list(
        self, include_hidden: bool = False, *, timeout_s: float | None = None
    ) -> types.ModelListResponse:
        """The models that can be used, on request with those that menus do not show."""
        answer: types.ModelListResponse = await self._ask(
            "model/list", includeHidden=include_hidden, timeout_s=timeout_s
        )
        return answer
