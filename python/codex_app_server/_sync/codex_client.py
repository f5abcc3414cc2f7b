# Made from _async/codex_client.py by `python scripts/make_sync.py`; do not edit.

"""`CodexClient`: the protocol as it is, call by call, for programs that want no more than that.

Owns what the official low-level client keeps for its caller: notifications of no turn from its start, and
the turns and logins that it has started until somebody waits for them. Thin otherwise: `_plain_requests`
describes what is sent, and the connection is that of all clients.
"""

from __future__ import annotations

import inspect
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from .. import _goals, _logins, _plain_requests, _requests
from .._config import CodexConfig
from .._deadline import NEVER, Deadline, Expired, Patience
from .._decode import decoder
from .._failures import transport_closed
from .._params import identifier
from .._result import completed_payload, turn_timed_out
from ..errors import (
    InvalidInputError,
    InvalidInputTypeError,
    JsonRpcError,
    StreamClosedError,
    StreamOverflowError,
    WaitTimeoutError,
    is_retryable_error,
)
from ..retry import pauses
from .answering import Answering
from .feed import Feed, taking
from .goal import GoalHandle, begun
from .login import Login
from .login import begun as begun_login
from .runtime import Runtime
from .waiting import Lock, bounded, entering, sleep, wait_ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from pydantic import BaseModel

    from .._metadata import InitializeResponse
    from ..generated.v2_all import (
        AccountLoginCompletedNotification,
        AgentMessageDeltaNotification,
        CancelLoginAccountResponse,
        GetAccountParams,
        GetAccountResponse,
        LoginAccountParams,
        LoginAccountResponse,
        LogoutAccountResponse,
        ModelListResponse,
        ThreadArchiveResponse,
        ThreadCompactStartResponse,
        ThreadForkParams,
        ThreadForkResponse,
        ThreadGoalClearResponse,
        ThreadGoalSetResponse,
        ThreadGoalStatus,
        ThreadListParams,
        ThreadListResponse,
        ThreadReadResponse,
        ThreadResumeParams,
        ThreadResumeResponse,
        ThreadSetNameResponse,
        ThreadStartParams,
        ThreadStartResponse,
        ThreadUnarchiveResponse,
        TurnCompletedNotification,
        TurnInterruptResponse,
        TurnStartParams,
        TurnStartResponse,
        TurnSteerResponse,
    )
    from ..models import JsonObject, Notification
    from .answering import Handler
    from .connection import Connection

# By how much of itself a pause between two tries may be shorter or longer.
_JITTER = 0.2

ModelT = TypeVar("ModelT", bound="BaseModel")
ClientT = TypeVar("ClientT", bound="CodexClient")


