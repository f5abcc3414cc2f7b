"""The low-level client and its configuration, where the official package has them. Exports only."""

from __future__ import annotations

from ._bin_resolver import CodexBinResolverOps, default_codex_home, resolve_codex_bin
from ._config import CodexConfig
from ._sync.codex_client import CodexClient

# The older name of the same.
AppServerClient = CodexClient

__all__ = [
    "AppServerClient",
    "CodexBinResolverOps",
    "CodexClient",
    "CodexConfig",
    "default_codex_home",
    "resolve_codex_bin",
]
