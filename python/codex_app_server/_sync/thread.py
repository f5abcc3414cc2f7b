# Made from _async/thread.py by `python scripts/make_sync.py`; do not edit.

"""`Thread`: one conversation. Thin: it names the arguments, `_outgoing` describes what is sent."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from .. import types
from .._arguments import identifier
from .._concurrency.deadline import Deadline, Patience
from .._incoming.goals import GoalResult
from .._incoming.result import TurnResult, turn_timed_out
from .._outgoing import goals, requests
from .._outgoing.approval_mode import asks
from .._outgoing.inputs import RunInput
from .._outgoing.turn_options import RunOptions, TurnOptions, takes
from .._output_types import wanted_output
from .._package import late
from .._package.late import pydantic, typing_extensions
from ..errors import (
    JsonRpcError,
    OutputValidationError,
    RequestTimeoutError,
    TurnFailedError,
    TurnTimeoutError,
)
from .goal import GoalHandle, begun
from .owned import runtime_of, with_official_fields
from .runtime import Runtime
from .stored import StoredThread
from .turn import TurnHandle

# What a turn's result is to be.
WantedT = TypeVar("WantedT")


@with_official_fields
@dataclass(slots=True, init=False, repr=False)
class Thread(StoredThread):
    """A conversation with the agent, in which one turn follows the other.

    Made by `Codex.thread_start()` and its siblings.

    Args:
        id: The thread's id.

    Example:
        >>> def main():
        ...     with Codex() as codex:
        ...         thread = codex.thread_start()
        ...         result = thread.run("Say hello.")
        ...         print(result.final_response)
    """

    _runtime: Runtime
    id: str

    def __init__(
        self,
        _client: late.Codex | late.CodexClient | Runtime,
        id: str,
    ) -> None:
        self._runtime = runtime_of(_client)
        self.id = identifier("thread_id", id)

    _in_place_of_a_copy = "Keep its id: Thread(codex, id), or thread_resume(id) in another process."

    def _standing(self) -> str:
        return f"id={self.id!r}, client {self._runtime.standing()}"

    @overload
    def run(
        self,
        input: RunInput,
        *,
        output_schema: Mapping[str, Any] | None = None,
        output_type: None = None,
        **options: typing_extensions.Unpack[RunOptions],
    ) -> TurnResult[None]: ...
    @overload
    def run(
        self,
        input: RunInput,
        *,
        output_type: type[WantedT] | pydantic.TypeAdapter[WantedT],
        **options: typing_extensions.Unpack[RunOptions],
    ) -> TurnResult[WantedT]: ...
    @takes(RunOptions)
    def run(
        self,
        input: RunInput,
        *,
        output_schema: Mapping[str, Any] | None = None,
        output_type: Any = None,
        timeout_s: float | None = None,
        idle_timeout_s: float | None = None,
        **options: Any,
    ) -> TurnResult[Any]:
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
            OutputValidationError: The turn is over, and its final response is not of `output_type`.
            InvalidInputError: The prompt is empty, or an option makes no sense. Nothing was sent.
            NoRequestHandlerError: The turn would ask this program, and nobody answers. Nothing was sent.
            JsonRpcError: The runtime refused to start the turn.
            StreamOverflowError: The turn is over, and items may be missing: very many others began on this
                thread before its start was answered.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s, of_turn=True)
        patience = Patience(deadline, idle_timeout_s)
        wanted, schema = wanted_output(output_type, output_schema)
        try:
            # In no variable: a traceback would keep the handle, and so the turn, from being let go.
            return (self._begin(input, schema, options, deadline, wanted))._finish(patience)
        except RequestTimeoutError as error:
            # The request has a deadline of its own, of which its own error speaks.
            if deadline.timeout_s is None or deadline.left() > 0:
                raise
            raise turn_timed_out(self.id, "", deadline.timeout_s) from error

    @overload
    def turn(
        self,
        input: RunInput,
        *,
        output_schema: Mapping[str, Any] | None = None,
        output_type: None = None,
        **options: typing_extensions.Unpack[TurnOptions],
    ) -> TurnHandle[None]: ...
    @overload
    def turn(
        self,
        input: RunInput,
        *,
        output_type: type[WantedT] | pydantic.TypeAdapter[WantedT],
        **options: typing_extensions.Unpack[TurnOptions],
    ) -> TurnHandle[WantedT]: ...
    @takes(TurnOptions)
    def turn(
        self,
        input: RunInput,
        *,
        output_schema: Mapping[str, Any] | None = None,
        output_type: Any = None,
        timeout_s: float | None = None,
        **options: Any,
    ) -> TurnHandle[Any]:
        """Start a turn and return its handle. On a thread whose turn is running, it joins that turn.

        A turn that is joined keeps the sandbox, the approvals and all else that it has: options that are
        given here beside the input are the thread's from its next turn on. To have them hold, wait for the
        turn's end.

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
            output_type: The type that the final message is to be of, in place of a schema: a model, a
                dataclass, a TypedDict, an enum, `list[…]`, or a `TypeAdapter` of any type. It is sent as a
                strict schema, and `output` of the result is of it.
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
        wanted, schema = wanted_output(output_type, output_schema)
        turn = self._begin(input, schema, options, deadline, wanted)
        try:
            return turn._handed_over()
        except BaseException:  # a Ctrl-C, by which nobody has it
            turn._cursor.give_up()
            raise

    def _begin(
        self,
        input: RunInput,
        output_schema: Mapping[str, Any] | None,
        options: dict[str, Any],
        deadline: Deadline,
        wanted: late.OutputType[Any] | None,
    ) -> TurnHandle[Any]:
        """Start a turn that is stopped if its handle is lost."""
        request = requests.turn_start(self.id, input, output_schema=output_schema, **options)
        asking = asks(
            *(options.get(name) for name in ("approval_mode", "approval_policy", "approvals_reviewer"))
        )
        serving = self._runtime.serving
        serving.require(self.id, asking)
        since = serving.faults.mark()
        connection = self._runtime.start(deadline)
        subscription, _ = connection.start_turn(request, deadline)
        serving.note_asking(self.id, asking)
        turn_id = subscription.turn_id
        return TurnHandle(
            self._runtime, self.id, turn_id, _subscription=subscription, _since=since, _wanted=wanted
        )

    @overload
    def run_goal(
        self,
        objective: str,
        *,
        output_type: None = None,
        token_budget: int | None = None,
        timeout_s: float | None = None,
        idle_timeout_s: float | None = None,
    ) -> GoalResult[None]: ...
    @overload
    def run_goal(
        self,
        objective: str,
        *,
        output_type: type[WantedT] | pydantic.TypeAdapter[WantedT],
        token_budget: int | None = None,
        timeout_s: float | None = None,
        idle_timeout_s: float | None = None,
    ) -> GoalResult[WantedT]: ...
    def run_goal(
        self,
        objective: str,
        *,
        output_type: Any = None,
        token_budget: int | None = None,
        timeout_s: float | None = None,
        idle_timeout_s: float | None = None,
    ) -> GoalResult[Any]:
        """Set a goal and wait until the runtime has stopped to work towards it: `goal()` and then `run()`.

        Stopped by a cancellation, an exception or the end of its time, it pauses the goal and interrupts the
        turn that runs.

        Args:
            objective: What is to be achieved.
            output_type: The type that the output is to be of, as for `run()`. The runtime takes no schema for
                the turns of a goal, so one that is reached is asked for its result in one more turn.
            token_budget: How many tokens it may take; no limit by default.
            timeout_s: Seconds that all its turns may take, from the beginning of this call.
            idle_timeout_s: Seconds for which nothing of them may arrive.

        Raises:
            TurnFailedError: The last turn failed.
            TurnTimeoutError: The time is over. The error has what was collected.
            OutputValidationError: The goal was not reached, or its report is not of `output_type`.
            InvalidRequestError: A turn runs on the thread, or it is not stored.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s, of_turn=True)
        patience = Patience(deadline, idle_timeout_s)
        try:
            return (self._begin_goal(objective, token_budget, deadline, output_type))._finish(patience)
        except RequestTimeoutError as error:
            # The request has a deadline of its own, of which its own error speaks.
            if deadline.timeout_s is None or deadline.left() > 0:
                raise
            raise turn_timed_out(self.id, "", deadline.timeout_s) from error

    @overload
    def goal(
        self,
        objective: str,
        *,
        output_type: None = None,
        token_budget: int | None = None,
        timeout_s: float | None = None,
    ) -> GoalHandle[None]: ...
    @overload
    def goal(
        self,
        objective: str,
        *,
        output_type: type[WantedT] | pydantic.TypeAdapter[WantedT],
        token_budget: int | None = None,
        timeout_s: float | None = None,
    ) -> GoalHandle[WantedT]: ...
    def goal(
        self,
        objective: str,
        *,
        output_type: Any = None,
        token_budget: int | None = None,
        timeout_s: float | None = None,
    ) -> GoalHandle[Any]:
        """Set a goal, which the runtime then works towards in one turn after the other.

        Returns when the first of them has started. It goes on until the agent says that the goal is complete
        or that it is blocked, a budget or limit is used up, or it is interrupted. A goal that the thread had
        before is replaced. Until it is over, `turn()` is refused on this thread.

        Args:
            objective: What is to be achieved.
            output_type: The type that `output` of the handle's `run()` is to be of, as for `run_goal()`.
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
        goal = self._begin_goal(objective, token_budget, Deadline(timeout_s), output_type)
        try:
            return goal._handed_over()
        except BaseException:  # a Ctrl-C, by which nobody has it
            goal._cursor.give_up()
            raise

    def _begin_goal(
        self,
        objective: str,
        token_budget: int | None,
        deadline: Deadline,
        output_type: Any,
    ) -> GoalHandle[Any]:
        """Set a goal that is given up if its handle is lost."""
        wanted, _ = wanted_output(output_type, None)
        request = goals.activate(self.id, identifier("objective", objective), token_budget)
        serving = self._runtime.serving
        serving.require(self.id, None)
        since = serving.faults.mark()
        connection = self._runtime.start(deadline)
        subscription = begun(connection, self.id, request, deadline)
        report = None if wanted is None else functools.partial(self._report, wanted)
        return GoalHandle(self._runtime, subscription, since, report)

    def _report(
        self, wanted: late.OutputType[Any], result: GoalResult[Any], patience: Patience
    ) -> GoalResult[Any]:
        """Ask for the output of a goal that is over, in a turn of its own."""
        if not result.is_reached:
            raise wanted.missing(result, f"the goal's status is {result.goal_status}")
        # Unless the connection ends, what the goal came to is not lost with its report.
        try:
            report = (self._begin(goals.REPORT, wanted.schema, {}, patience.deadline, wanted))._finish(
                patience
            )
        except OutputValidationError as error:
            error.result = result
            raise
        except TurnTimeoutError as error:
            error.partial = result
            raise
        except (TurnFailedError, JsonRpcError) as error:
            raise wanted.missing(result, f"the turn that was to report it has failed: {error}") from error
        result.items += report.items
        result.usage = report.usage or result.usage
        result.request_errors += report.request_errors
        result.output = report.output
        return result

    def read(
        self, *, include_turns: bool = False, timeout_s: float | None = None
    ) -> types.ThreadReadResponse:
        """The thread as the runtime has stored it, on request with all turns and their items."""
        request = requests.thread_read(self.id, include_turns=include_turns)
        return self._runtime.request(request, timeout_s)

    def set_name(self, name: str, *, timeout_s: float | None = None) -> types.ThreadSetNameResponse:
        """Name the thread. The name must not be empty."""
        return self._runtime.request(requests.thread_set_name(self.id, name), timeout_s)

    def compact(self, *, timeout_s: float | None = None) -> types.ThreadCompactStartResponse:
        """Start to replace the thread's history by a summary. Returns when that has begun."""
        return self._runtime.request(requests.thread_compact(self.id), timeout_s)
