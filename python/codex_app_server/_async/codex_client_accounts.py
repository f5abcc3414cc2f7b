"""The low-level client's account and logins. A part of it; `_outgoing.logins` describes the requests."""

from __future__ import annotations

from .. import types
from .._arguments import identifier
from .._outgoing import logins, low_level_requests
from ..models import JsonObject, Notification
from .codex_client_state import AsyncCodexClientState
from .codex_client_threads import AsyncCodexClientThreads
from .login import AsyncLogin, begun


class AsyncCodexClientAccounts(AsyncCodexClientThreads):
    """A base of the low-level client."""

    # Those that it has begun, or that are registered.
    _logins: dict[str, AsyncLogin]
    _state: AsyncCodexClientState

    async def account_login_start(
        self, params: types.LoginAccountParams | JsonObject, *, timeout_s: float | None = None
    ) -> types.LoginAccountResponse:
        """Begin a login. Its completion is kept for `wait_for_login_completed()`."""
        answers: list[types.LoginAccountResponse] = []

        def made(answer: types.LoginAccountResponse) -> AsyncLogin | None:
            answers.append(answer)
            login_id = getattr(getattr(answer, "root", None), "login_id", None)
            return AsyncLogin(self._runtime, login_id) if isinstance(login_id, str) else None

        request = low_level_requests.request("account/login/start", params)
        login = await begun(self._runtime, request, made, timeout_s)
        if login is not None:
            self._logins[login.login_id] = login
        return answers[0]

    async def account_login_cancel(
        self, login_id: str, *, timeout_s: float | None = None
    ) -> types.CancelLoginAccountResponse:
        """Cancel a login."""
        return await self._runtime.request(logins.cancel(login_id), timeout_s)

    async def wait_for_login_completed(
        self, login_id: str, *, timeout_s: float | None = None
    ) -> types.AccountLoginCompletedNotification:
        """Wait until a login is over, for ever or for `timeout_s` seconds, and say how it ended.

        Raises:
            WaitTimeoutError: It is not over in time.
        """
        return await self._login_of(login_id).wait(timeout_s=timeout_s)

    def _login_of(self, login_id: str) -> AsyncLogin:
        with self._state.registering:
            login = self._logins.get(login_id)
            if login is None:
                login = self._logins[login_id] = AsyncLogin(self._runtime, identifier("login_id", login_id))
                # After it has begun to listen: its end is either heard by it or found here.
                login._completed = self._state.end_of_login(login_id)
            return login

    def register_login_notifications(self, login_id: str) -> None:
        """Keep the completion of a login for `next_login_notification()`; what has come already is kept."""
        self._login_of(login_id)

    def unregister_login_notifications(self, login_id: str) -> None:
        """Let go of a login's completion. The login goes on."""
        login = self._logins.pop(login_id, None)
        if login is not None:
            login._free()

    async def next_login_notification(self, login_id: str, *, timeout_s: float | None = None) -> Notification:
        """The completion of a login that was begun here or is registered; waits for it.

        Raises:
            RuntimeError: The login is neither.
            WaitTimeoutError: It has not come after `timeout_s` seconds.
        """
        if login_id not in self._logins:
            raise RuntimeError(
                f"Login {login_id} is not registered: call register_login_notifications() first."
            )
        return Notification(logins.COMPLETED, await self._logins[login_id].wait(timeout_s=timeout_s))

    async def account_read(
        self, params: types.GetAccountParams | JsonObject | None = None, *, timeout_s: float | None = None
    ) -> types.GetAccountResponse:
        """Who is logged in."""
        answer: types.GetAccountResponse = await self._ask("account/read", params, timeout_s=timeout_s)
        return answer

    async def account_logout(self, *, timeout_s: float | None = None) -> types.LogoutAccountResponse:
        """Forget who is logged in."""
        request = low_level_requests.bare("account/logout")
        answer: types.LogoutAccountResponse = await self._runtime.request(request, timeout_s)
        return answer
