"""The wheels that are tested: those of the folder `CODEX_SDK_WHEELS`, else built here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.wheels.build import build
from scripts.wheels.platforms import STABLE_ABI, named, of_this_machine, of_wheel


@pytest.fixture(scope="session")
def wheel_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The wheel of a platform by its tag; what was not built before is built once.

    Where wheels are given, as to the release's workflow, a test of one that is not among them is not run.
    """
    given = os.environ.get("CODEX_SDK_WHEELS")
    found = Path(given).glob(f"*-{STABLE_ABI}-*.whl") if given else ()
    wheels = {of_wheel(path.name).tag: path.resolve() for path in found}

    def wheel(tag: str) -> Path:
        if tag not in wheels:
            if given is not None:
                pytest.skip(f"not run: {given} has no wheel for {tag}; `make wheels ARGS={tag}` builds it")
            wheels[tag] = build(named(tag), tmp_path_factory.mktemp("dist"))
        return wheels[tag]

    return wheel


@pytest.fixture(scope="session")
def wheel(wheel_of: Callable[[str], Path]) -> Path:
    """The wheel of this machine."""
    return wheel_of(of_this_machine().tag)
