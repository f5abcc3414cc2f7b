"""What a thread is as the runtime keeps it: its past, page by page, and what becomes of it.

A part of the thread. Thin: it names the arguments, the client and `_outgoing` do the rest.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from .. import types
from .._outgoing import requests
from .._outgoing.approval_mode import ApprovalMode
from .._outgoing.sandbox import Sandbox
from .._package import late
from ..generated.literals import (
    ApprovalModeLiteral,
    ApprovalsReviewerLiteral,
    AskForApprovalLiteral,
    PersonalityLiteral,
    SandboxLiteral,
    SortDirectionLiteral,
    TurnItemsViewLiteral,
)
from ..requests import AsyncOnRequest
from .owned import AsyncOwned
from .paging import named, pages


class AsyncStoredThread(AsyncOwned):
    """The base of the thread."""

    __slots__ = ()

    id: str

    def _over_client(self) -> late.AsyncCodex:
        """A client of the thread's runtime, whichever made the thread."""
        from .client import AsyncCodex

        return AsyncCodex._over(self._runtime)

    def turns(
        self,
        *,
        items_view: types.TurnItemsView | TurnItemsViewLiteral | None = None,
        page_size: int = 100,
        sort_direction: types.SortDirection | SortDirectionLiteral | None = None,
        timeout_s: float | None = None,
    ) -> AsyncIterator[types.Turn]:
        """All turns of this thread as they are stored, the first one first. Not awaited.

        Each page is asked for when it is needed. The thread need not be loaded.

        Args:
            items_view: How much of its items a turn has; by default what the runtime calls a summary, the
                user's and the final messages. `items()` has them all.
            page_size: How many turns one request asks for.
            sort_direction: Descending for the last one first.
            timeout_s: Seconds for each request.

        Raises:
            InvalidInputError: An argument makes no sense. Nothing was sent.
            InvalidInputTypeError: An argument has the wrong type. Nothing was sent.
            InvalidRequestError: The thread is not stored: it is ephemeral, or has no first message yet.
            TransportClosedError: The connection ended first.
        """
        return self._listed(
            "AsyncThread.turns",
            requests.thread_turns_list,
            page_size,
            timeout_s,
            sort_direction,
            items_view=items_view,
        )

    def items(
        self,
        *,
        page_size: int = 100,
        sort_direction: types.SortDirection | SortDirectionLiteral | None = None,
        turn_id: str | None = None,
        timeout_s: float | None = None,
    ) -> AsyncIterator[types.ThreadItemEntry]:
        """All items of this thread as they are stored, the first one first, with the turn of each.

        Not awaited. Each page is asked for when it is needed. The thread need not be loaded.

        Args:
            page_size: How many items one request asks for.
            sort_direction: Descending for the last one first.
            turn_id: Only those of this turn.
            timeout_s: Seconds for each request.

        Raises:
            InvalidInputError: An argument makes no sense. Nothing was sent.
            InvalidInputTypeError: An argument has the wrong type. Nothing was sent.
            MethodNotFoundError: The thread is not stored: it is ephemeral, or has no first message yet.
            TransportClosedError: The connection ended first.
        """
        return self._listed(
            "AsyncThread.items",
            requests.thread_items_list,
            page_size,
            timeout_s,
            sort_direction,
            turn_id=turn_id,
        )

    def _listed(
        self,
        name: str,
        request: Callable[..., Any],
        page_size: int,
        timeout_s: float | None,
        sort_direction: types.SortDirection | SortDirectionLiteral | None,
        **given: Any,
    ) -> AsyncIterator[Any]:
        # Turns would come the other way round than items.
        given["sort_direction"] = "asc" if sort_direction is None else sort_direction
        given["limit"] = requests.page_limit(page_size)
        request(self.id, **given)  # a mistake is told here, not at the first page
        listing = pages(self._runtime, lambda cursor: request(self.id, cursor=cursor, **given), timeout_s)
        return named(listing, name)

    async def archive(self, *, timeout_s: float | None = None) -> types.ThreadArchiveResponse:
        """Move this thread to the archive, as `thread_archive()` does."""
        return await self._over_client().thread_archive(self.id, timeout_s=timeout_s)

    async def delete(self, *, timeout_s: float | None = None) -> types.ThreadDeleteResponse:
        """Delete this thread for good, as `thread_delete()` does."""
        return await self._over_client().thread_delete(self.id, timeout_s=timeout_s)

    async def resume(
        self,
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
    ) -> late.AsyncThread:
        """Load this thread, to go on with it, as `thread_resume()` does.

        It is what a thread needs that was brought back from the archive. All arguments are those of
        `thread_resume()`.
        """
        return await self._over_client().thread_resume(
            self.id,
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
            on_request=on_request,
            personality=personality,
            sandbox=sandbox,
            sandbox_policy=sandbox_policy,
            service_tier=service_tier,
            timeout_s=timeout_s,
            tools=tools,
        )

    async def fork(
        self,
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
    ) -> late.AsyncThread:
        """Start a new thread from the history of this one, as `thread_fork()` does.

        All arguments are those of `thread_fork()`.
        """
        return await self._over_client().thread_fork(
            self.id,
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
            on_request=on_request,
            sandbox=sandbox,
            sandbox_policy=sandbox_policy,
            service_tier=service_tier,
            thread_source=thread_source,
            timeout_s=timeout_s,
            tools=tools,
        )
