"""All stored threads, turns and items, and what becomes of a thread."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import (
    AsyncCodex,
    AsyncThread,
    CodexConfig,
    InvalidInputError,
    InvalidInputTypeError,
    InvalidRequestError,
    MethodNotFoundError,
)
from codex_app_server.async_client import AsyncCodexClient
from codex_app_server.testing import OfflineModel
from codex_app_server.types import SortDirection, ThreadSortKey, TurnItemsView
from tests.api._async.concurrency import together
from tests.peer import ScriptedPeer

BY_CHANGE = ThreadSortKey.updated_at
WAYS: list[dict[str, Any]] = [
    {},
    {"page_size": 7},
    {"page_size": 7, "sort_direction": SortDirection.asc},
    {"page_size": 7, "use_state_db_only": True},
    {"page_size": 7, "sort_key": BY_CHANGE},
    {"page_size": 7, "search_term": "Begin"},
]


async def many(codex: AsyncCodex, count: int) -> list[str]:
    """So many threads that were started at once, by their ids."""

    async def one() -> str:
        thread = await codex.thread_start()
        await thread.run("Begin.")
        return thread.id

    return sorted(await together(*[one] * count))


async def ids(threads: Any) -> list[str]:
    return [thread.id async for thread in threads]


def index(model: OfflineModel) -> Path:
    """Where the runtime has its index of the threads."""
    home = (model.config().env or {})["CODEX_HOME"]
    assert home is not None
    (path,) = Path(home).glob("state_*.sqlite")
    return path


def change_index(model: OfflineModel, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(index(model))) as database, database:
        database.execute(statement, values)


async def test_ninety_threads_that_were_started_at_once_are_all_listed(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        started = await many(codex, 90)
        for options in WAYS:
            listed = await ids(codex.threads(**options))
            assert sorted(listed) == started, options
    # The runtime changed them all in one moment, it says, and its cursor is that moment.
    change_index(model, "update threads set updated_at_ms = 1795893514000, updated_at = 1795893514")
    async with AsyncCodex(model.config()) as codex:
        listed = await ids(codex.threads(page_size=7, sort_key=BY_CHANGE, use_state_db_only=True))
    assert sorted(listed) == started


@pytest.mark.parametrize("options", [{}, {"search_term": "Begin"}])
async def test_threads_that_only_have_a_file_are_listed(options: Any, model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        started = await many(codex, 5)
    change_index(model, "delete from threads where id in (?, ?)", started[0], started[3])
    async with AsyncCodex(model.config()) as codex:
        assert len(await ids(codex.threads(**options, use_state_db_only=True))) == 3
        assert sorted(await ids(codex.threads(**options))) == started


async def test_threads_of_all_providers_are_listed_and_on_request_those_of_one(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        (own,) = await many(codex, 1)
        providers = (await codex.request("config/read", {}))["config"]["model_providers"]
        offline = {name: value for name, value in providers["offline"].items() if value is not None}
        other = await codex.thread_start(
            model_provider="other", config={"model_providers": {"other": offline}}
        )
        await other.run("Begin.")
        assert sorted(await ids(codex.threads(page_size=1))) == sorted([own, other.id])
        assert await ids(codex.threads(model_providers=["other"])) == [other.id]
        assert [thread.id for thread in (await codex.thread_list()).data] == [own]


async def test_archived_threads_are_listed_by_themselves(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        first, *others = await many(codex, 4)
        await AsyncThread(codex, first).archive()
        assert sorted(await ids(codex.threads())) == others
        assert await ids(codex.threads(archived=True, page_size=1)) == [first]


async def test_threads_that_come_and_change_meanwhile_hide_no_others(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        started = await many(codex, 6)
        listed = []
        async for thread in codex.threads(page_size=2, sort_key=BY_CHANGE):
            listed.append(thread.id)
            if len(listed) == 2:
                for thread_id in started:  # those to come move to where it has been already
                    if thread_id not in listed:
                        resumed = await codex.thread_resume(thread_id)
                        await resumed.run("Move.")
                await many(codex, 1)
    assert len(listed) == len({*listed})
    assert {*started} <= {*listed}


async def test_a_page_is_asked_for_when_it_is_needed(peer: ScriptedPeer) -> None:
    asked: list[Any] = []

    def answer(params: Any) -> Any:
        asked.append(params.get("cursor"))
        thread = {"id": f"t{len(asked)}"}
        return {"data": [thread], "nextCursor": "again" if len(asked) < 3 else None}

    peer.answers["thread/list"] = answer
    async with AsyncCodex(CodexConfig(launch_args_override=peer.argv)) as codex:
        threads = codex.threads(use_state_db_only=True)
        assert asked == []
        async for _ in threads:
            break
        assert asked == [None]
        # A cursor that comes again would come for ever.
        assert len(await ids(codex.threads(use_state_db_only=True))) == 2


async def test_mistakes_are_told_before_the_first_page(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        for listing in (codex.threads, thread.turns, thread.items):
            with pytest.raises(InvalidInputError, match="page_size"):
                listing(page_size=0)
            with pytest.raises(InvalidInputTypeError, match="page_size"):
                listing(page_size="7")  # type: ignore[arg-type]
            with pytest.raises(InvalidInputTypeError, match="sort_direction"):
                listing(sort_direction=7)  # type: ignore[arg-type]


async def test_turns_and_items_come_in_their_order_and_all(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        turns = [(await thread.run(f"Number {number}.")).id for number in range(5)]
        assert [turn.id async for turn in thread.turns(page_size=2)] == turns
        backwards = thread.turns(page_size=2, sort_direction=SortDirection.desc)
        assert [turn.id async for turn in backwards] == turns[::-1]
        bare = [turn async for turn in thread.turns(items_view=TurnItemsView.not_loaded)]
        assert [turn.items for turn in bare] == [[]] * 5
        items = [(entry.turn_id, entry.item.root.type) async for entry in thread.items(page_size=3)]
        assert items == [(turn, kind) for turn in turns for kind in ("userMessage", "agentMessage")]
        last = [entry.turn_id async for entry in thread.items(turn_id=turns[-1], page_size=1)]
        assert last == [turns[-1]] * 2
    # They need not be loaded.
    async with AsyncCodex(model.config()) as codex:
        assert [turn.id async for turn in AsyncThread(codex, thread.id).turns()] == turns


async def test_a_thread_of_which_nothing_is_stored_says_so(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        with pytest.raises(InvalidRequestError, match="no first message"):
            [turn async for turn in thread.turns()]
        with pytest.raises(MethodNotFoundError, match="no first message"):
            [entry async for entry in thread.items()]


async def test_a_thread_that_is_back_from_the_archive_says_how_it_can_run(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.run("Begin.")
        await thread.archive()
        with pytest.raises(InvalidRequestError, match=r"thread_unarchive\(thread_id\)"):
            await thread.resume()
        back = await codex.thread_unarchive(thread.id)
        with pytest.raises(InvalidRequestError, match=r"thread\.resume\(\)"):
            await back.run("Go.")
        assert (await back.resume(model="other")).id == thread.id
        assert (await back.run("Go.")).final_response == "Go."
        assert model.requests[-1].model == "other"


async def test_a_thread_is_forked_and_deleted(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.run("common past")
        fork = await thread.fork(model="other")
        assert fork.id != thread.id
        await fork.run("its own future")
        assert "common past" in str(model.requests[-1].input)
        with pytest.raises(InvalidRequestError, match="delete the threads first"):
            await thread.delete()
        await fork.delete()
        await codex.thread_delete(thread.id)
        assert await ids(codex.threads()) == []
        with pytest.raises(InvalidRequestError, match="thread not found"):
            await fork.run("Go.")


async def test_threads_of_the_low_level_client_have_the_same(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.run("Begin.")
    async with AsyncCodexClient(model.config()) as client:
        await client.initialize()
        other = AsyncThread(client, thread.id)
        assert len([turn async for turn in other.turns()]) == 1
        assert (await (await other.resume()).run("Go.")).final_response == "Go."
