"""Handles of logins that a person completes in a browser. The requests are in `_outgoing.logins`.

Owns the way from a login's start to its completion without a gap. The runtime names a login only in its
answer, and the completion may be there just as soon: who begins one listens to all completions before the
request is written, then to this login, and only then looks through what was heard meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeVar

from .. import types
from .._concurrency.deadline import Deadline
from .._incoming.bound import stream_state
from .._incoming.decoding import decoder
from .._native import Subscription
from .._outgoing import logins
from .._outgoing.requests import Request
from .._package import late
from ..errors import ForkedProcessError, InvalidRequestError, StreamClosedError, TransportClosedError
from .connection import AsyncConnection
from .owned import AsyncOwned, runtime_of, with_official_fields
from .runtime import AsyncRuntime
from .waiting import Lock, entering, wait_ready

T = TypeVar("T")
LoginT = TypeVar("LoginT", bound="AsyncLogin")
MadeT = TypeVar("MadeT", bound="AsyncLogin | None")


async def begun(
    client: AsyncRuntime, request: Request[T], make: Callable[[T], MadeT], timeout_s: float | None
) -> MadeT:
    """Begin a login; returns its handle, if the answer makes one. If that fails, nothing is left."""
    deadline = Deadline(timeout_s)
    connection = await client.start(deadline)
    listening = connection.native.subscribe_notifications([logins.COMPLETED])
    try:
        login = await connection.request(request.making(make), deadline=deadline)
        if login is not None:
            login._look(listening)
    finally:
        listening.close()
    return login


@dataclass(slots=True, init=False, repr=False)
class AsyncLogin(AsyncOwned):
    """What the handles of both kinds of logins are."""

    _runtime: AsyncRuntime
    login_id: str
    _connection: AsyncConnection = field(init=False, repr=False, compare=False)
    _subscription: Subscription = field(init=False, repr=False, compare=False)
    # Only one consumer drains and waits at a time; the native mailbox knows one waiter.
    _lock: Lock = field(init=False, repr=False, compare=False)
    _completed: types.AccountLoginCompletedNotification | None = field(init=False, repr=False, compare=False)
    _closed: bool = field(init=False, repr=False, compare=False)

    def __init__(self, _codex: late.AsyncCodex | late.AsyncCodexClient | AsyncRuntime, login_id: str) -> None:
        self._runtime = runtime_of(_codex)
        self.login_id = login_id
        errand = logins.cancel_errand(self.login_id)
        self._connection = self._runtime.connection
        self._subscription = self._connection.native.subscribe_subject(
            logins.SUBJECT, self.login_id, errand=errand
        )
        self._lock = Lock()
        self._completed = None
        self._closed = False

    _in_place_of_a_copy = "Keep its id and make another of it: it hears of the completion from then on."

    # Neither address nor code: whoever has them can log in.
    def _standing(self) -> str:
        if self._completed is not None:
            state = "succeeded" if self._completed.success is True else "failed"
        else:
            state = stream_state(self._connection.native, "waiting", is_closed=self._closed)
        return f"login_id={self.login_id!r} {state}"

    async def wait(self, *, timeout_s: float | None = None) -> types.AccountLoginCompletedNotification:
        """Wait until the login is over, for ever or for `timeout_s` seconds, and say how it ended.

        A login that failed, was cancelled or gave way to another does not raise: `success` is False then, and
        `error` says why. Every wait gets the same answer, also one that begins later.

        Raises:
            StreamClosedError: The handle was closed before the login was over.
            WaitTimeoutError: It is not over after `timeout_s`. It goes on.
            TransportClosedError: The connection ended first.
        """
        deadline = Deadline(timeout_s)
        while True:
            # Not while it waits: a signal handler may ask, too.
            async with entering(self._lock):
                if self._completed is None:
                    self._look(self._subscription)
                if self._completed is not None:
                    self._free()
                    return self._completed
            if not await wait_ready(self._subscription, deadline.left() if deadline.is_given else None):
                raise deadline.missed_end("The login")
            self._connection.log_diagnostics()

    async def cancel(self, *, timeout_s: float | None = None) -> types.CancelLoginAccountResponse:
        """Cancel the login. Who waits for it is told that it failed.

        The answer's status is "notFound" if it is over already.

        Raises:
            InvalidRequestError: `login_id` is none that the runtime could have given.
            TransportClosedError: The connection has ended.
        """
        return await self._connection.request(logins.cancel(self.login_id), deadline=Deadline(timeout_s))

    async def aclose(self, *, timeout_s: float | None = None) -> None:
        """Cancel the login if it is not known to be over, and stop listening. Idempotent.

        Nothing is raised if it has ended already, or the connection has.

        Raises:
            RequestTimeoutError: The runtime does not answer.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self._completed is None:
                with suppress(InvalidRequestError, TransportClosedError):
                    await self.cancel(timeout_s=timeout_s)
        except BaseException:
            self._let_go()
            raise
        self._free()

    def _look(self, subscription: Subscription) -> None:
        """Keep the completion of this login, if it is among what `subscription` has heard so far."""
        try:
            while events := subscription.drain(decoder()):
                for event in events:
                    self._completed = self._completed or logins.completion(event, self.login_id)
        except RuntimeError:
            if not self._closed:
                raise
            raise StreamClosedError("This handle was closed before the login was over.") from None

    def _let_go(self) -> None:
        """Stop listening and have the login cancelled, without waiting for that."""
        self._closed = True
        with suppress(ForkedProcessError):
            self._subscription.give_up()

    def _free(self) -> None:
        with suppress(ForkedProcessError):  # in a forked child nothing is held
            self._subscription.close()

    async def __aenter__(self: LoginT) -> LoginT:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None or isinstance(exc, Exception):
            await self.aclose()
        else:
            # A cancellation, a Ctrl-C: nobody waits any more.
            self._let_go()


