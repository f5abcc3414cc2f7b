# Made from _async/client_requests.py by `python scripts/make_sync.py`; do not edit.

"""What a client offers to take and to find what the runtime asks. A part of the client.

The requests are objects of `requests`; who gets each is decided by `_serving`.
"""

from __future__ import annotations

from typing import Any, TypeVar, overload

from ..requests import ServerRequest
from .pulling import Requests
from .runtime import Runtime

RequestT = TypeVar("RequestT", bound="ServerRequest")
OtherT = TypeVar("OtherT", bound="ServerRequest")
ThirdT = TypeVar("ThirdT", bound="ServerRequest")


class ClientRequests:
    """A base of the client."""

    _runtime: Runtime

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
        return Requests(self._runtime, kinds, thread_id)

    def pending_request(self, token: str) -> ServerRequest:
        """The request that waits for an answer by this token: for pages whose visitors answer.

        Raises:
            InvalidInputTypeError: The token is no text.
            RequestNotFoundError: There is none: it is settled, or of another connection.
        """
        return self._runtime.serving.pending(token)

    def pending_requests(self) -> list[ServerRequest]:
        """What waits for an answer now, the oldest first: with a handler, in a `requests()`, or deferred."""
        return self._runtime.serving.all_pending()
