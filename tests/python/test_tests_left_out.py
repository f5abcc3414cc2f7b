"""The plug-in that leaves out what a system cannot run, on tests of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TESTS = """
import pytest

def test_well(): pass

@pytest.mark.parametrize("name", ["a", "b[*]"])
def test_each(name): assert name == "a"

def test_each_other(): pass

class TestOfAClass:
    def test_badly(self): assert False
"""
LIST = """
[[left_out]]
on = "here"
reason = "they fail"
tests = ["tests/test_some.py::test_each[b[*]]", "tests/test_s*.py::TestOfAClass::*"]

[[left_out]]
on = "there"
reason = "they fail there"
tests = ["tests/test_some.py::test_well"]
"""


SHARED_OUT_OR_NOT = pytest.mark.parametrize(
    "shared_out", [(), ("-n", "2")], ids=["in one process", "shared out among two"]
)


class Project:
    """A folder with tests, and a list of what is left out of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tests").mkdir()
        (folder / "pytest.ini").touch()
        self.tests(TESTS)
        self.left_out(LIST)

    def tests(self, text: str, name: str = "test_some.py") -> None:
        (self.folder / "tests" / name).write_text(text, "utf-8")

    def left_out(self, text: str) -> None:
        (self.folder / "list.toml").write_text(text, "utf-8")

    def run(self, *arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "tests.left_out"]
        done = subprocess.run(
            [*command, "--left-out", "list.toml", "--on", "here", "--rootdir", ".", *arguments],
            cwd=self.folder,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@SHARED_OUT_OR_NOT
def test_what_is_listed_is_left_out_and_the_rest_has_passed(
    project: Project, shared_out: tuple[str, ...]
) -> None:
    code, said = project.run(*shared_out)
    assert code == 0, said
    assert "5 collected = 3 passed + 2 listed; 0 files were not collected" in said
    assert "2 on here: they fail" in said
    assert "they fail there" not in said


def test_a_test_without_its_parameters_is_all_of_them_and_no_other(project: Project) -> None:
    project.left_out(LIST.replace("test_each[b[*]]", "test_each"))
    code, said = project.run()
    assert code == 0, said
    assert "5 collected = 2 passed + 3 listed" in said


def test_what_is_chosen_by_name_is_summed_up_alike(project: Project) -> None:
    code, said = project.run("-k", "test_each")
    assert code == 0, said
    assert "4 collected = 2 passed + 2 listed" in said
    code, said = project.run("tests/test_some.py::test_well")
    assert code == 0, said
    assert "1 collected = 1 passed + 0 listed" in said


def test_a_file_is_not_imported(project: Project) -> None:
    project.tests("import a_module_that_only_another_system_has", "test_other.py")
    listed = '[[left_out]]\non = "here"\nreason = "it is not there"\ntests = ["tests/test_other.py"]\n'
    project.left_out(LIST + listed)
    code, said = project.run()
    assert code == 0, said
    assert "3 passed + 2 listed; 1 files were not collected" in said


@SHARED_OUT_OR_NOT
@pytest.mark.parametrize(
    "gone", ["tests/test_some.py::test_wel", "tests/test_some.py::test_each[c]", "tests/test_none.py"]
)
def test_a_line_that_matches_nothing_fails_the_run(
    gone: str, shared_out: tuple[str, ...], project: Project
) -> None:
    project.left_out(LIST.replace('["', f'["{gone}", "', 1))
    code, said = project.run(*shared_out)
    assert code == 1, said
    assert said.count(f"{gone}\n") == 1
    assert "there is no such" in said


def test_a_line_for_a_file_of_another_suite_is_not_taken_for_gone(project: Project) -> None:
    project.tests("def test_well(): pass", "test_other.py")
    code, said = project.run("tests/test_other.py")
    assert code == 0, said


@pytest.mark.parametrize(
    "more",
    [
        "@pytest.mark.skip\ndef test_more(): pass",
        "def test_more(): pytest.skip('not today')",
        "@pytest.mark.xfail\ndef test_more(): assert False",
        "pytest.skip('not today', allow_module_level=True)",
    ],
)
@SHARED_OUT_OR_NOT
def test_what_is_skipped_for_another_reason_fails_the_run(
    more: str, shared_out: tuple[str, ...], project: Project
) -> None:
    project.tests(f"import pytest\n{more}\n", "test_other.py")
    code, said = project.run(*shared_out)
    assert code == 1, said
    assert "skipped, but not listed: tests/test_other.py" in said


def test_a_failure_stays_one(project: Project) -> None:
    project.tests("def test_badly(): assert False", "test_other.py")
    code, said = project.run()
    assert code == 1, said
    assert "6 collected = 3 passed + 2 listed + 1 others" in said


def test_a_reason_must_be_given(project: Project) -> None:
    project.left_out(LIST.replace('reason = "they fail"', ""))
    code, said = project.run()
    assert code == 4, said
    assert "on, reason and tests, not ['on', 'tests']" in said


def test_nothing_is_listed_twice(project: Project) -> None:
    project.left_out(LIST.replace("test_some.py::test_well", "test_some.py::test_each[b[*]]"))
    code, said = project.run()
    assert code == 4, said
    assert "listed twice: tests/test_some.py::test_each[b[*]]" in said
