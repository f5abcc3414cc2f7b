"""The links of what is read outside the repository."""

from __future__ import annotations

import re

import pytest

from scripts.release.links import path_of, problems, targets
from scripts.release.project import ROOT, Project

PROJECT = Project.read()


def test_every_link_of_the_readme_works_outside_the_repository() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert problems(readme, PROJECT) == []
    assert len([link for link in targets(readme) if path_of(link, PROJECT)]) > 10


def test_the_address_of_the_repository_is_the_same_everywhere() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    named = set(re.findall(r"https://github\.com/[\w-]+/[\w-]+(?=/(?:blob|tree)/)", readme))
    assert named == {PROJECT.repository}
    assert {url.startswith(PROJECT.repository) for url in PROJECT.table["urls"].values()} == {True}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[it](docs/calls.md)", "the link to docs/calls.md leads nowhere"),
        ("[it][x]\n\n[x]: docs/calls.md", "the link to docs/calls.md leads nowhere"),
        ("![it](docs/benchmarks/memory.svg)", "the link to docs/benchmarks/memory.svg leads nowhere"),
        ("[it](#use-it)", "the link to #use-it leads nowhere"),
        (f"[it]({PROJECT.repository}/blob/main/docs/gone.md)", "leads to a file that is not there"),
        (f"[it]({PROJECT.repository}/blob/v1/docs/gone.md#at)", "leads to a file that is not there"),
    ],
)
def test_a_link_that_leads_nowhere_is_named(text: str, problem: str) -> None:
    (found,) = problems(text, PROJECT)
    assert problem in found


@pytest.mark.parametrize(
    "text",
    [
        "[it](https://example.org/docs/gone.md)",
        "[it](mailto:a@example.org)",
        f"[it]({PROJECT.repository}/tree/main/docs/design)",
        f"[it]({PROJECT.repository}/issues)",
        "`[it](docs/gone.md)`",
        "```sh\n[it](docs/gone.md)\n```",
    ],
)
def test_a_link_that_leads_somewhere_and_code_are_no_problem(text: str) -> None:
    assert problems(text, PROJECT) == []
