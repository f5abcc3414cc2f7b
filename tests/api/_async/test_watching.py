"""Watching and searching the file system through the runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codex_app_server import (
    AsyncCodex,
    AsyncFsWatch,
    AsyncFuzzyFileSearch,
    CodexConfig,
    InvalidRequestError,
    StreamClosedError,
    TransportClosedError,
)
from codex_app_server.generated.v2_all import (
    FsChangedNotification,
    FuzzyFileSearchSessionUpdatedNotification,
)
from codex_app_server.testing import OfflineModel
from tests.api._async.concurrency import together
from tests.leaks import assert_idle
from tests.peer import Refused, ScriptedPeer


async def changed_path(watch: AsyncFsWatch) -> str:
    """The first path of the next change."""
    async for change in watch:
        assert isinstance(change, FsChangedNotification)
        return Path(change.changed_paths[0].root).name
    return "the watch was closed"


async def found(search: AsyncFuzzyFileSearch, query: str) -> list[str]:
    """What is found for `query`, once something is."""
    async for update in search:
        assert isinstance(update, FuzzyFileSearchSessionUpdatedNotification)
        if update.query == query and update.files:
            return [file.path for file in update.files]
    return []


async def test_a_change_is_told_to_who_watches(model: OfflineModel, tmp_path: Path) -> None:
    (tmp_path / "watched").mkdir()
    (tmp_path / "other").mkdir()
    config = model.config()
    config.cwd = str(tmp_path)
    async with AsyncCodex(config) as codex:
        async with await codex.fs_watch("watched") as watch:
            assert watch.path == str(tmp_path / "watched")
            (tmp_path / "other" / "a").write_text("x")
            (tmp_path / "watched" / "b").write_text("x")
            assert await changed_path(watch) == "b"
        assert_idle(codex.stats)
        assert codex.stats()["errands_sent"] == 0
        await watch.aclose()
        assert await changed_path(watch) == "the watch was closed"


async def test_fifty_watches_at_once_hear_each_their_own(model: OfflineModel, tmp_path: Path) -> None:
    async with AsyncCodex(model.config()) as codex:

        def job(number: int) -> Any:
            async def run() -> str:
                directory = tmp_path / str(number)
                directory.mkdir()
                async with await codex.fs_watch(directory) as watch:
                    (directory / f"file-{number}").write_text("x")
                    return await changed_path(watch)

            return run

        told = await together(*(job(number) for number in range(50)))
        assert told == [f"file-{number}" for number in range(50)]
        assert_idle(codex.stats)


async def test_a_search_follows_its_query(model: OfflineModel, tmp_path: Path) -> None:
    for name in ("alphabet.txt", "almanac.txt", "zebra.txt"):
        (tmp_path / name).write_text("")
    async with AsyncCodex(model.config()) as codex:
        async with await codex.fuzzy_file_search([tmp_path]) as search:
            await search.update("alph")
            assert await found(search, "alph") == ["alphabet.txt"]
            await search.update("zeb")
            assert await found(search, "zeb") == ["zebra.txt"]
        assert_idle(codex.stats)
        with pytest.raises(StreamClosedError):
            await search.update("more")
        assert await found(search, "more") == []
        assert codex.stats()["errands_sent"] == 0


# --- forced


@pytest.fixture
def scripted(peer: ScriptedPeer) -> CodexConfig:
    peer.answers["model/list"] = {"data": []}
    peer.answers["fs/watch"] = {"path": "/x"}
    peer.answers["fuzzyFileSearch/sessionStart"] = {}
    return CodexConfig(launch_args_override=peer.argv)


def refuse(_: dict[str, Any]) -> dict[str, Any]:
    raise Refused(-32600, "not there")


async def test_a_change_before_the_answer_is_not_lost(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    def answer(params: dict[str, Any]) -> dict[str, Any]:
        change = {"watchId": params["watchId"], "changedPaths": ["/x/early"]}
        peer.send({"method": "fs/changed", "params": change})
        return {"path": "/x"}

    peer.answers["fs/watch"] = answer
    peer.answers["fs/unwatch"] = {}
    async with AsyncCodex(scripted) as codex, await codex.fs_watch("/x") as watch:
        assert await changed_path(watch) == "early"


async def test_closing_waits_until_the_watch_is_gone(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted) as codex:
        watch = await codex.fs_watch("/x")
        routed: list[int] = []

        def answer(_: dict[str, Any]) -> dict[str, Any]:
            routed.append(codex.stats()["streams_routed"])
            return {}

        peer.answers["fs/unwatch"] = answer
        await watch.aclose()
        assert routed == [1]
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


async def test_a_watch_that_is_gone_already_is_closed_without_a_word(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    peer.answers["fs/unwatch"] = refuse
    async with AsyncCodex(scripted) as codex:
        watch = await codex.fs_watch("/x")
        await watch.aclose()
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)


async def test_what_is_refused_leaves_nothing(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    peer.answers["fs/watch"] = peer.answers["fuzzyFileSearch/sessionStart"] = refuse
    async with AsyncCodex(scripted) as codex:
        with pytest.raises(InvalidRequestError, match="not there"):
            await codex.fs_watch("/x")
        with pytest.raises(InvalidRequestError, match="not there"):
            await codex.fuzzy_file_search(["/x"])
        await codex.models()
        assert peer.received == 0
        assert_idle(codex.stats)


async def test_a_busy_runtime_is_asked_again(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    asked: list[str] = []

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        asked.append(params["watchId"])
        if len(asked) < 3:
            raise Refused(-32001, "Server overloaded; retry later.")
        change = {"watchId": params["watchId"], "changedPaths": ["/x/a"]}
        peer.send({"method": "fs/changed", "params": change})
        return {"path": "/x"}

    peer.answers["fs/watch"] = answer
    peer.answers["fs/unwatch"] = {}
    async with AsyncCodex(scripted) as codex:
        async with await codex.fs_watch("/x") as watch:
            assert await changed_path(watch) == "a"
        assert len(set(asked)) == 1
        assert_idle(codex.stats)


async def test_a_runtime_that_dies_ends_watch_and_search(scripted: CodexConfig, peer: ScriptedPeer) -> None:
    async with AsyncCodex(scripted) as codex:
        async with await codex.fs_watch("/x") as watch, await codex.fuzzy_file_search(["/x"]) as search:
            peer.exit(5)
            with pytest.raises(TransportClosedError):
                await changed_path(watch)
            with pytest.raises(TransportClosedError):
                await found(search, "x")
            with pytest.raises(TransportClosedError):
                await search.update("x")
            with pytest.raises(TransportClosedError):
                await codex.fs_watch("/x")
        assert codex.stats()["errands_sent"] == 0
        assert_idle(codex.stats)
