"""What the checkout says about the package: the facts of `pyproject.toml` that a release must keep to.

Owns reading them and the rule for version numbers. Changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from .errors import ReleaseError

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = "openai-codex-cli-bin"


@dataclass(frozen=True)
class Project:
    """The `[project]` table, and the runtime that it pins."""

    root: Path
    table: dict[str, Any]
    runtime: str

    @classmethod
    def read(cls, root: Path = ROOT) -> Project:
        """Read `pyproject.toml` below `root`.

        Raises:
            ReleaseError: The runtime is not pinned to exactly one version.
        """
        table = tomli.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
        pins = [Requirement(line) for line in table["dependencies"]]
        pinned = [str(pin.specifier) for pin in pins if canonicalize_name(pin.name) == RUNTIME]
        exact = re.fullmatch(r"==([^*,]+)", pinned[0]) if len(pinned) == 1 else None
        if exact is None:
            raise ReleaseError(
                f"pyproject.toml does not pin {RUNTIME} to exactly one version: {pinned or 'it is missing'}.",
                f'have one line "{RUNTIME}==X" in [project] dependencies; `make runtime VERSION=X` writes it',
            )
        return cls(root, table, exact[1])

    @property
    def name(self) -> str:
        """The distribution's name."""
        return str(self.table["name"])

    @property
    def version(self) -> str:
        """The SDK's own version."""
        return str(self.table["version"])

    @property
    def repository(self) -> str:
        """The address of the repository, without a slash at the end."""
        return str(self.table["urls"]["Repository"]).rstrip("/")

    @property
    def license_files(self) -> list[str]:
        """The paths that `license-files` stands for, relative to the root."""
        found = [path for pattern in self.table["license-files"] for path in self.root.glob(pattern)]
        return sorted(path.relative_to(self.root).as_posix() for path in found)


def check_version(version: str, runtime: str) -> None:
    """Accept the version of the runtime, and post-releases of it for fixes of ours.

    Raises:
        ReleaseError: It is another version, or not written in its normal form.
    """
    fix = f"take {runtime}, or {runtime}.post1 (post2, …) for a release that only fixes the SDK"
    try:
        parsed = Version(version)
    except InvalidVersion as error:
        raise ReleaseError(f"{version!r} is not a version.", fix) from error
    if str(parsed) != version:
        raise ReleaseError(f"{version!r} is not in its normal form, {str(parsed)!r}.", fix)
    if re.sub(r"\.post\d+$", "", version) != runtime:
        raise ReleaseError(
            f"The SDK's version {version} is not that of its runtime, {runtime}, nor a post-release of it.",
            fix,
        )
