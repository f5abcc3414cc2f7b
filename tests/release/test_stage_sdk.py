"""Staging the SDK: what goes into the tree, with which versions, and what is refused."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from scripts.release import sdk
from scripts.release.errors import ReleaseError
from scripts.release.project import ROOT, Project, check_version
from tests.release.conftest import git

RUNTIME = Project.read().runtime
# The generators are run, with everything that they format.
pytestmark = pytest.mark.timeout(300)


def test_the_tree_holds_what_an_sdist_needs_and_nothing_else(tree: Path) -> None:
    project = Project.read()
    files = {"pyproject.toml", "Cargo.toml", "Cargo.lock", "README.md", *project.license_files}
    assert {path.name for path in tree.iterdir()} == {*files, "python", "rust"}
    assert [path for path in tree.rglob("*") if path.suffix in {".so", ".pyc"}] == []


def test_everything_in_the_tree_is_in_the_sdist(tree: Path, sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    staged = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
    assert staged <= inside
    assert inside - staged == {"PKG-INFO"}


def test_the_tree_pins_the_runtime_exactly(tree: Path) -> None:
    assert Project.read(tree).runtime == RUNTIME


def test_a_fix_of_ours_is_a_post_release_and_the_checkout_is_not_edited(checkout: Path) -> None:
    version = f"{RUNTIME}.post1"
    changelog = checkout / "CHANGELOG.md"
    changelog.write_text(changelog.read_text() + f"\n## [{version}] - 2026-11-28\n\n### Fixed\n\n- It.\n")
    before = git(checkout, "status", "--short", "--ignored")
    tree = sdk.stage(checkout.parent / "out", sdk_version=version, root=checkout)
    staged = Project.read(tree)
    assert (staged.version, staged.runtime) == (version, RUNTIME)
    assert f'__version__ = "{version}"' in (tree / "python/codex_app_server/_version.py").read_text()
    assert Project.read(checkout).version == Project.read(ROOT).version
    after = git(checkout, "status", "--short", "--ignored")
    assert re.sub(r"!! .*(__pycache__|\.ruff_cache)/\n", "", after) == before == " M CHANGELOG.md\n"


def test_types_that_are_not_the_runtimes_are_refused(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (checkout / "python/codex_app_server/generated/requests.py").write_text("# by hand\n")
    with pytest.raises(ReleaseError, match="make generate"):
        sdk.stage(checkout.parent / "out", root=checkout)
    assert "python/codex_app_server/generated/requests.py" in capfd.readouterr().err
    assert not (checkout.parent / "out").exists()


def test_types_of_a_runtime_that_is_not_installed_are_refused(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text("## [9.8.7] - 2026-11-27\n\nText.\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    with pytest.raises(ReleaseError, match=r"make runtime VERSION=9\.8\.7") as caught:
        sdk.stage(tmp_path.parent / "out", runtime_version="9.8.7", sdk_version="9.8.7", root=tmp_path)
    assert f"{RUNTIME} is installed here" in caught.value.cause


def test_a_version_without_an_entry_in_the_changelog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"has no entry for .*\.post99"):
        sdk.stage(tmp_path / "out", sdk_version=f"{RUNTIME}.post99")


@pytest.mark.parametrize(
    ("version", "runtime", "cause"),
    [
        ("0.164.0", "0.163.0", "is not that of its runtime, 0.163.0, nor a post-release"),
        ("0.163.1", "0.163.0", "is not that of its runtime"),
        ("0.163", "0.163.0", "is not that of its runtime"),
        ("0.163.0.dev1", "0.163.0", "is not that of its runtime"),
        ("0.163.0+mine", "0.163.0", "is not that of its runtime"),
        ("0.163.0rc1", "0.163.0", "is not that of its runtime"),
        ("0.163.0-post1", "0.163.0", "not in its normal form, '0.163.0.post1'"),
        ("newest", "0.163.0", "'newest' is not a version"),
    ],
)
def test_another_version_than_the_runtimes_is_refused(version: str, runtime: str, cause: str) -> None:
    with pytest.raises(ReleaseError, match=re.escape(cause)) as caught:
        check_version(version, runtime)
    assert f"{runtime}.post1" in caught.value.fix


@pytest.mark.parametrize(
    ("version", "runtime"),
    [("0.163.0", "0.163.0"), ("0.163.0.post12", "0.163.0"), ("0.164.0a2.post1", "0.164.0a2")],
)
def test_the_runtimes_version_and_its_post_releases_are_taken(version: str, runtime: str) -> None:
    check_version(version, runtime)


@pytest.mark.parametrize("dependency", ["openai-codex-cli-bin>=0.163.0", "openai-codex-cli-bin", "other==1"])
def test_a_runtime_that_is_not_pinned_exactly_is_refused(dependency: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f'[project]\ndependencies = ["{dependency}"]\n')
    with pytest.raises(ReleaseError, match="does not pin openai-codex-cli-bin to exactly one version"):
        Project.read(tmp_path)


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").touch()
    with pytest.raises(ReleaseError, match="not an empty folder"):
        sdk.stage(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_a_folder_inside_the_checkout_is_refused() -> None:
    with pytest.raises(ReleaseError, match="inside the checkout"):
        sdk.stage(ROOT / "target/staged")
    assert not (ROOT / "target/staged").exists()
