"""The offline model's home, of which somebody else has a file open when it is to be removed."""

from __future__ import annotations

import threading
import time

import pytest

from codex_app_server.testing import OfflineModel, OfflineModelError, _home


def test_a_file_that_is_open_for_a_moment_is_waited_for() -> None:
    with OfflineModel() as model:
        home = model.codex_home.parent
        file = (model.codex_home / "config.toml").open()
        closing = threading.Timer(0.5, file.close)
        closing.start()
    closing.join()
    assert not home.exists()


def test_a_file_that_stays_open_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_home, "_REMOVE_PATIENCE_S", 0.2)
    model = OfflineModel()
    model.__enter__()
    begun = time.monotonic()
    with (
        (model.codex_home / "config.toml").open(),
        pytest.raises(OfflineModelError, match="home is still in use; close the client first"),
    ):
        model.close()
    assert time.monotonic() - begun >= 0.2
