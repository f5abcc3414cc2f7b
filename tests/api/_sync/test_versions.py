# Made from _async/test_versions.py by `python scripts/make_sync.py`; do not edit.

"""A runtime of another version: said once, and used."""

from __future__ import annotations

import logging

import pytest

from codex_app_server import Codex, CodexConfig
from codex_app_server.testing import OfflineModel
from tests.peer import ScriptedPeer


def config(peer: ScriptedPeer, version: str) -> CodexConfig:
    peer.answers["initialize"] = {"userAgent": f"scripted/{version} (test)"}
    peer.answers["model/list"] = {"data": []}
    return CodexConfig(launch_args_override=peer.argv)


def use(version: str) -> None:
    with ScriptedPeer() as peer:
        with Codex(config(peer, version)) as codex:
            assert (codex.models()).data == []


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    records = [
        (each.levelno, each.getMessage()) for each in caplog.records if each.name == "codex_app_server"
    ]
    caplog.clear()
    return records


# The version that each test uses is its own: once a process has heard of it, nothing is said any more.
OLDER, NEWER = "0.7.2", "70.2.0"


@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_another_version_is_said_once_and_used(version: str, caplog: pytest.LogCaptureFixture) -> None:
    use(version)
    ((level, message),) = said(caplog)
    assert level == logging.WARNING
    assert version in message
    use(version)
    assert said(caplog) == []


def test_a_build_from_source_is_used_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    use("0.0.0")
    assert said(caplog) == []


def test_the_packaged_runtime_is_of_the_right_version(
    model: OfflineModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Codex(model.config()) as codex:
        assert codex.metadata.serverInfo is not None
    assert said(caplog) == []
