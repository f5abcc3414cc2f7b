# Made from _async/accounts.py by `python scripts/make_sync.py`; do not edit.

"""What a client offers for logins and the account. A part of the client; the requests are in `logins`."""

from __future__ import annotations

from .. import types
from .._outgoing import logins
from .login import ChatgptLoginHandle, DeviceCodeLoginHandle, begun
from .runtime import Runtime


class Accounts:
    """A base of the client."""

    _runtime: Runtime

    def login_api_key(self, api_key: str, *, timeout_s: float | None = None) -> None:
        """Log in with an API key. The runtime keeps it unchecked: a wrong one fails the first turn.

        Args:
            api_key: The key. It is in no repr, no log and no error of this package.
            timeout_s: Seconds for the whole call.

        Raises:
            InvalidInputError: It cannot be sent. Nothing was sent.
            InvalidInputTypeError: `api_key` is not a str. Nothing was sent.
            JsonRpcError: The runtime refused, for example because another way to log in is prescribed.
            TransportClosedError: The connection ended first.
        """
        self._runtime.request(logins.api_key(api_key), timeout_s)

    def login_chatgpt(self, *, timeout_s: float | None = None) -> ChatgptLoginHandle:
        """Begin a ChatGPT login that a person completes in a browser on the runtime's machine.

        The runtime listens for one browser at a time: a new login of this kind, or one with a key, ends the
        one before, whose `wait()` says so.

        Raises:
            JsonRpcError: The runtime refused, or cannot listen for the browser.
            ParseError: The runtime's answer has no URL.
            TransportClosedError: The connection ended first.
        """

        def made(answer: types.ChatgptLoginAccountResponse) -> ChatgptLoginHandle:
            return ChatgptLoginHandle(self._runtime, answer.login_id, answer.auth_url)

        return begun(self._runtime, logins.chatgpt(), made, timeout_s)

    def login_chatgpt_device_code(self, *, timeout_s: float | None = None) -> DeviceCodeLoginHandle:
        """Begin a ChatGPT login that a person completes in a browser anywhere, by entering a code.

        Raises:
            JsonRpcError: The runtime refused, or the service did not give a code.
            ParseError: The runtime's answer has no code.
            TransportClosedError: The connection ended first.
        """

        def made(answer: types.ChatgptDeviceCodeLoginAccountResponse) -> DeviceCodeLoginHandle:
            return DeviceCodeLoginHandle(
                self._runtime, answer.login_id, answer.verification_url, answer.user_code
            )

        return begun(self._runtime, logins.device_code(), made, timeout_s)

    def account(
        self, *, refresh_token: bool = False, timeout_s: float | None = None
    ) -> types.GetAccountResponse:
        """Who is logged in: the answer's `account` is None if nobody is.

        Args:
            refresh_token: Whether a ChatGPT login's token is renewed first.
            timeout_s: Seconds for the whole call.

        Raises:
            InvalidInputTypeError: `refresh_token` is not a bool. Nothing was sent.
            JsonRpcError: The runtime refused, or could not renew the token.
            TransportClosedError: The connection ended first.
        """
        return self._runtime.request(logins.account(refresh_token=refresh_token), timeout_s)

    def logout(self, *, timeout_s: float | None = None) -> None:
        """Forget who is logged in, keys included. Does nothing if nobody is.

        Raises:
            JsonRpcError: The runtime could not.
            TransportClosedError: The connection ended first.
        """
        self._runtime.request(logins.logout(), timeout_s)
