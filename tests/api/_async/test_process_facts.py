"""What a client says of its runtime's process: the id, and how it has ended."""

from __future__ import annotations

import pytest

from codex_app_server import AsyncCodex, NotStartedError  # async only

# sync only: from codex_app_server import Codex
from codex_app_server.async_client import AsyncCodexClient
from codex_app_server.errors import TransportClosedError
from codex_app_server.testing import OfflineModel
from tests.processes import KILLED, kill


async def test_a_process_that_was_closed_has_an_exit_code(model: OfflineModel) -> None:
    codex = AsyncCodex(model.config())
    assert codex.exit_code is None  # async only
    with pytest.raises(NotStartedError):  # async only
        _ = codex.pid  # async only
    async with codex:
        assert codex.pid > 0
        assert codex.exit_code is None
    assert codex.exit_code == 0


async def test_a_process_that_was_killed_has_the_signal_as_its_exit_code(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        pid = codex.pid
        kill(pid)
        with pytest.raises(TransportClosedError):
            await codex.models()
        assert (codex.pid, codex.exit_code) == (pid, KILLED)
    assert codex.exit_code == KILLED


async def test_the_low_level_client_says_the_same(model: OfflineModel) -> None:
    client = AsyncCodexClient(model.config())
    assert client.exit_code is None
    await client.start()
    assert client.exit_code is None
    await client.close()
    assert client.exit_code == 0
