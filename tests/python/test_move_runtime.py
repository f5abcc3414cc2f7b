"""Moving the project to another runtime."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts import pins
from scripts.move_runtime import ROOT, Methods, changes, methods, pin
from scripts.release import changelog
from scripts.release.project import Project

FILES = (
    "pyproject.toml",
    "constraints.txt",
    "docs/migration.md",
    "python/codex_app_server/_version.py",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in [*FILES, changelog.NAME]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def text(root: Path, name: str) -> str:
    return (root / name).read_text("utf-8")


def test_every_pin_gets_the_version_and_nothing_else_changes(copy: Path) -> None:
    pin(copy, "9.8.7")
    for name in FILES:
        before, after = text(ROOT, name).splitlines(), text(copy, name).splitlines()
        changed = [line for line, old in zip(after, before, strict=True) if line != old]
        assert len(changed) == len([*pins.RUNTIME.get(name, ()), *pins.SDK.get(name, ())])
        assert all("9.8.7" in line for line in changed)


def test_no_other_line_of_a_pinned_file_names_the_version_of_the_runtime(copy: Path) -> None:
    assert {*pins.RUNTIME, *pins.SDK} == set(FILES)
    pin(copy, "9.8.7")
    version = Project.read(ROOT).runtime
    for name in FILES:
        assert version not in text(copy, name), name


def test_there_and_back_leaves_no_difference(copy: Path) -> None:
    version = Project.read(ROOT).version
    pin(copy, "9.8.7")
    pin(copy, version)
    for name in [*FILES, changelog.NAME]:
        assert text(copy, name) == text(ROOT, name), name


def test_a_missing_pin_is_an_error_and_nothing_is_written(copy: Path) -> None:
    broken = copy / "constraints.txt"
    broken.write_text("pydantic==2.14.3\n")
    with pytest.raises(ValueError, match=r"constraints\.txt has 0 pins"):
        pin(copy, "9.8.7")
    for name in {*FILES, changelog.NAME} - {"constraints.txt"}:
        assert text(copy, name) == text(ROOT, name)


def test_what_came_went_and_changed_is_listed() -> None:
    before: Methods = {"request": {"a": "1", "b": "1", "c": "1"}}
    after: Methods = {"request": {"b": "1", "c": "2", "d": "1"}}
    assert changes(before, after) == ["- request a", "~ request c: 1 -> 2", "+ request d"]


def test_the_methods_are_read_from_the_generated_files() -> None:
    from codex_app_server.generated.notifications import PAYLOADS
    from codex_app_server.generated.requests import REQUESTS, SERVER_REQUESTS

    read = {kind: list(table) for kind, table in methods(ROOT).items()}
    assert read == {
        "notification": list(PAYLOADS),
        "request": list(REQUESTS),
        "server request": list(SERVER_REQUESTS),
    }