@with_official_fields
@dataclass(slots=True, init=False, repr=False)
class AsyncChatgptLoginHandle(AsyncLogin):
    """A ChatGPT login in a browser, on the machine that the runtime runs on.

    Async form of `ChatgptLoginHandle`. Made by `AsyncCodex.login_chatgpt()`; made from ids, it follows a
    login that was begun elsewhere and hears of its completion from then on. A handle that is merely dropped
    leaves the login to the person; one that is closed, or left in a `with` block, cancels it.

    Args:
        login_id: The login's id.
        auth_url: What the person opens in the browser.

    Example:
        >>> async def main():
        ...     async with AsyncCodex() as codex:
        ...         async with await codex.login_chatgpt() as login:
        ...             print("Open", login.auth_url)
        ...             print((await login.wait()).success)
    """

    auth_url: str

    def __init__(
        self, _codex: late.AsyncCodex | late.AsyncCodexClient | AsyncRuntime, login_id: str, auth_url: str
    ) -> None:
        AsyncLogin.__init__(self, _codex, login_id)
        self.auth_url = auth_url


@with_official_fields
@dataclass(slots=True, init=False, repr=False)
class AsyncDeviceCodeLoginHandle(AsyncLogin):
    """A ChatGPT login in a browser anywhere, by a code that is entered there.

    Async form of `DeviceCodeLoginHandle`. Made by `AsyncCodex.login_chatgpt_device_code()`; made from ids, it
    follows a login that was begun elsewhere and hears of its completion from then on. A handle that is merely
    dropped leaves the login to the person; one that is closed, or left in a `with` block, cancels it.

    Args:
        login_id: The login's id.
        verification_url: What the person opens in a browser.
        user_code: What the person enters there. It is not in the handle's repr.

    Example:
        >>> async def main():
        ...     async with AsyncCodex() as codex:
        ...         async with await codex.login_chatgpt_device_code() as login:
        ...             print("Open", login.verification_url, "and enter", login.user_code)
        ...             print((await login.wait()).success)
    """

    verification_url: str
    user_code: str = field(repr=False)

    def __init__(
        self,
        _codex: late.AsyncCodex | late.AsyncCodexClient | AsyncRuntime,
        login_id: str,
        verification_url: str,
        user_code: str,
    ) -> None:
        AsyncLogin.__init__(self, _codex, login_id)
        self.verification_url = verification_url
        self.user_code = user_code
