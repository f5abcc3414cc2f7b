"""Threads as the runtime keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from codex_app_server import AsyncCodex, __version__
from codex_app_server.errors import ClientClosedError, InvalidInputError, InvalidRequestError, JsonRpcError
from codex_app_server.testing import OfflineModel
from codex_app_server.types import SortDirection, ThreadListCwdFilter, TurnStatus
from tests.api._async.concurrency import together


async def test_metadata_has_the_server_in_both_spellings(model: OfflineModel) -> None:
    async with AsyncCodex(model.config(client_name="my_client")) as codex:
        metadata = codex.metadata
    assert metadata.serverInfo is not None
    assert metadata.serverInfo.name == "my_client"
    assert metadata.serverInfo.version is not None
    assert metadata.serverInfo.version.startswith(__version__)
    assert metadata.server_info == metadata.serverInfo
    assert metadata.user_agent == metadata.userAgent


async def test_clients_that_start_at_once_on_a_new_home_all_start() -> None:
    with OfflineModel("Here.") as model:

        async def first_turn() -> str | None:
            async with AsyncCodex(model.config()) as codex:
                return (await (await codex.thread_start()).run("Go.")).final_response

        assert await together(*[first_turn] * 4) == ["Here."] * 4


async def test_a_thread_is_named_read_and_listed(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.run("Remember the milk.")
        await thread.set_name("errands")
        read = await thread.read(include_turns=True)
        listed = await codex.thread_list(limit=5, sort_direction=SortDirection.desc)
        none = await codex.thread_list(cwd=ThreadListCwdFilter("/nowhere/at/all"))
    assert read.thread.id == thread.id
    assert read.thread.name == "errands"
    assert len(read.thread.turns) == 1
    assert [one.id for one in listed.data] == [thread.id]
    assert none.data == []


async def test_a_thread_is_resumed_by_another_client(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.run("My name is Ada.")
    async with AsyncCodex(model.config()) as codex:
        resumed = await codex.thread_resume(thread.id)
        assert resumed.id == thread.id
        result = await resumed.run("What is my name?")
    assert result.final_response == "What is my name?"
    assert "My name is Ada." in str(model.requests[-1].input)


async def test_a_fork_is_another_thread_with_the_same_past(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.run("common past")
        fork = await codex.thread_fork(thread.id)
        assert fork.id != thread.id
        await fork.run("its own future")
        read = await fork.read(include_turns=True)
    assert len(read.thread.turns) == 2
    assert "common past" in str(model.requests[-1].input)


async def test_a_thread_is_archived_and_brought_back(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.run("Keep this.")
        await codex.thread_archive(thread.id)
        assert [one.id for one in (await codex.thread_list()).data] == []
        assert [one.id for one in (await codex.thread_list(archived=True)).data] == [thread.id]
        back = await codex.thread_unarchive(thread.id)
        assert back.id == thread.id
        assert [one.id for one in (await codex.thread_list()).data] == [thread.id]


async def test_a_thread_is_compacted(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.run("A long story.")
        await thread.compact()
        await model.wait_for_requests_async(2)  # async only
        # sync only: model.wait_for_requests(2)


async def test_models_are_listed(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        shown = await codex.models()
        everything = await codex.models(include_hidden=True)
    assert shown.data
    assert len(everything.data) >= len(shown.data)
    assert not any(one.hidden for one in shown.data)


async def test_an_unknown_thread_is_a_typed_error_that_helps(model: OfflineModel) -> None:
    unknown = "0199a5c0-1111-7000-8000-000000000001"
    async with AsyncCodex(model.config()) as codex:
        for use in (codex.thread_resume, codex.thread_fork, codex.thread_archive):
            with pytest.raises(InvalidRequestError) as caught:
                await use(unknown)
            assert unknown in str(caught.value)
            assert "codex.threads()" in str(caught.value)
        with pytest.raises(InvalidRequestError):
            await codex.thread_resume("not an id")


async def test_an_ephemeral_fork_comes_without_its_turns(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.run("Hi.")
        for fork in (await thread.fork(ephemeral=True), await codex.thread_fork(thread.id, ephemeral=True)):
            assert (await fork.run("Go on.")).final_response
            assert "Hi." in str(model.requests[-1].input)
        with pytest.raises(InvalidRequestError) as caught:
            await thread.fork(ephemeral=True, include_turns=True)
        assert "leave include_turns out" in str(caught.value)


async def test_a_thread_that_another_client_has_loaded_can_be_forked(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as first:
        thread = await first.thread_start()
        await thread.run("Hi.")
        async with AsyncCodex(model.config()) as second:
            with pytest.raises(InvalidRequestError) as caught:
                await second.thread_resume(thread.id)
            assert "close that client, or go on in a copy" in str(caught.value)
            await second.thread_fork(thread.id)


async def test_wrong_types_are_refused_before_anything_is_sent(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        written = codex.stats()["requests_written"]
        wrongs: list[Any] = [5, None, b"name"]
        for wrong in wrongs:
            with pytest.raises(TypeError, match="name"):
                await thread.set_name(wrong)
            with pytest.raises(TypeError, match="include_turns"):
                await thread.read(include_turns=wrong)
            with pytest.raises(TypeError, match="thread_id"):
                await codex.thread_resume(wrong)
        with pytest.raises(InvalidInputError, match="empty"):
            await thread.set_name("")
        assert codex.stats()["requests_written"] == written


async def test_clients_run_side_by_side(model: OfflineModel) -> None:
    async def one() -> str | None:
        async with AsyncCodex(model.config()) as codex:
            return (await (await codex.thread_start()).run("Hi")).final_response

    # The first one alone: runtimes that set up the same new home at once get in each other's way.
    assert await one() == "Hi"
    assert await together(one, one, one) == ["Hi"] * 3


async def test_the_transport_counts(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        await (await codex.thread_start()).run("Hi")
        during = codex.stats()
    after = codex.stats()
    assert during["requests_written"] == 3  # initialize, thread/start, turn/start
    assert during["events_filtered"] > 0
    assert (during["malformed_lines"], during["unknown_notifications"], during["orphan_responses"]) == (
        0,
        0,
        0,
    )
    assert after["mailbox_bytes"] == 0
    documented = (type(codex).stats.__doc__ or "").replace("\n", " ")
    assert [name for name in after if f"`{name}`" not in documented] == []


async def test_a_closed_client_says_so(model: OfflineModel) -> None:
    codex = AsyncCodex(model.config())
    await codex.models()
    thread = await codex.thread_start()
    await codex.close()
    await codex.close()
    with pytest.raises(ClientClosedError, match="closed"):
        await codex.models()
    with pytest.raises(ClientClosedError):
        await thread.run("Hi")


async def test_a_refusal_says_that_a_thread_may_be_archived_deleted_or_ephemeral(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.run("Go.")
        await thread.archive()
        with pytest.raises(InvalidRequestError, match="archived after thread_unarchive"):
            await thread.run("Go.")
        with pytest.raises(InvalidRequestError, match="or it is ephemeral, archived or deleted"):
            await thread.archive()
        await thread.delete()
        with pytest.raises(InvalidRequestError, match="deleted is gone"):
            await thread.read()
        with pytest.raises(JsonRpcError, match="ephemeral, deleted, or has no first message"):
            _ = [item async for item in thread.items()]
        ephemeral = await codex.thread_start(ephemeral=True)
        await ephemeral.run("Go.")
        with pytest.raises(InvalidRequestError, match="or it is ephemeral, archived or deleted"):
            await ephemeral.fork()


async def test_a_thread_is_archived_and_deleted_before_its_first_message(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.archive()
        assert [one.id async for one in codex.threads(archived=True)] == [thread.id]
        await (await codex.thread_start()).delete()


async def test_a_compaction_interrupts_the_turn_that_runs(model: OfflineModel) -> None:
    model.hold()
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        turn = await thread.turn("Go on.")
        model.wait_for_requests(1)
        await thread.compact()
        assert (await turn.run()).status is TurnStatus.interrupted
        model.release()
