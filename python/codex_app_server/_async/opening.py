"""From a request that starts, loads or forks a thread to the thread's handle.

Owns the order of what that takes: who answers what the thread asks, whether it is as it was asked to be, and
that a call that fails leaves no thread behind. Called by the client.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from .._concurrency.deadline import Deadline
from .._incoming.decoding import Opened
from .._incoming.stored_tools import stored_tools
from .._outgoing import requests
from .._outgoing.requests import Request
from .._serving.handlers import Handler
from ..errors import InvalidInputError
from ..requests import AsyncOnRequest
from .resuming import AsyncResuming
from .runtime import AsyncRuntime
from .settings import is_loaded, settle
from .thread import AsyncThread

logger = logging.getLogger("codex_app_server")


async def require_tools(
    runtime: AsyncRuntime, thread_id: str, tools: Mapping[str, Handler], deadline: Deadline
) -> None:
    """Refuse tools that would never be called on a thread.

    Args:
        runtime: The runtime.
        thread_id: A thread that is to be resumed or forked.
        tools: The program's functions, by name.
        deadline: That of the call.

    Raises:
        InvalidInputError: One is none that the thread was started with. Nothing was done.
    """
    missing = {*tools} - runtime.serving.tools_of(thread_id)
    if not missing:
        return
    read = await runtime.ask(requests.thread_read(thread_id, include_turns=False), deadline)
    stored = stored_tools(getattr(read.thread, "path", None))
    if stored is None:
        logger.warning("Whether thread %s has the tools %s cannot be told", thread_id, sorted(missing))
    elif missing - stored:
        names = ", ".join(sorted(missing - stored))
        raise InvalidInputError(
            f"Thread {thread_id} was started without {names}, and the runtime takes tools at the start "
            "of a thread only: give them to thread_start()."
        )


async def open_thread(
    runtime: AsyncRuntime,
    request: Request[Opened],
    deadline: Deadline,
    on_request: AsyncOnRequest | None = None,
    asking: bool | None = None,
    tools: Mapping[str, Handler] | None = None,
    *,
    resumes: str | None = None,
    forks: str | None = None,
) -> AsyncThread:
    """The thread of a request that starts, loads or forks one, as it was asked to be.

    Args:
        runtime: Whom to ask.
        request: The request.
        deadline: That of the call.
        on_request: Who answers what the thread asks.
        asking: Whether it is to ask this program; None where the request does not say.
        tools: The program's functions for it, by name.
        resumes: The id of the thread that is resumed.
        forks: The id of the one that is forked.

    Raises:
        JsonRpcError: The runtime refused.
        SettingsNotAppliedError: The thread is not as it was asked to be.
        TransportClosedError: The connection ended first.
    """
    serving, handler = runtime.serving, runtime.handlers.of(on_request)
    opening = serving.opening(handler, tools or {}, resumes=resumes, forks=forks)

    def made(thread: Opened) -> AsyncThread:
        # What was chosen need not be what holds: the start's default may be ruled out.
        differs = thread.asks is not None and thread.asks is not asking
        serving.opened(opening, thread.id, None if differs else asking)
        return AsyncThread(runtime, thread.id)

    # A resume finds out whether the thread is loaded, so no other one comes between.
    resuming, limit_s = None, runtime.config.request_timeout_s
    if resumes is not None:
        resuming = AsyncResuming(runtime.resumes, resumes, deadline, limit_s)
    try:
        if resuming is not None:
            await resuming.begin()
        serving.begin_opening(opening)
        connection = await runtime.start(deadline)
        was_loaded = resumes is not None and await is_loaded(connection, request, resumes, deadline)
        call, answer = await connection.open_thread(request, deadline)
        try:
            answer = await settle(connection, request, answer, runtime.place, deadline, was_loaded=was_loaded)
            # Made before the runtime's answer is settled: a Ctrl-C in between leaves no thread behind. So
            # nothing is done after that.
            thread = made(answer)
            if resuming is not None:
                resuming.end()
            return call.hand_over(thread)
        except BaseException:
            call.abandon()
            raise
    except BaseException as error:
        serving.end_opening(opening)
        if resuming is not None:
            resuming.end(error)
        raise
