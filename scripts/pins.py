"""Where the versions stand: that of the pinned runtime, and the SDK's own.

Owns the list of places and the one way to read and write them. Who decides on a version is elsewhere: moving
to another runtime (`scripts.move_runtime`) writes both, staging a release (`scripts.release`) writes the
copies of a staged tree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

# The text of each file before and after the version. Each place stands once in its file.
Places = Mapping[str, tuple[str, ...]]

RUNTIME: Places = {
    "pyproject.toml": (r"(openai-codex-cli-bin==).+?(\")", r"(openai-codex==).+?(\")"),
    "constraints.txt": (r"^(openai-codex-cli-bin==).+()$", r"^(openai-codex==).+()$"),
    "docs/migration.md": (r"(names and signatures of `openai-codex` )\S+?(,)",),
}
SDK: Places = {
    "pyproject.toml": (r'^(version = ").+(")$',),
    "python/codex_app_server/_version.py": (r'^(__version__ = ").+(")$',),
}


def write(root: Path, *pins: tuple[Places, str]) -> None:
    """Write versions into their places below `root`, of each pair the second into the first.

    Raises:
        ValueError: A place is not where it should be. Nothing was written then.
    """
    texts: dict[Path, str] = {}
    for places, version in pins:
        for name, patterns in places.items():
            path = root / name
            text = texts.get(path) or path.read_text("utf-8")
            for pattern in patterns:
                text, found = re.subn(pattern, rf"\g<1>{version}\g<2>", text, flags=re.MULTILINE)
                if found != 1:
                    raise ValueError(f"{name} has {found} pins like {pattern!r}, not one")
            texts[path] = text
    for path, text in texts.items():
        path.write_text(text, "utf-8")
