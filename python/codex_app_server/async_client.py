"""The low-level asyncio client, where the official package has it. Exports only."""

from __future__ import annotations

from ._async.codex_client import AsyncCodexClient

# The older name of the same.
AsyncAppServerClient = AsyncCodexClient

__all__ = ["AsyncAppServerClient", "AsyncCodexClient"]
