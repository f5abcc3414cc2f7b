"""One offline model and one runtime for a module's tests; each test resets the script."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from codex_app_server import ApprovalMode, Codex, Sandbox, Thread
from codex_app_server.models import Notification
from codex_app_server.testing import OfflineModel, Script

Play = Callable[[Script], list[Notification]]


@pytest.fixture(scope="module")
def model() -> Iterator[OfflineModel]:
    with OfflineModel() as running:
        yield running


@pytest.fixture(scope="module")
def codex(model: OfflineModel) -> Iterator[Codex]:
    with Codex(model.config()) as client:
        yield client


@pytest.fixture
def thread(codex: Codex) -> Thread:
    """A thread that runs commands without a sandbox and without a review."""
    return codex.thread_start(sandbox=Sandbox.full_access, approval_mode=ApprovalMode.deny_all)


@pytest.fixture
def play(model: OfflineModel, thread: Thread) -> Play:
    """Runs one turn with the prompt "go" on a script; the turn's notifications."""

    def run(script: Script) -> list[Notification]:
        model.reset(script)
        return list(thread.turn("go").stream())

    return run
