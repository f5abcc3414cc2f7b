"""`AsyncThread`: one conversation. Thin: it names the arguments, `_requests` describes what is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import _goals, _requests
from .._approval_mode import asks
from .._deadline import Deadline, Patience
from .._params import identifier
from .._result import turn_timed_out
from ..errors import RequestTimeoutError
from .goal import AsyncGoalHandle, begun
from .turn import AsyncTurnHandle

# sync only: from .runtime import runtime_of

if TYPE_CHECKING:
    from .._approval_mode import ApprovalMode
    from .._goals import GoalResult
    from .._inputs import RunInput
    from .._requests import Request
    from .._result import TurnResult
    from .._sandbox import Sandbox
    from ..generated.v2_all import (
        ApprovalsReviewer,
        AskForApproval,
        Personality,
        ReasoningEffort,
        ReasoningSummary,
        SandboxMode,
        SandboxPolicy,
        ThreadCompactStartResponse,
        ThreadReadResponse,
        ThreadSetNameResponse,
    )
    from ..models import JsonObject
    from .client import AsyncCodex
    from .codex_client import AsyncCodexClient
    # sync only: from .runtime import Runtime


@dataclass(slots=True, init=False)
class AsyncThread:
    """A conversation with the agent, in which one turn follows the other.

    Async form of `Thread`. Made by `AsyncCodex.thread_start()` and its siblings.

    Args:
        id: The thread's id.

    Example:
        >>> async def main():
        ...     async with AsyncCodex() as codex:
        ...         thread = await codex.thread_start()
        ...         result = await thread.run("Say hello.")
        ...         print(result.final_response)
    """

    _codex: AsyncCodex | AsyncCodexClient  # async only
    # sync only: _client: Runtime
    id: str

    def __init__(
        self,
        _codex: AsyncCodex | AsyncCodexClient,  # async only
        # sync only: _client: Codex | CodexClient | Runtime,
        id: str,
    ) -> None:
        self._codex = _codex  # async only
        # sync only: self._client = runtime_of(_client)
        self.id = id

    async def run(
        self,
        input: RunInput,
        *,
        approval_mode: ApprovalMode | None = None,
        approval_policy: AskForApproval | None = None,
        approvals_reviewer: ApprovalsReviewer | None = None,
        cwd: str | None = None,
        effort: ReasoningEffort | None = None,
        model: str | None = None,
        output_schema: JsonObject | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | SandboxMode | None = None,
        sandbox_policy: SandboxPolicy | None = None,
        service_tier: str | None = None,
        source: str | None = None,
        summary: ReasoningSummary | None = None,
        turn_service_tier: str | None = None,
        timeout_s: float | None = None,
        idle_timeout_s: float | None = None,
    ) -> TurnResult:
        """Start a turn and wait for its result: `turn()` and then `run()` on its handle.

        All other arguments are those of `turn()`. `timeout_s` is how many seconds the turn may take, from the
        beginning of this call, and `idle_timeout_s` for how many nothing of it may arrive once it has
        started; time in which the runtime waits for an answer of this program does not count there, but that
        of a command which writes nothing does.

        Stopped by a cancellation, an exception or the end of its time, it interrupts the turn, unless
        somebody else holds it. What it waits for meanwhile (the runtime tries again, a usage limit) is logged
        as a warning.

        Raises:
            TurnFailedError: The turn failed.
            TurnTimeoutError: The time is over. The error has what was collected.
            InvalidInputError: The prompt is empty, or an option makes no sense. Nothing was sent.
            NoRequestHandlerError: The turn would ask this program, and nobody answers. Nothing was sent.
            JsonRpcError: The runtime refused to start the turn.
            StreamOverflowError: The turn is over, and items may be missing: very many others began on this
                thread before its start was answered.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s, of_turn=True)
        request = _requests.turn_start(
            self.id,
            input,
            approval_mode=approval_mode,
            approval_policy=approval_policy,
            approvals_reviewer=approvals_reviewer,
            cwd=cwd,
            effort=effort,
            model=model,
            output_schema=output_schema,
            personality=personality,
            sandbox=sandbox,
            sandbox_policy=sandbox_policy,
            service_tier=service_tier,
            source=source,
            summary=summary,
            turn_service_tier=turn_service_tier,
        )
        asking = asks(approval_mode, approval_policy, approvals_reviewer)
        patience = Patience(deadline, idle_timeout_s)
        try:
            # In no variable: a traceback would keep the handle, and so the turn, from being let go.
            return await (await self._begin(request, deadline, asking))._finish(patience)
        except RequestTimeoutError as error:
            # The request has a deadline of its own, of which its own error speaks.
            if deadline.timeout_s is None or deadline.left() > 0:
                raise
            raise turn_timed_out(self.id, "", deadline.timeout_s) from error

    async def turn(
        self,
        input: RunInput,
        *,
        approval_mode: ApprovalMode | None = None,
        approval_policy: AskForApproval | None = None,
        approvals_reviewer: ApprovalsReviewer | None = None,
        cwd: str | None = None,
        effort: ReasoningEffort | None = None,
        model: str | None = None,
        output_schema: JsonObject | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | SandboxMode | None = None,
        sandbox_policy: SandboxPolicy | None = None,
        service_tier: str | None = None,
        source: str | None = None,
        summary: ReasoningSummary | None = None,
        turn_service_tier: str | None = None,
        timeout_s: float | None = None,
    ) -> AsyncTurnHandle:
        """Start a turn and return its handle. On a thread whose turn is running, it joins that turn.

        The turn runs on whatever becomes of the handle, unless that is used as a block: left before the end,
        it interrupts the turn.

        Args:
            input: Text, one of the input classes, a list of these, or an `ExternalMessage`.
            approval_mode: What happens when the agent wants to leave its sandbox, from this turn on.
            approval_policy: The same in the protocol's own terms, in place of the mode.
            approvals_reviewer: Who decides then, in place of the mode: "user" for this program.
            cwd: The working directory, from this turn on.
            effort: How much to reason, from this turn on.
            model: The model, from this turn on.
            output_schema: A JSON schema that the final message must follow, for this turn.
            personality: The tone, from this turn on.
            sandbox: What the agent may touch, from this turn on.
            sandbox_policy: The same in the protocol's own terms, in place of `sandbox`.
            service_tier: The service tier, from this turn on.
            source: What triggered this turn, for the records.
            summary: How reasoning is summarised, from this turn on.
            turn_service_tier: The service tier for this turn only.
            timeout_s: Seconds for the start, not for the turn; by default `CodexConfig.request_timeout_s`.

        Raises:
            InvalidInputError: The prompt is empty, or an option makes no sense. Nothing was sent.
            InvalidInputTypeError: An argument has the wrong type. Nothing was sent.
            NoRequestHandlerError: The turn would ask this program, and nobody answers. Nothing was sent.
            JsonRpcError: The runtime refused, for example because the thread is not loaded.
            RuntimeTooOldError: The runtime is too old for `source`, `turn_service_tier` or ExternalMessage.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s)
        request = _requests.turn_start(
            self.id,
            input,
            approval_mode=approval_mode,
            approval_policy=approval_policy,
            approvals_reviewer=approvals_reviewer,
            cwd=cwd,
            effort=effort,
            model=model,
            output_schema=output_schema,
            personality=personality,
            sandbox=sandbox,
            sandbox_policy=sandbox_policy,
            service_tier=service_tier,
            source=source,
            summary=summary,
            turn_service_tier=turn_service_tier,
        )
        asking = asks(approval_mode, approval_policy, approvals_reviewer)
        turn = await self._begin(request, deadline, asking)
        try:
            return turn._handed_over()
        except BaseException:  # a Ctrl-C, by which nobody has it
            turn._cursor.give_up()
            raise

    async def _begin(self, request: Request[Any], deadline: Deadline, asking: bool | None) -> AsyncTurnHandle:
        """Start a turn that is stopped if its handle is lost."""
        serving = self._codex._client.serving
        serving.require(self.id, asking)
        since = serving.faults.mark()
        connection = await self._codex._client.start(deadline)
        subscription, _ = await connection.start_turn(request, deadline)
        serving.note_asking(self.id, asking)
        turn_id = subscription.turn_id
        return AsyncTurnHandle(self._codex, self.id, turn_id, _subscription=subscription, _since=since)

    async def run_goal(
        self,
        objective: str,
        *,
        token_budget: int | None = None,
        timeout_s: float | None = None,
        idle_timeout_s: float | None = None,
    ) -> GoalResult:
        """Set a goal and wait until the runtime has stopped to work towards it: `goal()` and then `run()`.

        Stopped by a cancellation, an exception or the end of its time, it pauses the goal and interrupts the
        turn that runs.

        Args:
            objective: What is to be achieved.
            token_budget: How many tokens it may take; no limit by default.
            timeout_s: Seconds that all its turns may take, from the beginning of this call.
            idle_timeout_s: Seconds for which nothing of them may arrive.

        Raises:
            TurnFailedError: The last turn failed.
            TurnTimeoutError: The time is over. The error has what was collected.
            InvalidRequestError: A turn runs on the thread, or it is not stored.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s, of_turn=True)
        patience = Patience(deadline, idle_timeout_s)
        try:
            return await (await self._begin_goal(objective, token_budget, deadline))._finish(patience)
        except RequestTimeoutError as error:
            # The request has a deadline of its own, of which its own error speaks.
            if deadline.timeout_s is None or deadline.left() > 0:
                raise
            raise turn_timed_out(self.id, "", deadline.timeout_s) from error

    async def goal(
        self, objective: str, *, token_budget: int | None = None, timeout_s: float | None = None
    ) -> AsyncGoalHandle:
        """Set a goal, which the runtime then works towards in one turn after the other.

        Returns when the first of them has started. It goes on until the agent says that the goal is complete
        or that it is blocked, a budget or limit is used up, or it is interrupted. A goal that the thread had
        before is replaced. Until it is over, `turn()` is refused on this thread.

        Args:
            objective: What is to be achieved.
            token_budget: How many tokens it may take; no limit by default.
            timeout_s: Seconds until its first turn has started.

        Raises:
            InvalidInputError: The objective is empty, or the budget negative. Nothing was sent.
            InvalidInputTypeError: An argument has the wrong type. Nothing was sent.
            InvalidRequestError: A turn runs on the thread, it has a goal already, or it is not stored.
            NoRequestHandlerError: It would ask this program, and nobody answers. Nothing was sent.
            TurnFailedError: The goal ended before its first turn.
            RequestTimeoutError: No turn was started in time. The goal is paused.
            TransportClosedError: The connection ended first.
        """
        goal = await self._begin_goal(objective, token_budget, Deadline(timeout_s))
        try:
            return goal._handed_over()
        except BaseException:  # a Ctrl-C, by which nobody has it
            goal._cursor.give_up()
            raise

    async def _begin_goal(
        self, objective: str, token_budget: int | None, deadline: Deadline
    ) -> AsyncGoalHandle:
        """Set a goal that is given up if its handle is lost."""
        request = _goals.activate(self.id, identifier("objective", objective), token_budget)
        serving = self._codex._client.serving
        serving.require(self.id, None)
        since = serving.faults.mark()
        connection = await self._codex._client.start(deadline)
        subscription = await begun(connection, self.id, request, deadline)
        return AsyncGoalHandle(self._codex, subscription, since)

    async def read(
        self, *, include_turns: bool = False, timeout_s: float | None = None
    ) -> ThreadReadResponse:
        """The thread as the runtime has stored it, on request with all turns and their items."""
        request = _requests.thread_read(self.id, include_turns=include_turns)
        return await self._codex._client.request(request, timeout_s)

    async def set_name(self, name: str, *, timeout_s: float | None = None) -> ThreadSetNameResponse:
        """Name the thread. The name must not be empty."""
        return await self._codex._client.request(_requests.thread_set_name(self.id, name), timeout_s)

    async def compact(self, *, timeout_s: float | None = None) -> ThreadCompactStartResponse:
        """Start to replace the thread's history by a summary. Returns when that has begun."""
        return await self._codex._client.request(_requests.thread_compact(self.id), timeout_s)
