"""What programs of the official package reach for in the client, though it is private there.

Owns the official name of the low-level client, over the same runtime and made when it is first asked for.
"""

from __future__ import annotations

from typing import Any  # async only

from .._package import late
from ..errors import InvalidInputTypeError  # async only
from .runtime import AsyncRuntime


class AsyncOfficial:
    """A base of the client."""

    _runtime: AsyncRuntime
    # Kept here, so that it and what it keeps live as long as the client.
    _low_level: late.AsyncCodexClient | None = None

    @property
    def _client(self) -> late.AsyncCodexClient:
        """The low-level client over this client's runtime."""
        return self._runtime.low_level

    @_client.setter
    def _client(self, client: late.AsyncCodexClient) -> None:
        # Of a client that was made by `__new__`.
        self._runtime = client._runtime
        self._low_level = client
        self._runtime.adopt(self)  # type: ignore[arg-type]
        client._serve()

    def __init_subclass__(cls, **options: Any) -> None:  # async only
        super().__init_subclass__(**options)  # async only
        if cls._ensure_initialized is not AsyncOfficial._ensure_initialized:  # async only
            raise InvalidInputTypeError(  # async only
                f"{cls.__name__}._ensure_initialized cannot be overridden in this package, "  # async only
                "whose methods would pass it over: see docs/migration.md. Do what comes "  # async only
                "first in a method of your own."  # async only
            )  # async only

    async def _ensure_initialized(self) -> None:
        """Start the runtime, unless that was done."""
        await self._runtime.start()
