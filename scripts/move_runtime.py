"""Moves the project to another runtime: `make runtime VERSION=0.164.0`.

Owns the places where the runtime's version is pinned. Pins it there, installs it with the official SDK of the
same version, runs the generators and prints which methods came, went or changed. What is left to a person is
to read the difference and run the tests.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent

# Each pattern stands once in its file.
PINS = {
    "pyproject.toml": (r'^(version = ").+(")$', r"(openai-codex-cli-bin==).+(\")", r"(openai-codex==).+(\")"),
    "constraints.txt": (r"^(openai-codex-cli-bin==).+()$", r"^(openai-codex==).+()$"),
    "python/codex_app_server/_version.py": (r'^(__version__ = ").+(")$',),
}


def pin(root: Path, version: str) -> None:
    """Write `version` into every pin below `root`.

    Raises:
        ValueError: A pin is not where it should be. Nothing was written then.
    """
    texts: dict[Path, str] = {}
    for name, patterns in PINS.items():
        path = root / name
        text = path.read_text("utf-8")
        for pattern in patterns:
            text, found = re.subn(pattern, rf"\g<1>{version}\g<2>", text, flags=re.MULTILINE)
            if found != 1:
                raise ValueError(f"{name} has {found} pins like {pattern!r}, not one")
        texts[path] = text
    for path, text in texts.items():
        path.write_text(text, "utf-8")


def methods() -> dict[str, dict[str, object]]:
    """The tables of the generated package as it is on disk now."""
    tables: list[ModuleType] = []
    for name in ("notifications", "requests"):
        module = importlib.import_module(f"codex_app_server.generated.{name}")
        tables.append(importlib.reload(module))
    notifications, requests = tables
    return {
        "notification": dict(notifications.PAYLOADS),
        "request": dict(requests.REQUESTS),
        "server request": dict(requests.SERVER_REQUESTS),
    }


def changes(before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]) -> list[str]:
    """What differs between two sets of tables, a line each."""
    lines = []
    for kind, old in before.items():
        new = after[kind]
        for method in sorted(old.keys() | new.keys()):
            if method not in old:
                lines.append(f"+ {kind} {method}")
            elif method not in new:
                lines.append(f"- {kind} {method}")
            elif old[method] != new[method]:
                lines.append(f"~ {kind} {method}: {old[method]} -> {new[method]}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("version", help="the runtime's version, as on PyPI")
    version = parser.parse_args().version
    if not re.fullmatch(r"\d+(\.\d+)+\w*", version):
        parser.error(f"{version!r} is not a version")
    before = methods()
    # First, and without the constraints, which pin the old ones: a version that does not exist changes
    # nothing. Both at once: each pins the other.
    packages = [f"openai-codex-cli-bin=={version}", f"openai-codex=={version}"]
    environment = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
    install = [sys.executable, "-m", "pip", "install", "--quiet", *packages]
    subprocess.run(install, cwd=ROOT, check=True, env=environment)
    pin(ROOT, version)
    for command in (["-m", "scripts.generate"], ["scripts/make_sync.py"]):
        subprocess.run([sys.executable, *command], cwd=ROOT, check=True)
    print(*(changes(before, methods()) or ["The methods are the same."]), sep="\n")
    subprocess.run(["git", "--no-pager", "diff", "--stat"], cwd=ROOT, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
