"""Whether what is measured is a release build. Every benchmark says so before it begins when it is not."""

from __future__ import annotations

import sys

from codex_app_server import _native

RELEASE = _native.RELEASE
WARNING = "NOT A RELEASE BUILD of codex_app_server._native: its figures mean nothing. Build it with `make`."


def announce() -> None:
    if not RELEASE:
        print(WARNING, file=sys.stderr)
