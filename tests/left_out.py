"""Leaves out the tests that cannot run on a system, and no others: a plug-in of pytest.

`-p tests.left_out --left-out FILE --on SYSTEM` leaves out what FILE lists for the system, each with its
reason. What was collected is then what has passed and what is listed. A test that is skipped for any other
reason fails the run, and so does a line of the list that matches nothing: what it was about is gone.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomli


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("left out")
    group.addoption("--left-out", type=Path, metavar="FILE", help="which tests are left out, and why (TOML)")
    group.addoption("--on", action="append", default=[], metavar="SYSTEM", help="what cannot run them")


def pytest_configure(config: pytest.Config) -> None:
    path: Path | None = config.getoption("--left-out")
    if path is not None:
        entries = [entry for entry in read(config.rootpath / path) if entry.on in config.getoption("--on")]
        config.pluginmanager.register(Sum(config, entries))


@dataclass(frozen=True)
class Entry:
    """Tests that a system cannot run.

    Args:
        tests: A file, which is not even imported then, or a test as pytest names it, with or without its
            parameters. A `*` stands for any text.
        on: The system.
        reason: Why it cannot.
    """

    tests: str
    on: str
    reason: str

    @property
    def file(self) -> str:
        return self.tests.partition("::")[0]

    def is_of(self, file: str) -> bool:
        """Whether it is about `file`, or tests in it."""
        return re.fullmatch(_pattern(self.file), file) is not None

    def matches(self, name: str) -> bool:
        return re.fullmatch(rf"{_pattern(self.tests)}(\[.*\])?", name, re.DOTALL) is not None


def _pattern(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split("*"))


def read(path: Path) -> list[Entry]:
    """The entries of a list.

    Raises:
        pytest.UsageError: A group of them lacks something, or tests stand there twice.
    """
    entries = []
    for group in tomli.loads(path.read_text("utf-8"))["left_out"]:
        if group.keys() != {"on", "reason", "tests"}:
            raise pytest.UsageError(f"{path}: what is left out has on, reason and tests, not {[*group]}")
        entries += [Entry(tests, group["on"], group["reason"]) for tests in group["tests"]]
    twice = [tests for tests, count in Counter(entry.tests for entry in entries).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"{path}: listed twice: {', '.join(twice)}")
    return entries


class Sum:
    """Sees that collected = passed + listed."""

    def __init__(self, config: pytest.Config, entries: list[Entry]) -> None:
        self._config = config
        self._of_files = [entry for entry in entries if "::" not in entry.tests]
        self._of_tests = [entry for entry in entries if "::" in entry.tests]
        self._files: set[str] = set()
        # System and reason of each test that is left out.
        self._listed: list[tuple[str, str]] = []
        self._selected = 0
        self._passed = 0
        self._problems: list[str] = []

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        file = collection_path.relative_to(self._config.rootpath).as_posix()
        if any(entry.matches(file) for entry in self._of_files):
            self._files.add(file)
            return True
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        # Before the choice that -k and -m make, so that what they leave away is not taken for gone.
        listed = {
            item.nodeid: entry for item in items for entry in self._of_tests if entry.matches(item.nodeid)
        }
        self._listed = [(entry.on, entry.reason) for entry in listed.values()]
        self._look_for_the_gone(config, {item.nodeid for item in items})
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in listed])
        items[:] = [item for item in items if item.nodeid not in listed]

    def _look_for_the_gone(self, config: pytest.Config, names: set[str]) -> None:
        # Of a file of which only some tests were asked for, nothing can be said.
        is_by_file = not any("::" in argument for argument in config.args)
        files = {name.partition("::")[0] for name in names} if is_by_file else set()
        for entry in (*self._of_files, *self._of_tests):
            if not any(config.rootpath.glob(entry.file)):
                self._problems.append(f"listed, but there is no such file: {entry.tests}")
        for entry in self._of_tests:
            if any(map(entry.is_of, files)) and not any(map(entry.matches, names)):
                self._problems.append(f"listed, but there is no such test: {entry.tests}")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._selected = len(session.items)
        # Of several processes that share the tests out each collects all, and the one that sums up none.
        if (output := getattr(session.config, "workeroutput", None)) is not None:
            output["left_out"] = (self._selected, self._listed, sorted(self._files), list(self._problems))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        # One that has crashed tells nothing.
        if collected := getattr(node, "workeroutput", {}).get("left_out"):
            self._selected, self._listed, files, problems = collected
            self._files = set(files)
            self._problems += [problem for problem in problems if problem not in self._problems]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._problems.append(f"skipped, but not listed: {report.nodeid}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._passed += report.when == "call" and report.passed
        if report.skipped:  # or failed as expected
            self._problems.append(f"skipped, but not listed: {report.nodeid}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK and self._problems:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("left out")
        for problem in self._problems:
            terminalreporter.line(problem, red=True)
        by_reason = Counter(self._listed)
        for (system, reason), count in sorted(by_reason.items()):
            terminalreporter.line(f"{count:5} on {system}: {reason}")
        collected = self._selected + len(self._listed)
        terminalreporter.line(
            f"{collected} collected = {self._passed} passed + {len(self._listed)} listed"
            f"{'' if self._selected == self._passed else f' + {self._selected - self._passed} others'}"
            f"; {len(self._files)} files were not collected"
        )
