"""Runs coroutine tests, and gives every API test an offline model."""

from __future__ import annotations

import asyncio
import inspect
import logging
import signal
from collections.abc import Iterator

import pytest

from codex_app_server.testing import OfflineModel
from tests.peer import ScriptedPeer

# A shell starts what runs in its background with Ctrl-C ignored, and every process that a test starts
# would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where files are shared out among processes, the longest come first: none is left alone with one."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A coroutine function is a test on an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def model() -> Iterator[OfflineModel]:
    """An offline model that echoes; `model.reset(...)` gives it a script."""
    with OfflineModel() as model:
        yield model


@pytest.fixture
def peer() -> Iterator[ScriptedPeer]:
    """A runtime that says what the test wants."""
    with ScriptedPeer() as peer:
        yield peer


@pytest.fixture(autouse=True)
def no_unexpected_complaint(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The library warns about nothing, unless a test looks for it (and clears it)."""
    yield
    ours = [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.name.startswith("codex_app_server") and record.levelno >= logging.WARNING
    ]
    assert not ours
