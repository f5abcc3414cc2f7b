"""The changelog, as far as a release depends on it.

Owns the form of an entry's heading, `## [VERSION] - DATE` or `- unreleased`, and what moving to another
runtime does to the entry that is being written. What stands in an entry is written by people.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .errors import ReleaseError
from .project import Project

NAME = "CHANGELOG.md"
_UNRELEASED = "unreleased"
# The whole of an entry that moving to a runtime has opened.
_MOVED = "### Changed\n\n- Made for the Codex runtime {}."
_HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<when>.+))?$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """What one version brings.

    Attributes:
        version: The version in the heading.
        when: The date of the release, or "unreleased".
        text: Everything below the heading.
        start: Where the heading begins in the file.
        end: Where the next entry begins.
    """

    version: str
    when: str
    text: str
    start: int
    end: int


def entries(text: str) -> list[Entry]:
    """The entries of a changelog, in its order."""
    found = list(_HEADING.finditer(text))
    ends = [*(each.start() for each in found[1:]), len(text)]
    return [
        Entry(each["version"], each["when"] or "", text[each.end() : end].strip(), each.start(), end)
        for each, end in zip(found, ends, strict=False)  # without entries there is one end
    ]


def entry(root: Path, version: str, *, released: bool = False) -> Entry:
    """The entry of `version`.

    Args:
        root: The checkout.
        version: The version that the entry is about.
        released: Whether it must have a date.

    Raises:
        ReleaseError: There is none, it is empty, or it has no date though it is released.
    """
    heading = f"`## [{version}] - {date.today().isoformat()}`"
    found = [each for each in entries((root / NAME).read_text("utf-8")) if each.version == version]
    if len(found) != 1:
        raise ReleaseError(
            f"{NAME} has {len(found) or 'no'} {'entries' if found else 'entry'} for {version}.",
            f"have one entry below a heading like {heading}",
        )
    (one,) = found
    if not one.text:
        raise ReleaseError(f"The entry of {version} in {NAME} is empty.", "write what the version brings")
    if released and one.when == _UNRELEASED:
        raise ReleaseError(f"{NAME} says that {version} is unreleased.", f"date its heading: {heading}")
    if one.when != _UNRELEASED and not _is_date(one.when):
        raise ReleaseError(
            f"The heading of {version} in {NAME} has {one.when!r} where its date should be.",
            f"write {heading}, or `- {_UNRELEASED}` before the release",
        )
    return one


def notes(project: Project, version: str, *, released: bool = False) -> str:
    """The entry of `version` as the text of its release: with links that work outside the repository."""
    base = f"{project.repository}/blob/v{version}/"
    text = entry(project.root, version, released=released).text
    return re.sub(r"\]\((?![a-z]+:|#)", f"]({base}", text)


def moved(text: str, version: str) -> str:
    """The changelog of a project that has just moved to the runtime `version`.

    The entry that is being written gets that version. Where none is being written, one is opened that says
    only this, and it goes again when the project moves on, or back to a version that is released.
    """
    found = entries(text)
    open_entry = found[0] if found and found[0].when == _UNRELEASED else None
    released = {each.version for each in found if each is not open_entry}
    start = found[0].start if found else len(text)
    if open_entry is not None and open_entry.text != _MOVED.format(open_entry.version):
        if version in released:
            return text
        _, rest = text[start:].split("\n", 1)
        return f"{text[:start]}## [{version}] - {_UNRELEASED}\n{rest}"
    rest = text[open_entry.end :] if open_entry else text[start:]
    opened = (
        f"## [{version}] - {_UNRELEASED}\n\n{_MOVED.format(version)}\n\n" if version not in released else ""
    )
    return f"{text[:start]}{opened}{rest}"


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
