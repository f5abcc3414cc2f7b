"""The offline model's own errors; they say what to do next."""

from __future__ import annotations


class OfflineModelError(RuntimeError):
    """The offline model was used wrongly, or its server ended."""


class MissingRequestsError(OfflineModelError, TimeoutError):
    """Fewer requests arrived, or were aborted, in time than a test waited for."""


class ScriptError(OfflineModelError):
    """The script has no answer for a request; the turn fails with this message."""
