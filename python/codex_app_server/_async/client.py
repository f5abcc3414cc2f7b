"""`AsyncCodex`: one client of one runtime. Thin: it names arguments, `_outgoing` describes requests."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar, overload

from .. import types
from .._concurrency.deadline import Deadline
from .._incoming.bound import Bound
from .._launch.config import CodexConfig
from .._outgoing import requests
from .._outgoing.approval_mode import ApprovalMode, asks
from .._outgoing.sandbox import Sandbox
from .._package import late
from .._package.late import pydantic
from .._serving.serving import MOST_AT_ONCE
from ..errors import InvalidInputTypeError
from ..generated.literals import (
    ApprovalModeLiteral,
    ApprovalsReviewerLiteral,
    AskForApprovalLiteral,
    PersonalityLiteral,
    SandboxLiteral,
    SortDirectionLiteral,
    ThreadSortKeyLiteral,
    ThreadSourceKindLiteral,
    ThreadStartSourceLiteral,
)
from ..requests import AsyncOnRequest
from .accounts import AsyncAccounts
from .client_requests import AsyncClientRequests
from .client_streams import AsyncClientStreams
from .official import AsyncOfficial
from .opening import open_thread, require_tools
from .paging import named, stored_threads
from .runtime import AsyncRuntime
from .thread import AsyncThread

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound="pydantic.BaseModel")
CodexT = TypeVar("CodexT", bound="AsyncCodex")


class AsyncCodex(AsyncOfficial, AsyncAccounts, AsyncClientRequests, AsyncClientStreams, Bound):
    """A client with a Codex runtime of its own.

    Async form of `Codex`. The sync client starts its runtime when it is made, the async one when it is
    entered or first used. Closing it, or leaving the block, ends the runtime.

    Args:
        config: How to launch the runtime; by default the packaged one.
        on_request: Answers what the runtime asks: it gets one of the objects of `codex_app_server.requests`
            and calls one of its methods. It may take its time and call this client. What it does not answer
            is refused. Approvals come to it from threads with `ApprovalMode.ask`. Here it may be a coroutine
            function.
        max_concurrent_requests: How many requests of one conversation are handled at once, calls of tools
            counted by themselves; 1 for a handler that asks in a terminal.
        tools: Functions that the agent may call, on all threads that this client starts, and on those that it
            resumes and that had tools of these names from their start. Here they may be coroutine functions.

    Example:
        >>> async def main():
        ...     async with AsyncCodex() as codex:
        ...         thread = await codex.thread_start()
        ...         result = await thread.run("Say hello.")
        ...         print(result.final_response)
    """

    def __init__(
        self,
        config: CodexConfig | None = None,
        *,
        on_request: AsyncOnRequest | None = None,
        max_concurrent_requests: int = MOST_AT_ONCE,
        tools: Iterable[Callable[..., Any]] = (),
    ) -> None:
        if config is not None and not isinstance(config, CodexConfig):
            raise InvalidInputTypeError(f"config must be a CodexConfig, not {type(config).__name__}.")
        self._runtime = AsyncRuntime(config or CodexConfig(), on_request, max_concurrent_requests)
        self._runtime.serve(self, AsyncCodex._over, tools)
        # sync only: self._runtime.start()

    @staticmethod
    def _over(runtime: AsyncRuntime) -> AsyncCodex:
        """Another client of a runtime whose own is gone."""
        client = AsyncCodex.__new__(AsyncCodex)
        client._runtime = runtime
        return client

    async def __aenter__(self: CodexT) -> CodexT:
        await self._ensure_initialized()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    _in_place_of_a_copy = "Make a client in each process; a stored thread can be resumed there by its id."

    def _standing(self) -> str:
        return self._runtime.standing()

    async def close(self) -> None:
        """End the runtime and wait until it is gone. Idempotent.

        Whatever still waits for the runtime, here or in another task, gets ClientClosedError.
        """
        await self._runtime.aclose()

    @property
    def pid(self) -> int:
        """The runtime's process id, also once it has ended.

        Raises:
            NotStartedError: It was not started yet, which only happens to async clients.
        """
        return self._runtime.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code of the runtime, or the negative number of the signal that has ended it.

        None while it runs, before it is started, and if the system has not told.
        """
        return self._runtime.exit_code

    @property
    def metadata(self) -> types.InitializeResponse:
        """What the runtime said about itself when it was started.

        Raises:
            NotStartedError: It was not started yet, which only happens to async clients.
        """
        return self._runtime.metadata

    def stats(self) -> dict[str, int]:
        """What happened on this connection so far, counted; for monitoring and for bug reports.

        Counters: `lines_read`, `bytes_read`, `malformed_lines`, `unknown_shapes`, `orphan_responses`,
        `late_responses`, `events_delivered`, `events_filtered`, `events_unclaimed`, `events_lost`,
        `bytes_lost`, `unknown_notifications`, `server_requests_refused`, `file_changes_missing`,
        `descents_forgotten`, `requests_written`, `requests_abandoned`, `errands_sent`; lines that
        `codex_app_server.wire` or `on_stderr` was too slow for: `wire_lines_lost`, `stderr_lines_lost`. As of
        now: `mailbox_bytes`, `write_queue_bytes`, `turns_routed`, `turns_starting`, `streams_routed`,
        `requests_pending`, `requests_admitted`, `requests_waiting`, `server_requests_open`. `turns_routed`
        are turns that are not over: started here, read, or of a handle that keeps events for its result.

        Raises:
            NotStartedError: The runtime was not started yet, which only happens to async clients.
        """
        return self._runtime.stats()

    @property
    def rpc(self) -> late.AsyncRpc:
        """Every request of the protocol as a typed call: `thread/turns/list` is `rpc.thread.turns.list()`.

        The calls are imported when this is first asked for.
        """
        from .rpc import AsyncRpc

        return AsyncRpc(self._runtime)

    @overload
    async def request(
        self,
        method: str,
        params: Mapping[str, Any] | pydantic.BaseModel | None = None,
        response_model: None = None,
        *,
        timeout_s: float | None = None,
    ) -> Any: ...
    @overload
    async def request(
        self,
        method: str,
        params: Mapping[str, Any] | pydantic.BaseModel | None,
        response_model: type[ModelT],
        *,
        timeout_s: float | None = None,
    ) -> ModelT: ...
    @overload
    async def request(
        self,
        method: str,
        params: Mapping[str, Any] | pydantic.BaseModel | None = None,
        *,
        response_model: type[ModelT],
        timeout_s: float | None = None,
    ) -> ModelT: ...
    async def request(
        self,
        method: str,
        params: Mapping[str, Any] | pydantic.BaseModel | None = None,
        response_model: type[pydantic.BaseModel] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Any:
        """Send any request, also one that this version does not know; `rpc` has those that it does.

        Args:
            method: The method on the wire, for example "thread/read".
            params: Its params by the wire's names, or a model of them, of which only what was set is sent.
                With None the message has none.
            response_model: What the answer is to be. With None it is returned as JSON has it.
            timeout_s: Seconds for the whole call; by default `CodexConfig.request_timeout_s`, from when it is
                written.

        Raises:
            InvalidInputError: An argument makes no sense, or the params are not JSON. Nothing was sent.
            InvalidInputTypeError: An argument has the wrong type. Nothing was sent.
            JsonRpcError: The runtime refused.
            ParseError: The answer does not fit `response_model`.
            RequestTimeoutError: No answer in time.
            TransportClosedError: The connection ended first.
        """
        return await self._runtime.request(requests.raw(method, params, response_model), timeout_s)

    async def thread_start(
        self,
        *,
        approval_mode: ApprovalMode | ApprovalModeLiteral = ApprovalMode.auto_review,
        approval_policy: types.AskForApproval | AskForApprovalLiteral | None = None,
        approvals_reviewer: types.ApprovalsReviewer | ApprovalsReviewerLiteral | None = None,
        base_instructions: str | None = None,
        config: Mapping[str, Any] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        developer_instructions: str | None = None,
        ephemeral: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        on_request: AsyncOnRequest | None = None,
        personality: types.Personality | PersonalityLiteral | None = None,
        sandbox: Sandbox | types.SandboxMode | SandboxLiteral | None = None,
        sandbox_policy: types.SandboxPolicy | None = None,
        service_name: str | None = None,
        service_tier: str | None = None,
        session_start_source: types.ThreadStartSource | ThreadStartSourceLiteral | None = None,
        thread_source: types.ThreadSource | str | None = None,
        timeout_s: float | None = None,
        tools: Iterable[Callable[..., Any]] = (),
    ) -> AsyncThread:
        """Start a new thread. What is left out is as the runtime's configuration has it.

        Args:
            approval_mode: What happens when the agent wants to leave its sandbox.
            approval_policy: The same in the protocol's own terms, in place of the mode.
            approvals_reviewer: Who decides then, in place of the mode: "user" for this program.
            base_instructions: Replaces the built-in instructions.
            config: Settings for this thread, as in config.toml.
            cwd: The thread's working directory.
            developer_instructions: Instructions besides the base ones.
            ephemeral: Whether the thread is not stored.
            model: The model.
            model_provider: Who serves it.
            on_request: Answers what this thread and its sub-agents ask, in place of the client's handler.
            personality: The tone.
            sandbox: What the agent may touch.
            sandbox_policy: The same in the protocol's own terms, in place of `sandbox`.
            service_name: The name of the service that this thread belongs to.
            service_tier: The service tier.
            session_start_source: Why the session starts.
            thread_source: Who started the thread, in the runtime's words or the program's own.
            timeout_s: Seconds for the whole call; by default `CodexConfig.request_timeout_s`, from when the
                request is written. A thread that is started too late is let go of.
            tools: Functions that the agent may call on this thread, besides those of the client; one with the
                name of such a tool takes its place.

        Raises:
            InvalidInputError: An option makes no sense. Nothing was sent.
            InvalidInputTypeError: An option has the wrong type. Nothing was sent.
            JsonRpcError: The runtime refused.
            SettingsNotAppliedError: The thread is not as it was asked to be. It is let go of.
            TransportClosedError: The connection ended first.
        """
        offered, own = self._runtime.offer(tools)
        request = requests.thread_start(
            tools=offered,
            approval_mode=approval_mode,
            approval_policy=approval_policy,
            approvals_reviewer=approvals_reviewer,
            base_instructions=base_instructions,
            config=config,
            cwd=cwd,
            developer_instructions=developer_instructions,
            ephemeral=ephemeral,
            model=model,
            model_provider=model_provider,
            personality=personality,
            sandbox=sandbox,
            sandbox_policy=sandbox_policy,
            service_name=service_name,
            service_tier=service_tier,
            session_start_source=session_start_source,
            thread_source=thread_source,
        )
        asking = asks(approval_mode, approval_policy, approvals_reviewer)
        return await open_thread(self._runtime, request, Deadline(timeout_s), on_request, asking, own)

    async def thread_list(
        self,
        *,
        archived: bool | None = None,
        cursor: str | None = None,
        cwd: str
        | os.PathLike[str]
        | Sequence[str | os.PathLike[str]]
        | types.ThreadListCwdFilter
        | None = None,
        limit: int | None = None,
        model_providers: Sequence[str] | None = None,
        search_term: str | None = None,
        section_id: str | None = None,
        sort_direction: types.SortDirection | SortDirectionLiteral | None = None,
        sort_key: types.ThreadSortKey | ThreadSortKeyLiteral | None = None,
        source_kinds: Sequence[types.ThreadSourceKind | ThreadSourceKindLiteral] | None = None,
        use_state_db_only: bool | None = None,
        timeout_s: float | None = None,
    ) -> types.ThreadListResponse:
        """One page of the stored threads.

        Args:
            archived: True for archived threads only, False for the others only.
            cursor: `next_cursor` of the page before.
            cwd: Only threads of this directory, or of these.
            limit: How many at most.
            model_providers: Only threads of these providers; by default of the one that the configuration
                names, and with an empty list of all.
            search_term: Only threads whose title has this text.
            section_id: Only threads of this section.
            sort_direction: Ascending or descending.
            sort_key: By what to sort.
            source_kinds: Only threads from these sources; by default not those of `codex exec` and of
                sub-agents.
            use_state_db_only: Whether only the index is asked, not the files.
            timeout_s: Seconds for the whole call.
        """
        return await self._runtime.request(
            requests.thread_list(
                archived=archived,
                cursor=cursor,
                cwd_filter=cwd,
                limit=limit,
                model_providers=model_providers,
                search_term=search_term,
                section_id=section_id,
                sort_direction=sort_direction,
                sort_key=sort_key,
                source_kinds=source_kinds,
                use_state_db_only=use_state_db_only,
            ),
            timeout_s,
        )

    def threads(
        self,
        *,
        archived: bool | None = None,
        cwd: str
        | os.PathLike[str]
        | Sequence[str | os.PathLike[str]]
        | types.ThreadListCwdFilter
        | None = None,
        model_providers: Sequence[str] | None = None,
        page_size: int = 100,
        search_term: str | None = None,
        section_id: str | None = None,
        sort_direction: types.SortDirection | SortDirectionLiteral | None = None,
        sort_key: types.ThreadSortKey | ThreadSortKeyLiteral | None = None,
        source_kinds: Sequence[types.ThreadSourceKind | ThreadSourceKindLiteral] | None = None,
        use_state_db_only: bool | None = None,
        timeout_s: float | None = None,
    ) -> AsyncIterator[late.StoredThread]:
        """All stored threads, of whatever provider, each once.

        Not awaited; each page is asked for when it is needed. Archived threads, those of `codex exec` and
        those of sub-agents are listed when `archived` or `source_kinds` names them.

        The newest come first, unless `sort_key` and `sort_direction` say otherwise. Threads that the index
        does not know (their files were copied, for example) come last: for them the runtime looks through all
        files. A thread that begins meanwhile may be listed or not.

        `page_size` is how many threads one request asks for, of which the runtime gives no more than 100, and
        `timeout_s` how many seconds each may take. The other arguments are those of `thread_list()`.

        Raises:
            InvalidInputError: An argument makes no sense. Nothing was sent.
            InvalidInputTypeError: An argument has the wrong type. Nothing was sent.
            TransportClosedError: The connection ended first.
        """
        given = {
            "archived": archived,
            "cwd_filter": cwd,
            # None is the configured one, for the runtime.
            "model_providers": () if model_providers is None else model_providers,
            "search_term": search_term,
            "section_id": section_id,
            "sort_direction": sort_direction,
            "sort_key": sort_key,
            "source_kinds": source_kinds,
            "use_state_db_only": use_state_db_only,
        }
        requests.thread_list(**given)  # a mistake is told here, not at the first page
        listing = stored_threads(self._runtime, given, requests.page_limit(page_size), timeout_s)
        return named(listing, "AsyncCodex.threads")

    async def thread_resume(
        self,
        thread_id: str,
        *,
        approval_mode: ApprovalMode | ApprovalModeLiteral | None = None,
        approval_policy: types.AskForApproval | AskForApprovalLiteral | None = None,
        approvals_reviewer: types.ApprovalsReviewer | ApprovalsReviewerLiteral | None = None,
        base_instructions: str | None = None,
        config: Mapping[str, Any] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        developer_instructions: str | None = None,
        include_turns: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        on_request: AsyncOnRequest | None = None,
        personality: types.Personality | PersonalityLiteral | None = None,
        sandbox: Sandbox | types.SandboxMode | SandboxLiteral | None = None,
        sandbox_policy: types.SandboxPolicy | None = None,
        service_tier: str | None = None,
        timeout_s: float | None = None,
        tools: Iterable[Callable[..., Any]] = (),
    ) -> AsyncThread:
        """Load a stored thread, to go on with it.

        `include_turns=False` keeps the runtime from sending all its turns along. The other options are
        those of `thread_start()`; what is left out is as the thread has it, but for the sandbox of one that
        is not loaded and may write to its workspace: that is as the runtime's configuration has it, which
        may be more.

        A thread that is loaded is set to what is given here. Instructions and most of `config` it does not
        take any more, which is a warning in the log, and an error where it is about what the agent may do.

        The runtime takes tools at the start of a thread only, and keeps them with it. So `tools` are the
        functions that answer for those from now on, by their names.

        Raises:
            InvalidInputError: A tool is none that the thread was started with. Nothing was done.
            InvalidRequestError: There is no such thread, or it has no first message yet.
            RuntimeTooOldError: `include_turns` was given, and the runtime does not know it.
            SettingsNotAppliedError: The thread is not as it was asked to be, and cannot be set so.
        """
        request = requests.thread_resume(
            thread_id,
            approval_mode=approval_mode,
            approval_policy=approval_policy,
            approvals_reviewer=approvals_reviewer,
            base_instructions=base_instructions,
            config=config,
            cwd=cwd,
            developer_instructions=developer_instructions,
            include_turns=include_turns,
            model=model,
            model_provider=model_provider,
            personality=personality,
            sandbox=sandbox,
            sandbox_policy=sandbox_policy,
            service_tier=service_tier,
        )
        asking = asks(approval_mode, approval_policy, approvals_reviewer)
        own = self._runtime.answering(tools)
        deadline = Deadline(timeout_s)
        await require_tools(self._runtime, thread_id, own, deadline)
        return await open_thread(self._runtime, request, deadline, on_request, asking, own, resumes=thread_id)

    async def thread_fork(
        self,
        thread_id: str,
        *,
        approval_mode: ApprovalMode | ApprovalModeLiteral | None = None,
        approval_policy: types.AskForApproval | AskForApprovalLiteral | None = None,
        approvals_reviewer: types.ApprovalsReviewer | ApprovalsReviewerLiteral | None = None,
        base_instructions: str | None = None,
        config: Mapping[str, Any] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        developer_instructions: str | None = None,
        ephemeral: bool | None = None,
        include_turns: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        on_request: AsyncOnRequest | None = None,
        sandbox: Sandbox | types.SandboxMode | SandboxLiteral | None = None,
        sandbox_policy: types.SandboxPolicy | None = None,
        service_tier: str | None = None,
        thread_source: types.ThreadSource | str | None = None,
        timeout_s: float | None = None,
        tools: Iterable[Callable[..., Any]] = (),
    ) -> AsyncThread:
        """Start a new thread from the history of a stored one.

        `include_turns=False` keeps the runtime from sending all its turns along. The other options are
        those of `thread_start()`; what is left out is as the thread has it, but for the sandbox and the
        effort: they are as the runtime's configuration has them, which may be more. `sandbox` makes sure.

        The runtime takes tools at the start of a thread only, and keeps them with it. So `tools` are the
        functions that answer for those from now on, by their names.

        Raises:
            InvalidInputError: A tool is none that the thread was started with. Nothing was done.
            InvalidRequestError: There is no such thread, or it has no first message yet.
            RuntimeTooOldError: `include_turns` was given, and the runtime does not know it.
            SettingsNotAppliedError: The thread is not as it was asked to be, and cannot be set so.
        """
        request = requests.thread_fork(
            thread_id,
            approval_mode=approval_mode,
            approval_policy=approval_policy,
            approvals_reviewer=approvals_reviewer,
            base_instructions=base_instructions,
            config=config,
            cwd=cwd,
            developer_instructions=developer_instructions,
            ephemeral=ephemeral,
            include_turns=include_turns,
            model=model,
            model_provider=model_provider,
            sandbox=sandbox,
            sandbox_policy=sandbox_policy,
            service_tier=service_tier,
            thread_source=thread_source,
        )
        asking = asks(approval_mode, approval_policy, approvals_reviewer)
        own = self._runtime.answering(tools)
        deadline = Deadline(timeout_s)
        await require_tools(self._runtime, thread_id, own, deadline)
        return await open_thread(self._runtime, request, deadline, on_request, asking, own, forks=thread_id)

    async def thread_archive(
        self, thread_id: str, *, timeout_s: float | None = None
    ) -> types.ThreadArchiveResponse:
        """Move a stored thread to the archive.

        Raises:
            InvalidRequestError: There is no such thread, or it has no first message yet.
        """
        return await self._runtime.request(requests.thread_archive(thread_id), timeout_s)

    async def thread_delete(
        self, thread_id: str, *, timeout_s: float | None = None
    ) -> types.ThreadDeleteResponse:
        """Delete a thread for good, archived or not. A turn that runs on it ends.

        Raises:
            InvalidRequestError: There is no such thread, or another one was forked from it.
        """
        return await self._runtime.request(requests.thread_delete(thread_id), timeout_s)

    async def thread_unarchive(self, thread_id: str, *, timeout_s: float | None = None) -> AsyncThread:
        """Bring a thread back from the archive. To go on with it, load it: `await thread.resume()`.

        Raises:
            InvalidRequestError: There is no such thread in the archive.
        """
        return await open_thread(self._runtime, requests.thread_unarchive(thread_id), Deadline(timeout_s))

    async def models(
        self, *, include_hidden: bool = False, timeout_s: float | None = None
    ) -> types.ModelListResponse:
        """The models that can be used, on request with those that menus do not show."""
        return await self._runtime.request(requests.model_list(include_hidden=include_hidden), timeout_s)
