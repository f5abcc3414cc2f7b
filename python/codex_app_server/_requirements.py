"""Which options an older runtime would drop without a word, and the check that it is not one of those.

Owns the version from which on the runtime knows them. Called by the connections before they send.
"""

from __future__ import annotations

import re

from .errors import RuntimeTooOldError

# The runtime ignores fields that it does not know.
NEWER_OPTIONS = ("include_turns", "source", "turn_service_tier")
_MINIMUM = (0, 151, 0)
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(-)?")


def require(needs: tuple[str, ...], version: str | None) -> None:
    """Refuse what a runtime of this `version` would drop.

    A build from source, which calls itself 0.0.0, is taken for a new one.

    Raises:
        RuntimeTooOldError: The runtime is too old, or does not say how old it is.
    """
    if needs and not _is_new(version or ""):
        raise RuntimeTooOldError(", ".join(needs), ".".join(map(str, _MINIMUM)), version)


def _is_new(version: str) -> bool:
    found = _VERSION.match(version)
    if found is None:
        return False
    numbers = (int(found[1]), int(found[2]), int(found[3]))
    is_prerelease = found[4] is not None
    return numbers in {(0, 0, 0)} or numbers > _MINIMUM or (numbers == _MINIMUM and not is_prerelease)
