# Made from _async/client.py by `python scripts/make_sync.py`; do not edit.

"""`Codex`: one client of one runtime. Thin: it names the arguments, `_requests` describes requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from .. import _requests
from .._approval_mode import ApprovalMode, asks
from .._config import CodexConfig
from .._serving.serving import MOST_AT_ONCE
from ..errors import InvalidInputTypeError
from .accounts import Accounts
from .pulling import Requests
from .runtime import Runtime
from .services import Services
from .thread import Thread

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from pydantic import BaseModel

    from .._decode import Opened
    from .._metadata import InitializeResponse
    from .._requests import Request
    from .._sandbox import Sandbox
    from ..generated.v2_all import (
        ApprovalsReviewer,
        AskForApproval,
        ModelListResponse,
        Personality,
        SandboxMode,
        SandboxPolicy,
        SortDirection,
        ThreadArchiveResponse,
        ThreadListCwdFilter,
        ThreadListResponse,
        ThreadSortKey,
        ThreadSource,
        ThreadSourceKind,
        ThreadStartSource,
    )
    from ..models import JsonObject
    from ..requests import OnRequest, ServerRequest
    from .rpc import Rpc

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound="BaseModel")
RequestT = TypeVar("RequestT", bound="ServerRequest")
OtherT = TypeVar("OtherT", bound="ServerRequest")
ThirdT = TypeVar("ThirdT", bound="ServerRequest")
CodexT = TypeVar("CodexT", bound="Codex")


class Codex(Accounts, Services):
    """A client with a Codex runtime of its own.

    The sync client starts its runtime when it is made, the async one when it is
    entered or first used. Closing it, or leaving the block, ends the runtime.

    Args:
        config: How to launch the runtime; by default the packaged one.
        on_request: Answers what the runtime asks: it gets one of the objects of `codex_app_server.requests`
            and calls one of its methods. It may take its time and call this client. What it does not answer
            is refused. Approvals come to it from threads with `ApprovalMode.ask`. Here it may be a coroutine
            function.
        max_concurrent_requests: How many requests of one conversation are handled at once, calls of tools
            counted by themselves; 1 for a handler that asks in a terminal.

    Example:
        >>> def main():
        ...     with Codex() as codex:
        ...         thread = codex.thread_start()
        ...         result = thread.run("Say hello.")
        ...         print(result.final_response)
    """

    def __init__(
        self,
        config: CodexConfig | None = None,
        *,
        on_request: OnRequest | None = None,
        max_concurrent_requests: int = MOST_AT_ONCE,
    ) -> None:
        if config is not None and not isinstance(config, CodexConfig):
            raise InvalidInputTypeError(f"config must be a CodexConfig, not {type(config).__name__}.")
        self._client = Runtime(config or CodexConfig(), on_request, max_concurrent_requests)
        self._client.start()

    def __enter__(self: CodexT) -> CodexT:
        self._client.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the runtime and wait until it is gone. Idempotent.

        Whatever still waits for the runtime, here or in another thread, gets ClientClosedError.
        """
        self._client.close()

    @property
    def pid(self) -> int:
        """The runtime's process id, also once it has ended.

        Raises:
            NotStartedError: It was not started yet, which only happens to async clients.
        """
        return self._client.pid

    @property
    def metadata(self) -> InitializeResponse:
        """What the runtime said about itself when it was started.

        Raises:
            NotStartedError: It was not started yet, which only happens to async clients.
        """
        return self._client.metadata

    def stats(self) -> dict[str, int]:
        """What happened on this connection so far, counted; for monitoring and for bug reports.

        Counters: `lines_read`, `bytes_read`, `malformed_lines`, `unknown_shapes`, `orphan_responses`,
        `late_responses`, `events_delivered`, `events_filtered`, `events_unclaimed`, `events_lost`,
        `bytes_lost`, `unknown_notifications`, `server_requests_refused`, `file_changes_missing`,
        `descents_forgotten`, `requests_written`, `requests_abandoned`, `errands_sent`. As of now:
        `mailbox_bytes`, `write_queue_bytes`, `turns_routed`, `turns_starting`, `streams_routed`,
        `requests_pending`, `requests_admitted`, `requests_waiting`, `server_requests_open`.

        Raises:
            NotStartedError: The runtime was not started yet, which only happens to async clients.
        """
        return self._client.stats()

    @property
    def rpc(self) -> Rpc:
        """Every request of the protocol as a typed call: `thread/turns/list` is `rpc.thread.turns.list()`.

        The calls are imported when this is first asked for.
        """
        from .rpc import Rpc

        return Rpc(self._client)

    @overload
    def request(
        self,
        method: str,
        params: Mapping[str, Any] | BaseModel | None = None,
        response_model: None = None,
        *,
        timeout_s: float | None = None,
    ) -> Any: ...
    @overload
    def request(
        self,
        method: str,
        params: Mapping[str, Any] | BaseModel | None,
        response_model: type[ModelT],
        *,
        timeout_s: float | None = None,
    ) -> ModelT: ...
    @overload
    def request(
        self,
        method: str,
        params: Mapping[str, Any] | BaseModel | None = None,
        *,
        response_model: type[ModelT],
        timeout_s: float | None = None,
    ) -> ModelT: ...
    def request(
        self,
        method: str,
        params: Mapping[str, Any] | BaseModel | None = None,
        response_model: type[BaseModel] | None = None,
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
        return self._client.request(_requests.raw(method, params, response_model), timeout_s)

    def thread_start(
        self,
        *,
        approval_mode: ApprovalMode = ApprovalMode.auto_review,
        approval_policy: AskForApproval | None = None,
        approvals_reviewer: ApprovalsReviewer | None = None,
        base_instructions: str | None = None,
        config: JsonObject | None = None,
        cwd: str | None = None,
        developer_instructions: str | None = None,
        ephemeral: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        on_request: OnRequest | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | SandboxMode | None = None,
        sandbox_policy: SandboxPolicy | None = None,
        service_name: str | None = None,
        service_tier: str | None = None,
        session_start_source: ThreadStartSource | None = None,
        thread_source: ThreadSource | None = None,
        timeout_s: float | None = None,
    ) -> Thread:
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
            thread_source: Who started the thread.
            timeout_s: Seconds for the whole call; by default `CodexConfig.request_timeout_s`, from when the
                request is written. A thread that is started too late is let go of.

        Raises:
            InvalidInputError: An option makes no sense. Nothing was sent.
            InvalidInputTypeError: An option has the wrong type. Nothing was sent.
            JsonRpcError: The runtime refused.
            TransportClosedError: The connection ended first.
        """
        request = _requests.thread_start(
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
        return self._thread(request, timeout_s, on_request, asking)

    def thread_list(
        self,
        *,
        archived: bool | None = None,
        cursor: str | None = None,
        cwd: ThreadListCwdFilter | None = None,
        limit: int | None = None,
        model_providers: list[str] | None = None,
        search_term: str | None = None,
        section_id: str | None = None,
        sort_direction: SortDirection | None = None,
        sort_key: ThreadSortKey | None = None,
        source_kinds: list[ThreadSourceKind] | None = None,
        use_state_db_only: bool | None = None,
        timeout_s: float | None = None,
    ) -> ThreadListResponse:
        """One page of the stored threads.

        Args:
            archived: True for archived threads only, False for the others only.
            cursor: `next_cursor` of the page before.
            cwd: Only threads of this directory, or of these.
            limit: How many at most.
            model_providers: Only threads of these providers.
            search_term: Only threads whose title has this text.
            section_id: Only threads of this section.
            sort_direction: Ascending or descending.
            sort_key: By what to sort.
            source_kinds: Only threads from these sources.
            use_state_db_only: Whether only the index is asked, not the files.
            timeout_s: Seconds for the whole call.
        """
        return self._client.request(
            _requests.thread_list(
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

    def thread_resume(
        self,
        thread_id: str,
        *,
        approval_mode: ApprovalMode | None = None,
        approval_policy: AskForApproval | None = None,
        approvals_reviewer: ApprovalsReviewer | None = None,
        base_instructions: str | None = None,
        config: JsonObject | None = None,
        cwd: str | None = None,
        developer_instructions: str | None = None,
        include_turns: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        on_request: OnRequest | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | SandboxMode | None = None,
        sandbox_policy: SandboxPolicy | None = None,
        service_tier: str | None = None,
        timeout_s: float | None = None,
    ) -> Thread:
        """Load a stored thread, to go on with it.

        `include_turns=False` keeps the runtime from sending all its turns along. The other options are
        those of `thread_start()`; what is left out is as the thread has it.

        Raises:
            InvalidRequestError: There is no such thread, or it has no first message yet.
            RuntimeTooOldError: `include_turns` was given, and the runtime does not know it.
        """
        request = _requests.thread_resume(
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
        return self._thread(request, timeout_s, on_request, asking, resumes=thread_id)

    def thread_fork(
        self,
        thread_id: str,
        *,
        approval_mode: ApprovalMode | None = None,
        approval_policy: AskForApproval | None = None,
        approvals_reviewer: ApprovalsReviewer | None = None,
        base_instructions: str | None = None,
        config: JsonObject | None = None,
        cwd: str | None = None,
        developer_instructions: str | None = None,
        ephemeral: bool | None = None,
        include_turns: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        on_request: OnRequest | None = None,
        sandbox: Sandbox | SandboxMode | None = None,
        sandbox_policy: SandboxPolicy | None = None,
        service_tier: str | None = None,
        thread_source: ThreadSource | None = None,
        timeout_s: float | None = None,
    ) -> Thread:
        """Start a new thread from the history of a stored one.

        `include_turns=False` keeps the runtime from sending all its turns along. The other options are
        those of `thread_start()`; what is left out is as the thread has it.

        Raises:
            InvalidRequestError: There is no such thread, or it has no first message yet.
            RuntimeTooOldError: `include_turns` was given, and the runtime does not know it.
        """
        request = _requests.thread_fork(
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
        return self._thread(request, timeout_s, on_request, asking, forks=thread_id)

    def thread_archive(self, thread_id: str, *, timeout_s: float | None = None) -> ThreadArchiveResponse:
        """Move a stored thread to the archive.

        Raises:
            InvalidRequestError: There is no such thread, or it has no first message yet.
        """
        return self._client.request(_requests.thread_archive(thread_id), timeout_s)

    def thread_unarchive(self, thread_id: str, *, timeout_s: float | None = None) -> Thread:
        """Bring a thread back from the archive. To go on with it, resume it.

        Raises:
            InvalidRequestError: There is no such thread in the archive.
        """
        return self._thread(_requests.thread_unarchive(thread_id), timeout_s)

    def models(self, *, include_hidden: bool = False, timeout_s: float | None = None) -> ModelListResponse:
        """The models that can be used, on request with those that menus do not show."""
        return self._client.request(_requests.model_list(include_hidden=include_hidden), timeout_s)

    @overload
    def requests(self, *, thread_id: str | None = None) -> Requests[ServerRequest]: ...
    @overload
    def requests(
        self, kind: type[RequestT], other: type[OtherT], /, *, thread_id: str | None = None
    ) -> Requests[RequestT | OtherT]: ...
    @overload
    def requests(
        self,
        kind: type[RequestT],
        other: type[OtherT],
        third: type[ThirdT],
        /,
        *,
        thread_id: str | None = None,
    ) -> Requests[RequestT | OtherT | ThirdT]: ...
    @overload
    def requests(self, *kinds: type[RequestT], thread_id: str | None = None) -> Requests[RequestT]: ...
    def requests(self, *kinds: type[ServerRequest], thread_id: str | None = None) -> Requests[Any]:
        """What the runtime asks, to be pulled in place of being handled. Not awaited.

        It serves from this call on, and gets what no handler gets. With several of these, each request goes
        to the first that wants it.

        Args:
            kinds: Classes of `codex_app_server.requests`; all by default.
            thread_id: Only what this thread and its sub-agents ask.

        Raises:
            InvalidInputTypeError: An argument has the wrong type.
        """
        return Requests(self._client, kinds, thread_id)

    def pending_request(self, token: str) -> ServerRequest:
        """The request that waits for an answer by this token: for pages whose visitors answer.

        Raises:
            InvalidInputTypeError: The token is no text.
            RequestNotFoundError: There is none: it is settled, or of another connection.
        """
        return self._client.serving.pending(token)

    def pending_requests(self) -> list[ServerRequest]:
        """What waits for an answer now, the oldest first: with a handler, in a `requests()`, or deferred."""
        return self._client.serving.all_pending()

    def _thread(
        self,
        request: Request[Opened],
        timeout_s: float | None,
        on_request: OnRequest | None = None,
        asking: bool | None = None,
        *,
        resumes: str | None = None,
        forks: str | None = None,
    ) -> Thread:
        owner = self._client
        serving, handler = self._client.serving, self._client.handlers.of(on_request)
        opening = serving.opening(handler, resumes=resumes, forks=forks)

        def made(thread: Opened) -> Thread:
            # What was chosen is not what holds for a thread that was loaded before: that stays as it is.
            differs = thread.asks is not None and thread.asks is not asking
            serving.opened(opening, thread.id, None if differs else asking)
            return Thread(owner, thread.id)

        try:
            serving.begin_opening(opening)
            # Made before the runtime's answer is settled: a Ctrl-C in between leaves no thread behind. So
            # nothing is done after that.
            return self._client.request(request.making(made), timeout_s)
        except BaseException:
            serving.end_opening(opening)
            raise
