"""Which options an older runtime would drop without a word, and the check that it is not one of those.

Owns the version from which on the runtime knows them. Called by the connections before they send.
"""

from __future__ import annotations

from .._launch.runtime_version import Version, parse
from ..errors import RuntimeTooOldError

# The runtime ignores fields that it does not know.
NEWER_OPTIONS = ("include_turns", "source", "turn_service_tier")
_MINIMUM = Version((0, 151, 0))


def require(needs: tuple[str, ...], version: str | None) -> None:
    """Refuse what a runtime of this `version` would drop.

    A build from source, which calls itself 0.0.0, is taken for a new one.

    Raises:
        RuntimeTooOldError: The runtime is too old, or does not say how old it is.
    """
    found = parse(version or "")
    if needs and not (found is not None and (found.is_from_source or found >= _MINIMUM)):
        required = ".".join(map(str, _MINIMUM.numbers))
        raise RuntimeTooOldError(", ".join(needs), required, version)
