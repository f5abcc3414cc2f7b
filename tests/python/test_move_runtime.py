"""Moving the project to another runtime."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts.move_runtime import PINS, ROOT, changes, pin


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in PINS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_every_pin_gets_the_version_and_nothing_else_changes(copy: Path) -> None:
    pin(copy, "9.8.7")
    for name, patterns in PINS.items():
        before = (ROOT / name).read_text("utf-8").splitlines()
        after = (copy / name).read_text("utf-8").splitlines()
        changed = [line for line, old in zip(after, before, strict=True) if line != old]
        assert len(changed) == len(patterns)
        assert all("9.8.7" in line for line in changed)


def test_a_missing_pin_is_an_error_and_nothing_is_written(copy: Path) -> None:
    broken = copy / "constraints.txt"
    broken.write_text("pydantic==2.14.3\n")
    with pytest.raises(ValueError, match=r"constraints\.txt has 0 pins"):
        pin(copy, "9.8.7")
    assert (copy / "pyproject.toml").read_bytes() == (ROOT / "pyproject.toml").read_bytes()


def test_what_came_went_and_changed_is_listed() -> None:
    before: dict[str, dict[str, object]] = {"request": {"a": 1, "b": 1, "c": 1}}
    after: dict[str, dict[str, object]] = {"request": {"b": 1, "c": 2, "d": 1}}
    assert changes(before, after) == ["- request a", "~ request c: 1 -> 2", "+ request d"]
