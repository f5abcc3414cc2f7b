"""The runtime's version beside the one that this package is made for.

Owns how versions are read and compared, and the one warning about a pair that differs. It refuses nothing:
`_outgoing.requirements` does, where an option is used that the runtime would drop. Called once per start,
and by the commands that report versions.
"""

from __future__ import annotations

import logging
import re
from typing import NamedTuple

from .._version import __version__

logger = logging.getLogger("codex_app_server")

# The version of the runtime that this package pins: its own, without the number of a post-release.
MADE_FOR = __version__.partition(".post")[0]

# As the runtime writes them (0.164.0-alpha.2) and as its package does (0.164.0a2).
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-?(a|b|rc)(?:lpha|eta)?\.?(\d+)|-([\w.]+))?")

# By version: what was warned about in this process.
_warned: dict[Version, object] = {}


class Version(NamedTuple):
    """A version in its order: a pre-release comes before its release."""

    numbers: tuple[int, int, int]
    is_final: bool = True
    prerelease: tuple[str, int] = ("", 0)

    @property
    def is_from_source(self) -> bool:
        """Whether it was built from source, where the runtime calls itself 0.0.0."""
        return self.numbers == (0, 0, 0)


def parse(text: str) -> Version | None:
    """The version that `text` begins with, if it does."""
    found = _VERSION.match(text)
    if found is None:
        return None
    numbers = (int(found[1]), int(found[2]), int(found[3]))
    if found[4] is not None:
        return Version(numbers, False, (found[4], int(found[5])))
    if found[6] is not None:
        return Version(numbers, False, (found[6], 0))
    return Version(numbers)


def mismatch(text: str | None) -> str | None:
    """What to say about a runtime that calls its version `text`; None if it is the right one.

    Nothing is said about a build from source, or about a text that is no version: they tell nothing.
    """
    made_for, found = parse(MADE_FOR), parse(text or "")
    if made_for is None or found is None or found.is_from_source or found == made_for:
        return None
    version = (text or "").split()[0]
    if found > made_for:
        age, effect = "newer", "what it adds comes as unknown objects with their data"
    else:
        age, effect = "older", "calls that it lacks are refused"
    return (
        f"The Codex runtime in use is {version}, which is {age} than {MADE_FOR}, the version that "
        f"codex-app-server-sdk {__version__} is made for. They are used together; {effect}. To have one "
        f"version of both, use the SDK that is made for {version}, or leave CodexConfig.codex_bin out and "
        f"`pip install openai-codex-cli-bin=={MADE_FOR}`."
    )


def warn_once(text: str | None) -> None:
    """Log a warning if the runtime has another version, once per version and process."""
    message = mismatch(text)
    version = parse(text or "")
    # An atomic look-up in place of a lock: a signal handler may start a client in the middle of this.
    if message is not None and version is not None:
        mine = object()
        if _warned.setdefault(version, mine) is mine:
            logger.warning("%s", message)
