# Made from _async/test_listing.py by `python scripts/make_sync.py`; do not edit.

"""All stored threads, turns and items, and what becomes of a thread."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from codex_app_server import (
    Codex,
    CodexConfig,
    InvalidInputError,
    InvalidInputTypeError,
    InvalidRequestError,
    MethodNotFoundError,
    Thread,
)
from codex_app_server.client import CodexClient
from codex_app_server.testing import OfflineModel
from codex_app_server.types import SortDirection, ThreadSortKey, TurnItemsView
from tests.api._sync.concurrency import together
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


def many(codex: Codex, count: int) -> list[str]:
    """So many threads that were started at once, by their ids."""

    def one() -> str:
        thread = codex.thread_start()
        thread.run("Begin.")
        return thread.id

    return sorted(together(*[one] * count))


def ids(threads: Any) -> list[str]:
    return [thread.id for thread in threads]


def index(model: OfflineModel) -> Path:
    """Where the runtime has its index of the threads."""
    home = (model.config().env or {})["CODEX_HOME"]
    assert home is not None
    (path,) = Path(home).glob("state_*.sqlite")
    return path


def change_index(model: OfflineModel, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(index(model))) as database, database:
        database.execute(statement, values)


def test_ninety_threads_that_were_started_at_once_are_all_listed(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        started = many(codex, 90)
        for options in WAYS:
            listed = ids(codex.threads(**options))
            assert sorted(listed) == started, options
    # The runtime changed them all in one moment, it says, and its cursor is that moment.
    change_index(model, "update threads set updated_at_ms = 1795893514000, updated_at = 1795893514")
    with Codex(model.config()) as codex:
        listed = ids(codex.threads(page_size=7, sort_key=BY_CHANGE, use_state_db_only=True))
    assert sorted(listed) == started


@pytest.mark.parametrize("options", [{}, {"search_term": "Begin"}])
def test_threads_that_only_have_a_file_are_listed(options: Any, model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        started = many(codex, 5)
    change_index(model, "delete from threads where id in (?, ?)", started[0], started[3])
    with Codex(model.config()) as codex:
        assert len(ids(codex.threads(**options, use_state_db_only=True))) == 3
        assert sorted(ids(codex.threads(**options))) == started


def test_threads_of_all_providers_are_listed_and_on_request_those_of_one(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        (own,) = many(codex, 1)
        providers = (codex.request("config/read", {}))["config"]["model_providers"]
        offline = {name: value for name, value in providers["offline"].items() if value is not None}
        other = codex.thread_start(model_provider="other", config={"model_providers": {"other": offline}})
        other.run("Begin.")
        assert sorted(ids(codex.threads(page_size=1))) == sorted([own, other.id])
        assert ids(codex.threads(model_providers=["other"])) == [other.id]
        assert [thread.id for thread in (codex.thread_list()).data] == [own]


def test_archived_threads_are_listed_by_themselves(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        first, *others = many(codex, 4)
        Thread(codex, first).archive()
        assert sorted(ids(codex.threads())) == others
        assert ids(codex.threads(archived=True, page_size=1)) == [first]


def test_threads_that_come_and_change_meanwhile_hide_no_others(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        started = many(codex, 6)
        listed = []
        for thread in codex.threads(page_size=2, sort_key=BY_CHANGE):
            listed.append(thread.id)
            if len(listed) == 2:
                for thread_id in started:  # those to come move to where it has been already
                    if thread_id not in listed:
                        resumed = codex.thread_resume(thread_id)
                        resumed.run("Move.")
                many(codex, 1)
    assert len(listed) == len({*listed})
    assert {*started} <= {*listed}


def test_a_page_is_asked_for_when_it_is_needed(peer: ScriptedPeer) -> None:
    asked: list[Any] = []

    def answer(params: Any) -> Any:
        asked.append(params.get("cursor"))
        thread = {"id": f"t{len(asked)}"}
        return {"data": [thread], "nextCursor": "again" if len(asked) < 3 else None}

    peer.answers["thread/list"] = answer
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        threads = codex.threads(use_state_db_only=True)
        assert asked == []
        for _ in threads:
            break
        assert asked == [None]
        # A cursor that comes again would come for ever.
        assert len(ids(codex.threads(use_state_db_only=True))) == 2


def test_mistakes_are_told_before_the_first_page(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        for listing in (codex.threads, thread.turns, thread.items):
            with pytest.raises(InvalidInputError, match="page_size"):
                listing(page_size=0)
            with pytest.raises(InvalidInputTypeError, match="page_size"):
                listing(page_size="7")  # type: ignore[arg-type]
            with pytest.raises(InvalidInputTypeError, match="sort_direction"):
                listing(sort_direction=7)  # type: ignore[arg-type]


def test_turns_and_items_come_in_their_order_and_all(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        turns = [(thread.run(f"Number {number}.")).id for number in range(5)]
        assert [turn.id for turn in thread.turns(page_size=2)] == turns
        backwards = thread.turns(page_size=2, sort_direction=SortDirection.desc)
        assert [turn.id for turn in backwards] == turns[::-1]
        bare = [turn for turn in thread.turns(items_view=TurnItemsView.not_loaded)]
        assert [turn.items for turn in bare] == [[]] * 5
        items = [(entry.turn_id, entry.item.root.type) for entry in thread.items(page_size=3)]
        assert items == [(turn, kind) for turn in turns for kind in ("userMessage", "agentMessage")]
        last = [entry.turn_id for entry in thread.items(turn_id=turns[-1], page_size=1)]
        assert last == [turns[-1]] * 2
    # They need not be loaded.
    with Codex(model.config()) as codex:
        assert [turn.id for turn in Thread(codex, thread.id).turns()] == turns


def test_a_thread_of_which_nothing_is_stored_says_so(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        with pytest.raises(InvalidRequestError, match="no first message"):
            [turn for turn in thread.turns()]
        with pytest.raises(MethodNotFoundError, match="no first message"):
            [entry for entry in thread.items()]


def test_a_thread_that_is_back_from_the_archive_says_how_it_can_run(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        thread.run("Begin.")
        thread.archive()
        with pytest.raises(InvalidRequestError, match=r"thread_unarchive\(thread_id\)"):
            thread.resume()
        back = codex.thread_unarchive(thread.id)
        with pytest.raises(InvalidRequestError, match=r"thread\.resume\(\)"):
            back.run("Go.")
        assert (back.resume(model="other")).id == thread.id
        assert (back.run("Go.")).final_response == "Go."
        assert model.requests[-1].model == "other"


def test_a_thread_is_forked_and_deleted(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        thread.run("common past")
        fork = thread.fork(model="other")
        assert fork.id != thread.id
        fork.run("its own future")
        assert "common past" in str(model.requests[-1].input)
        with pytest.raises(InvalidRequestError, match="delete the threads first"):
            thread.delete()
        fork.delete()
        codex.thread_delete(thread.id)
        assert ids(codex.threads()) == []
        with pytest.raises(InvalidRequestError, match="thread not found"):
            fork.run("Go.")


def test_threads_of_the_low_level_client_have_the_same(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        thread.run("Begin.")
    with CodexClient(model.config()) as client:
        client.initialize()
        other = Thread(client, thread.id)
        assert len([turn for turn in other.turns()]) == 1
        assert ((other.resume()).run("Go.")).final_response == "Go."
