"""Moves the project to another runtime: `make runtime VERSION=0.164.0`.

Installs the runtime with the official SDK of the same version, pins both, runs the generators and prints
which methods came, went or changed. What is left to a person is to read the difference, to say in the
changelog what matters of it, and to run the tests.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import cast

from scripts import pins
from scripts.release import changelog, generated
from scripts.release.errors import ReleaseError

ROOT = Path(__file__).resolve().parent.parent
TABLES = {
    "notification": ("notifications", "PAYLOADS"),
    "request": ("requests", "REQUESTS"),
    "server request": ("requests", "SERVER_REQUESTS"),
}

# What each method is mapped to, in the words of the generated module.
Methods = dict[str, dict[str, str]]


def methods(root: Path) -> Methods:
    """The tables of the generated package as they are on disk now, without building or importing it."""
    return {kind: _table(root, module, name) for kind, (module, name) in TABLES.items()}


def _table(root: Path, module: str, name: str) -> dict[str, str]:
    path = root / f"python/codex_app_server/generated/{module}.py"
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name:
            rows = cast(ast.Dict, node.value)
            keys = (ast.literal_eval(key) for key in rows.keys if key is not None)
            return dict(zip(keys, map(ast.unparse, rows.values), strict=True))
    raise ValueError(f"{path} has no {name}")


def changes(before: Methods, after: Methods) -> list[str]:
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


def pin(root: Path, version: str) -> None:
    """Make `version` that of the runtime, and of this package, everywhere below `root`."""
    pins.write(root, (pins.RUNTIME, version), (pins.SDK, version))
    path = root / changelog.NAME
    path.write_text(changelog.moved(path.read_text("utf-8"), version), "utf-8")


def install(version: str) -> None:
    """Install the runtime and the official SDK of that version into the running interpreter's environment.

    Raises:
        ReleaseError: There is no such version, or it cannot be had. Nothing was changed then.
    """
    # Without the constraints, which pin the old ones. Without dependencies: what the official SDK needs
    # besides is installed with the development tools, within the constraints.
    packages = [f"openai-codex-cli-bin=={version}", f"openai-codex=={version}"]
    environment = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *packages]
    if subprocess.run(command, cwd=ROOT, check=False, env=environment).returncode:
        raise ReleaseError(
            f"The runtime and the official SDK {version} could not be installed; nothing has changed.",
            "read what pip says above; `pip index versions openai-codex-cli-bin` lists what there is",
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("version", help="the runtime's version, as on PyPI")
    version = parser.parse_args().version
    if not re.fullmatch(r"\d+(\.\d+)+\w*", version):
        parser.error(f"{version!r} is not a version")
    before = methods(ROOT)
    try:
        install(version)
        pin(ROOT, version)
        generated.generate(ROOT)
    except ReleaseError as error:
        parser.exit(1, f"{error}\n")
    print(*(changes(before, methods(ROOT)) or ["The methods are the same."]), sep="\n")
    subprocess.run(["git", "--no-pager", "diff", "--stat"], cwd=ROOT, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
