"""The changelog's entries: what a release takes from them, and what moving to a runtime does to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.release import changelog
from scripts.release.errors import ReleaseError
from scripts.release.project import Project

HEAD = "# Changelog\n\nWhat it is.\n\n"
OPEN = "## [1.1.0] - unreleased\n\n### Added\n\n- A thing, see [the guide](docs/guide.md).\n\n"
OLD = "## [1.0.0] - 2026-11-01\n\nThe first.\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / changelog.NAME).write_text(HEAD + OPEN + OLD)
    return tmp_path


def refused(root: Path, version: str, *, released: bool = False) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        changelog.entry(root, version, released=released)
    return caught.value


def test_an_entry_is_all_below_its_heading_and_nothing_of_the_next(root: Path) -> None:
    assert changelog.entry(root, "1.0.0", released=True).text == "The first."
    assert changelog.entry(root, "1.1.0").text.startswith("### Added\n\n- A thing")
    assert "The first" not in changelog.entry(root, "1.1.0").text


def test_a_version_without_an_entry_is_refused(root: Path) -> None:
    assert refused(root, "1.2.0").cause == "CHANGELOG.md has no entry for 1.2.0."


def test_a_version_with_two_entries_is_refused(root: Path) -> None:
    (root / changelog.NAME).write_text(HEAD + OPEN + OLD + OLD)
    assert refused(root, "1.0.0").cause == "CHANGELOG.md has 2 entries for 1.0.0."


def test_an_empty_entry_is_refused(root: Path) -> None:
    (root / changelog.NAME).write_text(HEAD + "## [1.1.0] - 2026-11-02\n\n" + OLD)
    assert refused(root, "1.1.0").cause == "The entry of 1.1.0 in CHANGELOG.md is empty."


def test_what_is_unreleased_is_refused_for_a_tag_only(root: Path) -> None:
    assert changelog.entry(root, "1.1.0").when == "unreleased"
    error = refused(root, "1.1.0", released=True)
    assert error.cause == "CHANGELOG.md says that 1.1.0 is unreleased."
    assert "## [1.1.0] - 2" in error.fix


@pytest.mark.parametrize("when", ["2026-13-01", "01.11.2026", "soon", "2026-11-1"])
def test_a_date_that_is_none_is_refused(root: Path, when: str) -> None:
    (root / changelog.NAME).write_text(HEAD + f"## [1.1.0] - {when}\n\nText.\n")
    assert repr(when) in refused(root, "1.1.0").cause


def test_links_in_notes_lead_to_the_files_of_that_version(root: Path) -> None:
    project = Project(root, {"urls": {"Repository": "https://example.org/us/it"}}, "1.1.0")
    assert "[the guide](https://example.org/us/it/blob/v1.1.0/docs/guide.md)" in changelog.notes(
        project, "1.1.0"
    )


def test_the_checkout_has_notes_for_its_version_whose_links_lead_somewhere() -> None:
    project = Project.read()
    notes = changelog.notes(project, project.version)
    assert notes
    assert "](docs/" not in notes


def test_moving_renames_the_entry_that_is_being_written() -> None:
    moved = changelog.moved(HEAD + OPEN + OLD, "1.2.0")
    assert moved == HEAD + OPEN.replace("1.1.0", "1.2.0") + OLD
    assert changelog.moved(moved, "1.1.0") == HEAD + OPEN + OLD


def test_moving_after_a_release_opens_an_entry_that_goes_again_on_the_way_back() -> None:
    there = changelog.moved(HEAD + OLD, "1.2.0")
    (opened, old) = changelog.entries(there)
    assert (opened.version, opened.when, old.version) == ("1.2.0", "unreleased", "1.0.0")
    assert "1.2.0" in opened.text
    assert changelog.moved(changelog.moved(there, "1.3.0"), "1.0.0") == HEAD + OLD


def test_moving_back_to_a_released_version_keeps_what_somebody_wrote() -> None:
    assert changelog.moved(HEAD + OPEN + OLD, "1.0.0") == HEAD + OPEN + OLD


def test_moving_opens_an_entry_in_a_changelog_without_any() -> None:
    assert [each.version for each in changelog.entries(changelog.moved(HEAD, "1.0.0"))] == ["1.0.0"]
