# Made from _async/codex_client.py by `python scripts/make_sync.py`; do not edit.

"""`CodexClient`: the protocol as it is, call by call, for programs that want no more than that.

Owns its states and the notifications that are no turn's, which it keeps for its caller as the official one
does. Its calls are in its bases, by what they are about. It is also what the official name `_client` of the
other client finds: then the runtime is that client's, which is started and ended as that says.
"""

from __future__ import annotations

from itertools import islice
from types import TracebackType
from typing import Any, TypeVar

from .. import types
from .._arguments import gives_coroutine
from .._concurrency.deadline import Deadline
from .._incoming.bound import Bound
from .._incoming.failures import transport_closed
from .._launch.config import CodexConfig
from .._official_names import refuse_to_override, refuse_to_set
from .._outgoing import logins, requests
from .._package.late import pydantic
from ..errors import (
    InvalidInputError,
    InvalidInputTypeError,
    JsonRpcError,
    is_retryable_error,
)
from ..models import JsonObject, Notification
from ..retry import pauses
from .answering import Answering, Handler
from .codex_client_accounts import CodexClientAccounts
from .codex_client_answers import CodexClientAnswers
from .codex_client_goals import CodexClientGoals
from .codex_client_turns import CodexClientTurns
from .feed import next_of
from .runtime import Runtime
from .waiting import bounded, entering, sleep

# By how much of itself a pause between two tries may be shorter or longer.
_JITTER = 0.2

ModelT = TypeVar("ModelT", bound="pydantic.BaseModel")
ClientT = TypeVar("ClientT", bound="CodexClient")


class CodexClient(CodexClientAnswers, CodexClientTurns, CodexClientGoals, CodexClientAccounts, Bound):
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

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        refuse_to_override(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        is_view = "_runtime" in vars(self) and not self._runtime.is_by_hand
        refuse_to_set(type(self), name, is_view=is_view)
        super().__setattr__(name, value)

    def __init__(
        self,
        config: CodexConfig | None = None,
        approval_handler: Handler | None = None,
    ) -> None:
        if config is not None and not isinstance(config, CodexConfig):
            raise InvalidInputTypeError(f"config must be a CodexConfig, not {type(config).__name__}.")
        if approval_handler is not None and not callable(approval_handler):
            raise InvalidInputTypeError("approval_handler must be callable.")
        if gives_coroutine(approval_handler):
            raise InvalidInputTypeError("A coroutine function goes with the asyncio client.")
        self._set_up(Runtime(config or CodexConfig(), by_hand=True), approval_handler)

    def _set_up(self, runtime: Runtime, handler: Handler | None) -> None:
        self._runtime = runtime
        self.config = runtime.config
        state = self._state = runtime.low_level_state
        if handler is not None:
            state.handler = handler
        self._lock = state.lock
        self._turns, self._goals, self._logins = state.turns, state.goals, state.logins
        runtime.low_level_is(self, is_of_own_class=type(self) is not CodexClient)

    @classmethod
    def _over(cls, runtime: Runtime) -> CodexClient:
        """A low-level client over the runtime of another client."""
        client = cls.__new__(cls)
        client._set_up(runtime, None)
        return client

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

    _in_place_of_a_copy = "Make a client in each process; a stored thread can be resumed there by its id."

    def _standing(self) -> str:
        return self._runtime.standing()

    # --- the connection

    def start(self) -> None:
        """Start the runtime, and listen to its notifications from its first line on.

        Does nothing while one runs; one that has ended is replaced.

        Raises:
            LaunchError: It cannot be started.
        """
        if not self._runtime.is_by_hand:
            self._runtime.start()
            return
        with entering(self._lock):
            state = self._state
            if state.unscoped is not None and not self._connection.native.closed:
                return
            state.unscoped = None
            self._runtime.reopen()
            self._runtime.spawn()
            state.forget()
            state.listen(self._runtime.spawned)
            self._serve()

    def initialize(self, *, timeout_s: float | None = None) -> types.InitializeResponse:
        """Greet the runtime, which answers to nothing else before.

        Raises:
            StartupError: It is no Codex runtime, or did not become ready. It is gone then.
            RequestTimeoutError: It was not ready after `timeout_s`. It is being ended then.
            InvalidRequestError: That was done before.
        """
        deadline = Deadline(timeout_s)
        if not self._runtime.is_by_hand:
            self._runtime.start(deadline)
            return self._runtime.metadata
        entering(self._lock)
        try:
            if not self._lock.acquire(timeout=bounded(deadline.left())):
                raise deadline.missed("initialize")
            if not self._runtime.is_initialized:
                return self._runtime.initialize(deadline)
        finally:
            try:
                self._lock.release()
            except RuntimeError:  # it was not taken
                pass
        return self._connection.request(requests.initialize(self.config), deadline=deadline)

    def close(self) -> None:
        """End the runtime and wait until it is gone. Idempotent.

        Whatever still waits for the runtime, here or in another thread, gets ClientClosedError. Notifications
        that were not read yet still can be.
        """
        answering = self._state.answering
        self._runtime.close()
        if isinstance(answering, Answering):
            answering.close()

    @property
    def pid(self) -> int:
        """The runtime's process id, also once it has ended.

        Raises:
            NotStartedError: It was not started yet.
        """
        return self._runtime.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code of the runtime, or the negative number of the signal that has ended it.

        None while it runs, before it is started, and if the system has not told.
        """
        return self._runtime.exit_code

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
        request = requests.raw(method, params, response_model)
        answer: ModelT = self._runtime.request(request, timeout_s)
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
        request = requests.raw(method, params, response_model)
        if max_attempts < 1:
            raise InvalidInputError("max_attempts must be at least 1.")
        connection = self._runtime.start(deadline)
        answer: ModelT
        for delay in islice(pauses(initial_delay_s, max_delay_s, _JITTER), max_attempts - 1):
            try:
                answer = connection.request(request, deadline=deadline)
                return answer
            except JsonRpcError as error:
                if not is_retryable_error(error) or delay >= deadline.left():
                    raise
            sleep(delay)
        answer = connection.request(request, deadline=deadline)
        return answer

    def notify(self, method: str, params: JsonObject | None = None) -> None:
        """Send a notification, which has no answer."""
        notification = requests.raw(method, {} if params is None else params, None)
        connection = self._runtime.start()
        connection.native.notify(notification.method, requests.serialise(notification))

    def next_notification(self, *, timeout_s: float | None = None) -> Notification:
        """The next notification that is no turn's, of all since `start()`; waits for one.

        They are kept within `CodexConfig.turn_budget_bytes`. The end of a login that has an id is not among
        them: `wait_for_login_completed()` has it.

        Raises:
            WaitTimeoutError: None has come for `timeout_s` seconds.
            StreamOverflowError: Notifications were dropped here, because nobody read them. Read on.
            TransportClosedError: The client is not started, or all were read and the connection has ended.
        """
        deadline = Deadline(timeout_s)
        if self._state.unscoped is None:
            self._runtime.start(deadline)
        feed = self._state.unscoped
        event: Notification | None = None
        if feed is not None:
            event = next_of(feed, timeout_s, "notification")
            while event is not None and logins.is_of_a_handle(event):
                left = deadline.left() if deadline.is_given else None
                event = next_of(feed, left, "notification")
        if event is None:
            raise transport_closed("closed_by_client", None, None, "", "")
        return event
