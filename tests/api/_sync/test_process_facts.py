# Made from _async/test_process_facts.py by `python scripts/make_sync.py`; do not edit.

"""What a client says of its runtime's process: the id, and how it has ended."""

from __future__ import annotations

import pytest

from codex_app_server import Codex
from codex_app_server.client import CodexClient
from codex_app_server.errors import TransportClosedError
from codex_app_server.testing import OfflineModel
from tests.processes import KILLED, kill


def test_a_process_that_was_closed_has_an_exit_code(model: OfflineModel) -> None:
    codex = Codex(model.config())
    with codex:
        assert codex.pid > 0
        assert codex.exit_code is None
    assert codex.exit_code == 0


def test_a_process_that_was_killed_has_the_signal_as_its_exit_code(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        pid = codex.pid
        kill(pid)
        with pytest.raises(TransportClosedError):
            codex.models()
        assert (codex.pid, codex.exit_code) == (pid, KILLED)
    assert codex.exit_code == KILLED


def test_the_low_level_client_says_the_same(model: OfflineModel) -> None:
    client = CodexClient(model.config())
    assert client.exit_code is None
    client.start()
    assert client.exit_code is None
    client.close()
    assert client.exit_code == 0
