"""The model's HTTP side: an aiohttp application on 127.0.0.1 that records requests and plays answers to them.

Runs in the server's process, inside its one event loop, and only there. It decides nothing: answers come from
`decide`, and what is held back waits at the gate.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

from aiohttp import web

from ._gate import Gate
from ._strict import refusal
from ._wire import Send, steps
from .answers import Answer
from .endings import Disconnect, HttpFailure
from .errors import MissingRequestsError, ScriptError
from .parts import Pause, Stall
from .requests import ModelRequest
from .script import Playbook, script_failure

# 1,000 connections may come at once; with the default of 128 the kernel would let some of them retry after a
# second.
_BACKLOG = 4096

Asker = Callable[[ModelRequest], Awaitable[Answer]]


class ModelServer:
    """Serves `POST …/responses` and `GET …/models`.

    Args:
        playbook: The script, or `None` to put each request to `ask`.
        ask: Puts a request to the user's process.
    """

    def __init__(self, playbook: Playbook | None, ask: Asker) -> None:
        self.gate = Gate()
        self.requests: list[ModelRequest] = []
        self.aborted: list[int] = []
        self._playbook = playbook
        self._ask = ask
        self._news: set[asyncio.Event] = set()

    async def start(self) -> int:
        """Listen on a free port of 127.0.0.1; the port."""
        application = web.Application(client_max_size=sys.maxsize)
        application.router.add_post("/v1/responses", self._respond)
        application.router.add_get("/v1/models", self._models)
        application.router.add_route("*", "/{path:.*}", self._unknown)
        # Without cancellation the answer to a turn that was interrupted would go on waiting for ever.
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=_BACKLOG)
        await site.start()
        port: int = runner.addresses[0][1]
        return port

    def reset(self, playbook: Playbook | None) -> None:
        """Forget the requests, let everything held go, and play `playbook` from now on."""
        self._playbook = playbook
        # New lists: what still comes of an earlier request is not counted among those from now on.
        self.requests, self.aborted = [], []
        self.gate.release(None, None)

    async def wait_for_requests(self, count: int, timeout_s: float) -> None:
        """Wait until `count` requests have arrived since the start or the last reset.

        Raises:
            MissingRequestsError: They did not within `timeout_s` seconds.
        """
        if not await self._within(timeout_s, lambda: len(self.requests) >= count):
            raise MissingRequestsError(
                f"{len(self.requests)} of {count} requests arrived at the offline model within "
                f"{timeout_s:g} s (prompts: {self._prompts(self.requests)})"
            )

    async def wait_for_aborts(self, count: int, timeout_s: float) -> None:
        """Wait until `count` requests have been aborted since the start or the last reset.

        Raises:
            MissingRequestsError: They were not within `timeout_s` seconds.
        """
        if not await self._within(timeout_s, lambda: len(self.aborted) >= count):
            others = [request for request in self.requests if request.number not in self.aborted]
            raise MissingRequestsError(
                f"{len(self.aborted)} of {count} requests to the offline model were aborted within "
                f"{timeout_s:g} s (prompts of the others: {self._prompts(others)})"
            )

    async def _within(self, timeout_s: float, reached: Callable[[], bool]) -> bool:
        """Whether this is true within the time; it is asked again after whatever happens here."""
        news = asyncio.Event()
        self._news.add(news)

        async def wait() -> None:
            while not reached():
                news.clear()
                await news.wait()

        try:
            await asyncio.wait_for(wait(), timeout_s)
        except asyncio.TimeoutError:
            return False
        finally:
            self._news.discard(news)
        return True

    def _tell(self) -> None:
        for news in self._news:
            news.set()

    @staticmethod
    def _prompts(requests: list[ModelRequest]) -> str:
        return ", ".join(repr(request.prompt) for request in requests[:10]) or "none"

    async def _respond(self, http: web.Request) -> web.StreamResponse:
        content = await http.read()
        headers = {name.lower(): value for name, value in http.headers.items()}
        request = ModelRequest(len(self.requests) + 1, http.path_qs, headers, content)
        try:
            request.prompt  # noqa: B018 - parses the body, and keeps only this of it
        except ValueError as error:
            return _error(400, f"The request's body is not a JSON object: {error}", "invalid_request_error")
        self.requests.append(request)
        self._tell()
        aborted = self.aborted
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        try:
            # Between the record and the gate nothing may suspend: who has seen the request arrive may release
            # it. So a playbook answers at arrival, in its order, and a responder is asked after the gate.
            if (refused := refusal(request)) is not None:
                # No model is asked then, so it takes no answer of the script.
                answer = refused
                await self.gate.enter(request)
            elif self._playbook is not None:
                answer = _played(self._playbook, request)
                await self.gate.enter(request)
            else:
                await self.gate.enter(request)
                answer = await self._ask(request)
            return await self._play(http, request, answer, response)
        except (asyncio.CancelledError, ConnectionError) as error:
            # A runtime whose turn was interrupted hangs up, which is seen in a wait or in a write.
            aborted.append(request.number)
            self._tell()
            if isinstance(error, asyncio.CancelledError):
                raise
            return response

    async def _play(
        self, http: web.Request, request: ModelRequest, answer: Answer, response: web.StreamResponse
    ) -> web.StreamResponse:
        limits = {} if answer.rate_limits is None else answer.rate_limits.headers
        response.headers.update(limits)
        pending = bytearray()

        async def flush() -> None:
            if pending:
                if not response.prepared:
                    await response.prepare(http)
                await response.write(bytes(pending))
                pending.clear()

        for step in steps(answer, request.number, request.prompt):
            if isinstance(step, Send):
                # One write between two waits: per-event writes cost a system call each and say nothing more.
                pending += step.data
                continue
            await flush()
            if isinstance(step, Pause):
                await asyncio.sleep(step.delay_s)
            elif isinstance(step, Stall):
                await self.gate.stall(request)
            elif isinstance(step, HttpFailure):
                failed = _failure(step)
                failed.headers.update(limits)
                return failed
            elif isinstance(step, Disconnect):
                if http.transport is not None:
                    http.transport.close()
                return response
        await flush()
        return response

    async def _models(self, _: web.Request) -> web.Response:
        # `data` is what API clients read. The runtime reads `models`; an empty list leaves its own catalogue
        # as it is.
        entry = {"id": "offline", "object": "model", "created": 0, "owned_by": "codex_app_server.testing"}
        return web.json_response({"object": "list", "data": [entry], "models": []})

    async def _unknown(self, http: web.Request) -> web.Response:
        return _error(404, f"The offline model does not serve {http.method} {http.path}", "not_found")


def _played(playbook: Playbook, request: ModelRequest) -> Answer:
    try:
        return playbook.answer(request)
    except ScriptError as error:
        return script_failure(str(error))


def _failure(failure: HttpFailure) -> web.Response:
    response = _error(failure.status, failure.message, failure.type, failure.code, failure.param)
    if failure.retry_after_s is not None:
        response.headers["Retry-After"] = f"{failure.retry_after_s:g}"
    return response


def _error(
    status: int, message: str, kind: str | None, code: str | None = None, param: str | None = None
) -> web.Response:
    body = {"error": {"message": message, "type": kind, "code": code, "param": param}}
    return web.Response(status=status, text=json.dumps(body), content_type="application/json")
