"""The links of a document that is read outside the repository: a readme on a package index, notes of a
release.

Owns which of them would lead nowhere there. Asks no network: a link into the repository is looked up in the
checkout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .project import Project


def targets(markdown: str) -> list[str]:
    """Where the links and images of a document lead, in their order."""
    return list(_targets(MarkdownIt().parse(markdown)))


def _targets(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        for name in ("href", "src"):
            if name in token.attrs:
                yield str(token.attrs[name])
        yield from _targets(token.children or [])


def path_of(link: str, project: Project) -> str | None:
    """The path in the repository that `link` leads to, None where it leads elsewhere."""
    into = re.match(rf"{re.escape(project.repository)}/(?:blob|tree)/[^/]+/([^#?]*)", link)
    return into[1] if into else None


def problems(markdown: str, project: Project) -> list[str]:
    """What is wrong with the links of a document, a line each."""
    found = []
    for link in targets(markdown):
        path = path_of(link, project)
        if not re.match(r"(https?|mailto):", link):
            found.append(f"the link to {link} leads nowhere outside the repository")
        elif path is not None and not (project.root / path).exists():
            found.append(f"the link to {link} leads to a file that is not there")
    return found
