"""The order of the package's rooms: what breaks it is found, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.rooms import PACKAGE, ROOMS, breaches, rooms


def test_the_package_keeps_to_the_order() -> None:
    assert breaches(PACKAGE) == []
    assert sorted(ROOMS) == rooms(PACKAGE)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name in (
        "_incoming/__init__",
        "_incoming/result",
        "_outgoing/__init__",
        "_outgoing/inputs",
        "errors",
    ):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("", encoding="utf-8")
    assert breaches(tmp_path) == []
    return tmp_path


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("_incoming/result.py", "from .._outgoing.inputs import TextInput\n"),
        ("_incoming/result.py", "from .._outgoing import inputs\n"),
        (
            "_incoming/result.py",
            "try:\n    from codex_app_server._outgoing import inputs\nexcept ImportError:\n    pass\n",
        ),
        ("errors.py", "from ._incoming import result\n"),
        ("errors.py", "class Wrong:\n    from ._incoming import result\n"),
        ("errors.py", "import codex_app_server._incoming.result\n"),
        ("errors.py", "import os, codex_app_server as package\n"),
        ("errors.py", "match 1:\n    case 1:\n        from ._incoming import result\n"),
    ],
)
def test_an_import_from_below_is_found(module: str, text: str, package: Path) -> None:
    (package / module).write_text(text, encoding="utf-8")
    (found,) = breaches(package)
    assert module in found
    assert "stands below" in found


@pytest.mark.parametrize(
    "text",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .._outgoing import inputs\n",
        "def late():\n    from .._outgoing import inputs\n",
        "import os.path, codex_app_server._native\nfrom .. import _native\nfrom ..errors import CodexError\n",
    ],
)
def test_types_and_what_is_imported_late_may_name_anything(text: str, package: Path) -> None:
    (package / "_incoming/result.py").write_text(text, encoding="utf-8")
    assert breaches(package) == []


def test_a_circle_inside_a_room_is_found(package: Path) -> None:
    (package / "_incoming/failures.py").write_text("from . import result\n", encoding="utf-8")
    (package / "_incoming/result.py").write_text("from .failures import said\n", encoding="utf-8")
    (found,) = breaches(package)
    assert "a circle of modules" in found


def test_a_room_without_a_place_is_found(package: Path) -> None:
    (package / "_attic.py").write_text("", encoding="utf-8")
    assert breaches(package) == ["_attic has no place in the order of rooms"]
