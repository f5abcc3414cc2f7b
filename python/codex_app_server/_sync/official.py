# Made from _async/official.py by `python scripts/make_sync.py`; do not edit.

"""What programs of the official package reach for in the client, though it is private there.

Owns the official name of the low-level client, over the same runtime and made when it is first asked for.
"""

from __future__ import annotations

from .._package import late
from .runtime import Runtime


class Official:
    """A base of the client."""

    _runtime: Runtime
    # Kept here, so that it and what it keeps live as long as the client.
    _low_level: late.CodexClient | None = None

    @property
    def _client(self) -> late.CodexClient:
        """The low-level client over this client's runtime."""
        return self._runtime.low_level

    @_client.setter
    def _client(self, client: late.CodexClient) -> None:
        # Of a client that was made by `__new__`.
        self._runtime = client._runtime
        self._low_level = client
        self._runtime.adopt(self)  # type: ignore[arg-type]
        client._serve()

    def _ensure_initialized(self) -> None:
        """Start the runtime, unless that was done."""
        self._runtime.start()