class CodexClient:
    """A low-level client of one runtime: requests by the wire's names, answers as models.

    Most programs are better off with `Codex`. It is started with `start()`
    and `initialize()`, and ended with `close()` or by leaving the block; after that it can be started again.

    Args:
        config: How to launch the runtime; by default the packaged one.
        approval_handler: Answers what the runtime asks: it gets the method and the params of each such
            request, one after the other, and gives back the result. It may take its time and call this
            client, but not wait for a turn that asks something itself. Without one, and where it raises,
            the request is refused.

    Example:
        >>> def main():
        ...     with CodexClient() as client:
        ...         client.initialize()
        ...         thread = (client.thread_start({"sandbox": "read-only"})).thread
        ...         turn = (client.turn_start(thread.id, "Say hello.")).turn
        ...         print((client.wait_for_turn_completed(turn.id)).turn.status)
    """

    def __init__(
        self,
        config: CodexConfig | None = None,
        approval_handler: Handler | None = None,
    ) -> None:
        if config is not None and not isinstance(config, CodexConfig):
            raise InvalidInputTypeError(f"config must be a CodexConfig, not {type(config).__name__}.")
        if approval_handler is not None and not callable(approval_handler):
            raise InvalidInputTypeError("approval_handler must be callable.")
        if inspect.iscoroutinefunction(approval_handler):
            raise InvalidInputTypeError("A coroutine function goes with the asyncio client.")
        self.config = config or CodexConfig()
        self._handler = approval_handler
        self._client = Runtime(self.config, by_hand=True)
        # Around the steps from one state to the next: started, greeted. Closing must not wait for it.
        self._lock = Lock()
        # Of the last runtime, also when it is closed: what it has said can still be read.
        self._unscoped: Feed | None = None
        self._answering: Answering | None = None
        self._logins: dict[str, Login] = {}

    def __enter__(self: ClientT) -> ClientT:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- the connection

    def start(self) -> None:
        """Start the runtime, and listen to its notifications from its first line on.

        Does nothing while one runs; one that has ended is replaced.

        Raises:
            LaunchError: It cannot be started.
        """
        with entering(self._lock):
            if self._unscoped is not None and not self._connection.native.closed:
                return
            self._unscoped = None
            self._client.reopen()
            self._client.spawn()
            connection = self._connection
            self._logins.clear()
            self._unscoped = Feed(connection, connection.native.subscribe_notifications(), decoder())
            self._answering = None
            if self._handler is not None:
                self._answering = Answering(self._client.serving, self._handler)

    def initialize(self, *, timeout_s: float | None = None) -> InitializeResponse:
        """Greet the runtime, which answers to nothing else before.

        Raises:
            StartupError: It is no Codex runtime, or did not become ready. It is gone then.
            RequestTimeoutError: It was not ready after `timeout_s`. It is being ended then.
            InvalidRequestError: That was done before.
        """
        deadline = Deadline(timeout_s)
        entering(self._lock)
        try:
            if not self._lock.acquire(timeout=bounded(deadline.left())):
                raise deadline.missed("initialize")
            if not self._client.is_initialized:
                return self._client.initialize(deadline)
        finally:
            try:
                self._lock.release()
            except RuntimeError:  # it was not taken
                pass
        return self._connection.request(_requests.initialize(self.config), deadline=deadline)

    def close(self) -> None:
        """End the runtime and wait until it is gone. Idempotent.

        Whatever still waits for the runtime, here or in another thread, gets ClientClosedError. Notifications
        that were not read yet still can be.
        """
        answering = self._answering
        self._client.close()
        if answering is not None:
            answering.close()

    @property
    def pid(self) -> int:
        """The runtime's process id, also once it has ended.

        Raises:
            NotStartedError: It was not started yet.
        """
        return self._client.pid

    @property
    def _connection(self) -> Connection:
        return self._client.spawned

    # --- requests

    def request(
        self,
        method: str,
        params: JsonObject | None,
        *,
        response_model: type[ModelT],
        timeout_s: float | None = None,
    ) -> ModelT:
        """Send any request.

        Args:
            method: The method on the wire.
            params: Its params by the wire's names. With None the message has none.
            response_model: What the answer is to be.
            timeout_s: Seconds for the whole call; by default `CodexConfig.request_timeout_s`, from when it is
                written.

        Raises:
            InvalidInputError: The params are not JSON. Nothing was sent.
            InvalidInputTypeError: An argument has the wrong type. Nothing was sent.
            JsonRpcError: The runtime refused.
            ParseError: The answer does not fit `response_model`.
            RequestTimeoutError: No answer in time.
            TransportClosedError: The client is not started, or the connection ended first.
        """
        request = _requests.raw(method, params, response_model)
        answer: ModelT = self._client.request(request, timeout_s)
        return answer

    def request_with_retry_on_overload(
        self,
        method: str,
        params: JsonObject | None,
        *,
        response_model: type[ModelT],
        max_attempts: int = 3,
        initial_delay_s: float = 0.25,
        max_delay_s: float = 2.0,
        timeout_s: float | None = None,
    ) -> ModelT:
        """`request()`, again after a pause while the runtime answers that it is overloaded.

        Args:
            method: The method on the wire.
            params: Its params by the wire's names.
            response_model: What the answer is to be.
            max_attempts: How many calls at most.
            initial_delay_s: The first pause, in seconds; each later one is twice as long.
            max_delay_s: The longest pause, in seconds.
            timeout_s: Seconds for all of it. Once they are over there is no other call.
        """
        deadline = Deadline(timeout_s)
        request = _requests.raw(method, params, response_model)
        if max_attempts < 1:
            raise InvalidInputError("max_attempts must be at least 1.")
        answer: ModelT
        for delay in islice(pauses(initial_delay_s, max_delay_s, _JITTER), max_attempts - 1):
            try:
                answer = self._connection.request(request, deadline=deadline)
                return answer
            except JsonRpcError as error:
                if not is_retryable_error(error) or delay >= deadline.left():
                    raise
            sleep(delay)
        answer = self._connection.request(request, deadline=deadline)
        return answer

    def notify(self, method: str, params: JsonObject | None = None) -> None:
        """Send a notification, which has no answer."""
        notification = _requests.raw(method, {} if params is None else params, None)
        self._connection.native.notify(notification.method, _requests.serialise(notification))

    def _ask(self, method: str, params: Any = None, /, *, timeout_s: float | None, **named: Any) -> Any:
        return self._client.request(_plain_requests.request(method, params, **named), timeout_s)

    # --- threads

    def thread_start(
        self, params: ThreadStartParams | JsonObject | None = None, *, timeout_s: float | None = None
    ) -> ThreadStartResponse:
        """Start a thread with these params by the wire's names."""
        answer: ThreadStartResponse = self._ask("thread/start", params, timeout_s=timeout_s)
        return answer

    def thread_resume(
        self,
        thread_id: str,
        params: ThreadResumeParams | JsonObject | None = None,
        *,
        timeout_s: float | None = None,
    ) -> ThreadResumeResponse:
        """Load a stored thread, to go on with it."""
        answer: ThreadResumeResponse = self._ask(
            "thread/resume", params, threadId=thread_id, timeout_s=timeout_s
        )
        return answer

    def thread_fork(
        self,
        thread_id: str,
        params: ThreadForkParams | JsonObject | None = None,
        *,
        timeout_s: float | None = None,
    ) -> ThreadForkResponse:
        """Start a new thread from the history of a stored one."""
        answer: ThreadForkResponse = self._ask("thread/fork", params, threadId=thread_id, timeout_s=timeout_s)
        return answer

    def thread_list(
        self, params: ThreadListParams | JsonObject | None = None, *, timeout_s: float | None = None
    ) -> ThreadListResponse:
        """One page of the stored threads."""
        answer: ThreadListResponse = self._ask("thread/list", params, timeout_s=timeout_s)
        return answer

    def thread_read(
        self, thread_id: str, include_turns: bool = False, *, timeout_s: float | None = None
    ) -> ThreadReadResponse:
        """The thread as it is stored, on request with all turns and their items."""
        answer: ThreadReadResponse = self._ask(
            "thread/read", threadId=thread_id, includeTurns=include_turns, timeout_s=timeout_s
        )
        return answer

    def thread_archive(self, thread_id: str, *, timeout_s: float | None = None) -> ThreadArchiveResponse:
        """Move a stored thread to the archive."""
        answer: ThreadArchiveResponse = self._ask("thread/archive", threadId=thread_id, timeout_s=timeout_s)
        return answer

    def thread_unarchive(self, thread_id: str, *, timeout_s: float | None = None) -> ThreadUnarchiveResponse:
        """Bring a thread back from the archive."""
        answer: ThreadUnarchiveResponse = self._ask(
            "thread/unarchive", threadId=thread_id, timeout_s=timeout_s
        )
        return answer

    def thread_set_name(
        self, thread_id: str, name: str, *, timeout_s: float | None = None
    ) -> ThreadSetNameResponse:
        """Name a thread."""
        answer: ThreadSetNameResponse = self._ask(
            "thread/name/set", threadId=thread_id, name=name, timeout_s=timeout_s
        )
        return answer

    def thread_compact(self, thread_id: str, *, timeout_s: float | None = None) -> ThreadCompactStartResponse:
        """Start to replace a thread's history by a summary. Returns when that has begun."""
        answer: ThreadCompactStartResponse = self._ask(
            "thread/compact/start", threadId=thread_id, timeout_s=timeout_s
        )
        return answer

    def model_list(
        self, include_hidden: bool = False, *, timeout_s: float | None = None
    ) -> ModelListResponse:
        """The models that can be used, on request with those that menus do not show."""
        answer: ModelListResponse = self._ask("model/list", includeHidden=include_hidden, timeout_s=timeout_s)
        return answer

    # --- turns

    def turn_start(
        self,
        thread_id: str,
        input_items: list[JsonObject] | JsonObject | str,
        params: TurnStartParams | JsonObject | None = None,
        *,
        timeout_s: float | None = None,
    ) -> TurnStartResponse:
        """Start a turn. Its events are kept, within the budget, for who asks for them.

        That is `wait_for_turn_completed()`, or an `TurnHandle` made with this client and the turn's id.

        Args:
            thread_id: The thread.
            input_items: A text, one item of input by the wire's names, or a list of these.
            params: More params by the wire's names.
            timeout_s: Seconds for the start, not for the turn.
        """
        connection = self._connection
        request = _plain_requests.turn_start(identifier("thread_id", thread_id), input_items, params)
        subscription, answer = connection.start_turn(request, Deadline(timeout_s))
        connection.keep(subscription)
        started: TurnStartResponse = answer
        return started

    def turn_steer(
        self,
        thread_id: str,
        expected_turn_id: str,
        input_items: list[JsonObject] | JsonObject | str,
        *,
        timeout_s: float | None = None,
    ) -> TurnSteerResponse:
        """Give a running turn more input."""
        answer: TurnSteerResponse = self._ask(
            "turn/steer",
            threadId=thread_id,
            expectedTurnId=expected_turn_id,
            input=_plain_requests.items(input_items),
            timeout_s=timeout_s,
        )
        return answer

    def turn_interrupt(
        self, thread_id: str, turn_id: str, *, timeout_s: float | None = None
    ) -> TurnInterruptResponse:
        """Stop a running turn. The runtime leaves a second one for the same turn unanswered."""
        answer: TurnInterruptResponse = self._ask(
            "turn/interrupt", threadId=thread_id, turnId=turn_id, timeout_s=timeout_s
        )
        return answer

    def wait_for_turn_completed(
        self, turn_id: str, *, timeout_s: float | None = None
    ) -> TurnCompletedNotification:
        """Wait for the end of a turn, for as long as it takes or for `timeout_s` seconds.

        Its other events until then are let go.

        A turn that this client has not started has to be running still: of one that it has never heard of,
        the end is waited for until the connection ends. A wait that is stopped can be begun again.

        Raises:
            StreamClosedError: The turn's end went to somebody before.
            WaitTimeoutError: It is not over in time. The turn goes on.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s)
        connection = self._connection
        subscription = connection.subscribe("", identifier("turn_id", turn_id))
        gone = StreamClosedError(
            f"The end of turn {turn_id} went to somebody before. Read the whole turn with "
            "thread_read(thread_id, include_turns=True), or keep what the first wait returned."
        )
        if subscription.missed:
            raise gone
        subscription.select("end")
        try:
            events: list[Notification] = []
            # Nothing is awaited between the drain and the return: the end cannot be lost in between.
            while not events:
                with suppress(StreamOverflowError):  # only deltas were dropped
                    events = subscription.drain(decoder())
                if not events and subscription.finished:
                    raise gone
                left = deadline.left() if deadline.is_given else None
                if not events and not wait_ready(subscription, left):
                    raise deadline.missed_end(f"Turn {turn_id}")
            completed = completed_payload(events[-1])
        except BaseException:
            # Stopped in the middle: a turn of this client's waits for the next who asks.
            if subscription.thread_id:
                subscription.select("all")
                connection.keep(subscription)
            else:
                subscription.close()
            raise
        subscription.close()
        # What a turn/start that joined the turn has kept meanwhile is of no use any more.
        connection.let_go(turn_id)
        return completed

    def stream_text(
        self,
        thread_id: str,
        text: str,
        params: TurnStartParams | JsonObject | None = None,
        *,
        timeout_s: float | None = None,
        idle_timeout_s: float | None = None,
    ) -> Iterator[AgentMessageDeltaNotification]:
        """Start a turn with a text and give the deltas of its messages, each as it comes.

        The turn is started when the first of them is asked for, which may take `timeout_s` seconds. Left
        early, it goes on.

        A failed turn does not raise: its text ends.

        Raises:
            TurnTimeoutError: While iterating: nothing of the turn, which goes on, has arrived for
                `idle_timeout_s` seconds.
            StreamOverflowError: While iterating: the consumer was too slow and deltas were dropped.
            TransportClosedError: While iterating: the connection ended before the turn did.
        """
        patience = None if idle_timeout_s is None else Patience(NEVER, idle_timeout_s)
        turn_id = (self.turn_start(thread_id, text, params, timeout_s=timeout_s)).turn.id
        connection = self._connection
        feed = Feed(connection, connection.subscribe(thread_id, turn_id), decoder())
        try:
            while feed.fill(patience):
                while feed.batch:
                    event = feed.batch.popleft()
                    if event.method == "item/agentMessage/delta":
                        yield event.payload
        except Expired as over:
            raise turn_timed_out(thread_id, turn_id, over.timeout_s, over.is_idle) from None
        finally:
            feed.close()

    def next_notification(self, *, timeout_s: float | None = None) -> Notification:
        """The next notification that is no turn's, of all since `start()`; waits for one.

        They are kept within `CodexConfig.turn_budget_bytes`.

        Raises:
            WaitTimeoutError: None has come for `timeout_s` seconds.
            StreamOverflowError: Notifications were dropped here, because nobody read them. Read on.
            TransportClosedError: The client is not started, or all were read and the connection has ended.
        """
        feed = self._unscoped
        if feed is None:
            raise transport_closed("not_started", None, None, "", "")
        patience = None if timeout_s is None else Patience(Deadline(timeout_s), None)
        try:
            while feed.fill(patience):
                event: Notification
                try:
                    for event in taking(feed.batch):
                        return event
                except IndexError:  # another consumer was faster
                    pass
        except Expired as over:
            seconds = over.timeout_s
            raise WaitTimeoutError(f"No notification has come for {seconds:g} s.", seconds) from None
        raise transport_closed("closed_by_client", None, None, "", "")

    # --- goals

    def thread_goal_set(
        self,
        thread_id: str,
        *,
        objective: str | None = None,
        status: ThreadGoalStatus | None = None,
        timeout_s: float | None = None,
    ) -> ThreadGoalSetResponse:
        """Set a thread's goal, or change a part of it. The runtime works towards it while it is active."""
        return self._client.request(
            _goals.change(identifier("thread_id", thread_id), objective=objective, status=status), timeout_s
        )

    def thread_goal_clear(self, thread_id: str, *, timeout_s: float | None = None) -> ThreadGoalClearResponse:
        """Take back a thread's goal."""
        return self._client.request(_goals.clear(identifier("thread_id", thread_id)), timeout_s)

    def pause_goal(self, thread_id: str, *, timeout_s: float | None = None) -> ThreadGoalSetResponse:
        """Pause a thread's goal: the turn that runs goes on, no other follows."""
        return self._client.request(_goals.pause(identifier("thread_id", thread_id)), timeout_s)

    def start_goal_operation(
        self, thread_id: str, objective: str, *, timeout_s: float | None = None
    ) -> tuple[GoalHandle, str]:
        """Set a goal and follow its turns as one: `Thread.goal()`, whose errors it raises.

        Returns:
            The handle of the goal, and the first turn's id.
        """
        request = _goals.activate(identifier("thread_id", thread_id), objective, None)
        since = self._client.serving.faults.mark()
        subscription = begun(self._connection, thread_id, request, Deadline(timeout_s))
        goal = GoalHandle(self, subscription, since)
        return goal, goal.id

    def cancel_goal_operation(self, state: GoalHandle, *, timeout_s: float | None = None) -> None:
        """Give a goal up: `GoalHandle.cancel()`."""
        if not isinstance(state, GoalHandle):
            raise InvalidInputTypeError(
                f"state must be what start_goal_operation() gave, not {type(state).__name__}."
            )
        state.cancel(timeout_s=timeout_s)

    # --- accounts

    def account_login_start(
        self, params: LoginAccountParams | JsonObject, *, timeout_s: float | None = None
    ) -> LoginAccountResponse:
        """Begin a login. Its completion is kept for `wait_for_login_completed()`."""
        answers: list[LoginAccountResponse] = []

        def made(answer: LoginAccountResponse) -> Login | None:
            answers.append(answer)
            login_id = getattr(getattr(answer, "root", None), "login_id", None)
            return self._login(login_id) if isinstance(login_id, str) else None

        request = _plain_requests.request("account/login/start", params)
        login = begun_login(self._client, request, made, timeout_s)
        if login is not None:
            self._logins[login.login_id] = login
        return answers[0]

    def account_login_cancel(
        self, login_id: str, *, timeout_s: float | None = None
    ) -> CancelLoginAccountResponse:
        """Cancel a login."""
        return self._client.request(_logins.cancel(login_id), timeout_s)

    def wait_for_login_completed(
        self, login_id: str, *, timeout_s: float | None = None
    ) -> AccountLoginCompletedNotification:
        """Wait until a login is over, for ever or for `timeout_s` seconds, and say how it ended.

        Raises:
            WaitTimeoutError: It is not over in time.
        """
        login = self._logins.get(login_id)
        if login is None:
            login = self._logins[login_id] = self._login(identifier("login_id", login_id))
        return login.wait(timeout_s=timeout_s)

    def _login(self, login_id: str) -> Login:
        return Login(self._client, login_id)

    def account_read(
        self, params: GetAccountParams | JsonObject | None = None, *, timeout_s: float | None = None
    ) -> GetAccountResponse:
        """Who is logged in."""
        answer: GetAccountResponse = self._ask("account/read", params, timeout_s=timeout_s)
        return answer

    def account_logout(self, *, timeout_s: float | None = None) -> LogoutAccountResponse:
        """Forget who is logged in."""
        request = _plain_requests.bare("account/logout")
        answer: LogoutAccountResponse = self._client.request(request, timeout_s)
        return answer
