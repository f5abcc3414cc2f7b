"""Options that an older runtime would drop without a word are refused."""

from __future__ import annotations

import pytest

from codex_app_server import (
    AsyncCodex,
    Codex,
    CodexConfig,
    CodexError,
    ExternalMessage,
    RuntimeTooOldError,
    Thread,
)
from codex_app_server._outgoing.requirements import require
from tests.peer import ScriptedPeer, started


@pytest.mark.parametrize(
    "version", ["0.151.0", "0.151.0 (Linux)", "0.151.1-alpha.1", "0.163.0", "1.0.0", "0.0.0"]
)
def test_a_runtime_that_is_new_enough_gets_every_option(version: str) -> None:
    require(("source",), version)


@pytest.mark.parametrize("version", ["0.150.9", "0.151.0-alpha.3", "0.99.0 (Linux)", "dev", "", None])
def test_one_that_is_older_or_does_not_say_is_refused(version: str | None) -> None:
    with pytest.raises(RuntimeTooOldError, match=r"0\.151\.0") as caught:
        require(("source", "include_turns"), version)
    assert (caught.value.option, caught.value.required) == ("source, include_turns", "0.151.0")
    assert caught.value.version == version
    require((), version)


def old(peer: ScriptedPeer) -> CodexConfig:
    peer.answers["initialize"] = {"userAgent": "scripted/0.150.0 (test)"}
    peer.answers["turn/start"] = started("u")
    return CodexConfig(launch_args_override=peer.argv)


def test_nothing_is_sent_to_a_runtime_that_would_drop_it(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    with Codex(old(peer)) as codex:
        caplog.clear()  # the warning about its version
        thread = Thread(codex._client, "t")
        for refused, name in (
            (lambda: thread.turn("x", source="s"), "source"),
            (lambda: thread.turn("x", turn_service_tier="s"), "turn_service_tier"),
            (lambda: thread.run(ExternalMessage("tool", "x")), "ExternalMessage"),
            (lambda: codex.thread_resume("t", include_turns=False), "include_turns"),
            (lambda: codex.thread_fork("t", include_turns=True), "include_turns"),
        ):
            with pytest.raises(RuntimeTooOldError, match=name) as caught:
                refused()
            assert isinstance(caught.value, CodexError)
            assert caught.value.version == "0.150.0 (test)"
        assert codex.stats()["requests_written"] == 1  # initialize
        thread.turn("x", service_tier="fast")


async def test_the_async_client_refuses_them_too(
    peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncCodex(old(peer)) as codex:
        caplog.clear()
        with pytest.raises(RuntimeTooOldError):
            await codex.thread_resume("t", include_turns=False)
