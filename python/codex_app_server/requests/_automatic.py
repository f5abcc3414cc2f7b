"""What programs answer without a person, and within the runtime's own deadline."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import types
from .._package.late import datetime
from ..errors import InvalidInputError, InvalidInputTypeError
from ._base import ServerRequest, text

# What 64 bits hold.
_MOST_SECONDS = 2**63


class AutomaticRequest(ServerRequest):
    """One with a deadline: a handler that takes longer has refused. It counts to no limit."""

    # Seconds: the runtime's own.
    deadline_s: ClassVar[float]


class TokenRefresh(AutomaticRequest):
    """The tokens that the program has logged in with are not valid any more; within 10 seconds."""

    kind: ClassVar[str] = "token_refresh"
    params: types.ChatgptAuthTokensRefreshParams
    deadline_s: ClassVar[float] = 10.0

    @property
    def reason(self) -> str:
        """Why, for example "unauthorized"."""
        return str(text(self.params.reason))

    @property
    def previous_account_id(self) -> str | None:
        """The account (workspace) of the tokens before, for programs that know several."""
        return self.params.previous_account_id

    def provide(self, access_token: str, account_id: str, plan_type: str | None = None) -> None:
        """Give new tokens.

        Args:
            access_token: The access token, a JWT.
            account_id: Its account (workspace).
            plan_type: Its plan; by default the runtime reads it from the token.
        """
        from ..generated.v2_all import ChatgptAuthTokensRefreshResponse

        result = {"accessToken": access_token, "chatgptAccountId": account_id, "chatgptPlanType": plan_type}
        self._respond(ChatgptAuthTokensRefreshResponse, result, "provide")


class Attestation(AutomaticRequest):
    """The runtime wants an attestation of this client; within 0.1 seconds."""

    kind: ClassVar[str] = "attestation"
    params: types.AttestationGenerateParams
    deadline_s: ClassVar[float] = 0.1

    def provide(self, token: str) -> None:
        """Give the token, which is opaque to the runtime."""
        from ..generated.v2_all import AttestationGenerateResponse

        self._respond(AttestationGenerateResponse, {"token": token}, "provide")


class CurrentTime(AutomaticRequest):
    """The runtime asks for the time by the program's clock; within 10 seconds."""

    kind: ClassVar[str] = "current_time"
    params: types.CurrentTimeReadParams
    deadline_s: ClassVar[float] = 10.0

    def provide(self, now: float | datetime.datetime) -> None:
        """Give the time: seconds since the epoch, or a `datetime` with a timezone.

        Raises:
            InvalidInputError: It is no moment that the protocol can say.
            InvalidInputTypeError: It is neither.
        """
        from ..generated.v2_all import CurrentTimeReadResponse

        # Duck-typed: the module of datetimes is not imported for those who have none.
        moment: Any = now
        if hasattr(now, "timestamp"):
            if moment.tzinfo is None:
                raise InvalidInputTypeError(
                    "The time must have a timezone, as datetime.now(timezone.utc) has."
                )
            now = float(moment.timestamp())
        if isinstance(now, bool) or not isinstance(now, (int, float)):
            raise InvalidInputTypeError(f"The time must be in seconds, not {type(now).__name__}.")
        if not abs(now) < _MOST_SECONDS:
            raise InvalidInputError(f"The time must be in seconds since the epoch, not {now}.")
        self._respond(CurrentTimeReadResponse, {"currentTimeAt": int(now)}, "provide")
