"""Listening to notifications: on the real runtime, and on one whose every line is forced."""

from __future__ import annotations

from typing import Any, cast

import pytest

from codex_app_server import (
    AsyncCodex,
    AsyncNotificationStream,
    ClientClosedError,
    CodexConfig,
    Notification,
    NotStartedError,
    StreamOverflowError,
    TransportClosedError,
)
from codex_app_server._async.feed import AsyncFeed
from codex_app_server._incoming.failures import stream_overflow, transport_closed
from codex_app_server.errors import InvalidInputError, InvalidInputTypeError
from codex_app_server.models import (
    ThreadNameUpdatedNotification,
    TurnCompletedNotification,
    UnknownNotification,
)
from codex_app_server.testing import OfflineModel
from codex_app_server.types import ThreadItem
from tests.api._async.concurrency import Background, Marks, together
from tests.payloads import payload
from tests.peer import ScriptedPeer, delta, event


def given_name(one: Notification) -> str:
    """The name that a thread was given."""
    return str(payload(one, ThreadNameUpdatedNotification).thread_name)


async def take(stream: AsyncNotificationStream, count: int) -> list[Notification]:
    """The next events of a stream."""
    found: list[Notification] = []
    async for one in stream:
        found.append(one)
        if len(found) == count:
            break
    return found


@pytest.fixture
def scripted(peer: ScriptedPeer) -> CodexConfig:
    peer.answers["model/list"] = {"data": []}
    return CodexConfig(launch_args_override=peer.argv, turn_budget_bytes=100_000)


async def test_what_happens_after_the_call_is_heard_however_late_it_is_read(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        thread = await codex.thread_start()
        await thread.run("Hello.")
        async with codex.notifications("thread/name/updated") as names:
            await thread.set_name("first")
            await thread.set_name("second")
            found = await take(names, 2)
        assert [given_name(one) for one in found] == ["first", "second"]
        assert all(isinstance(one.payload, ThreadNameUpdatedNotification) for one in found)
        assert codex.stats()["streams_routed"] == 0
        assert codex.stats()["mailbox_bytes"] == 0


async def test_without_kinds_everything_that_is_no_turns_is_heard(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        everything = codex.notifications()
        thread = await codex.thread_start()
        await thread.run("Hello.")
        await thread.set_name("the end")
        methods = []
        async for one in everything:
            methods.append(one.method)
            if one.method == "thread/name/updated":
                break
        await everything.aclose()
    assert {"thread/started", "thread/status/changed"} < set(methods)
    assert not [method for method in methods if method.startswith(("turn/", "item/"))]


async def test_all_turns_can_be_watched_while_others_run_them(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        watching = codex.notifications(TurnCompletedNotification)

        async def run() -> str:
            thread = await codex.thread_start()
            await thread.run("Hello.")
            return thread.id

        threads = await together(*[run] * 5)
        found = await take(watching, 5)
        await watching.aclose()
    ends = [payload(one, TurnCompletedNotification) for one in found]
    assert sorted(end.thread_id for end in ends) == sorted(threads)
    assert {end.turn.status.value for end in ends} == {"completed"}


async def test_one_threads_notifications_can_be_picked(model: OfflineModel) -> None:
    async with AsyncCodex(model.config()) as codex:
        mine, other = await codex.thread_start(), await codex.thread_start()
        await mine.run("Hello.")
        await other.run("Hello.")
        everything = codex.notifications(thread_id=mine.id)
        names = codex.notifications(ThreadNameUpdatedNotification, thread_id=mine.id)
        await other.set_name("other")
        await mine.set_name("mine")
        for stream in (everything, names):
            (first,) = await take(stream, 1)
            assert given_name(first) == "mine"
            await stream.aclose()


async def test_a_kind_that_makes_no_sense_is_refused_and_leaves_nothing(scripted: CodexConfig) -> None:
    async with AsyncCodex(scripted) as codex:
        for kinds, error in (((ThreadItem,), InvalidInputError), ((7,), InvalidInputTypeError)):
            with pytest.raises(error):
                codex.notifications(*kinds)
        with pytest.raises(InvalidInputError):
            codex.notifications("")
        with pytest.raises(InvalidInputError):
            codex.notifications(thread_id="")
        assert codex.stats()["streams_routed"] == 0


async def test_a_client_that_does_not_run_has_no_notifications(scripted: CodexConfig) -> None:
    codex = AsyncCodex(scripted)
    with pytest.raises(NotStartedError):  # async only
        codex.notifications()  # async only
    async with codex:
        pass
    with pytest.raises(ClientClosedError):
        codex.notifications()


async def test_a_client_that_is_closed_ends_the_iteration_with_an_error(scripted: CodexConfig) -> None:
    codex = AsyncCodex(scripted)
    async with codex:
        stream = codex.notifications()

        async def follow() -> list[Notification]:
            return await take(stream, 1)

        following = Background(follow)
        await codex.models()
    with pytest.raises(ClientClosedError):
        await following.result()
    await stream.aclose()


async def test_a_runtime_that_ends_ends_the_iteration_behind_what_it_said(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    async with AsyncCodex(scripted) as codex:
        stream = codex.notifications()
        peer.send({"method": "skills/changed", "params": {}})
        peer.exit(3)
        assert [one.method for one in await take(stream, 1)] == ["skills/changed"]
        # Each of its consumers is told, whenever it asks.
        for _ in range(2):
            with pytest.raises(TransportClosedError) as caught:
                await take(stream, 1)
            assert caught.value.exit_code == 3
        await stream.aclose()
        assert await take(stream, 1) == []


async def test_closing_a_stream_ends_the_iteration_of_who_waits_for_it(scripted: CodexConfig) -> None:
    async with AsyncCodex(scripted) as codex:
        stream = codex.notifications()

        async def follow() -> list[Notification]:
            return await take(stream, 1)

        following = Background(follow)
        await codex.models()
        await stream.aclose()
        await stream.aclose()
        assert await following.result() == []
        assert codex.stats()["streams_routed"] == 0


async def test_what_was_not_read_in_time_is_dropped_counted_and_told(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    def named(number: int) -> dict[str, Any]:
        params = {"threadId": "t", "threadName": f"{number}:{'n' * 1000}"}
        return {"method": "thread/name/updated", "params": params}

    def number_of(one: Notification) -> int:
        return int(given_name(one).split(":")[0])

    async with AsyncCodex(scripted) as codex:
        stream = codex.notifications("thread/name/updated")
        peer.send(*(named(number) for number in range(300)))
        await codex.models()
        assert codex.stats()["mailbox_bytes"] <= 100_000
        peer.send(named(300))
        await codex.models()
        lost = codex.stats()["events_lost"]
        assert lost > 0
        kept = await take(stream, 301 - lost)
        assert [number_of(one) for one in kept] == list(range(301 - lost))
        with pytest.raises(StreamOverflowError) as caught:
            await take(stream, 1)
        assert caught.value.lost_events == lost
        peer.send(named(301))
        assert [number_of(one) for one in await take(stream, 1)] == [301]
        await stream.aclose()


async def test_each_stream_has_a_copy_and_the_consumers_of_one_share_it(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    async with AsyncCodex(scripted) as codex:
        marks = Marks()
        shared, copy = codex.notifications(), codex.notifications()

        async def first(name: str, then: str) -> str:
            async for one in shared:
                await marks.reach(name)
                await marks.wait(then)
                return given_name(one)
            return ""

        async def one_of_two() -> str:
            return await first("one", "two")

        async def other_of_two() -> str:
            return await first("two", "one")

        for name in ("a", "b"):
            params = {"threadId": "t", "threadName": name}
            peer.send({"method": "thread/name/updated", "params": params})
        assert sorted(await together(one_of_two, other_of_two)) == ["a", "b"]
        assert [given_name(one) for one in await take(copy, 2)] == ["a", "b"]
        await shared.aclose()
        await copy.aclose()


async def test_what_a_newer_runtime_says_reaches_who_listens_to_everything_or_names_it(
    scripted: CodexConfig, peer: ScriptedPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncCodex(scripted) as codex:
        everything, named = codex.notifications(), codex.notifications("item/hologram")
        # It may be misspelled.
        assert "'item/hologram' is no notification that this version knows" in caplog.text
        caplog.clear()
        peer.send(
            {"method": "brand/new", "params": {"x": [1]}},
            event("item/hologram", "t", "u", beam=2),
            delta("t", "u", "x"),
            {"method": "thread/name/updated", "params": {"threadId": 7}},
        )
        found = await take(everything, 2)
        assert found[0] == Notification("brand/new", UnknownNotification({"x": [1]}))
        assert found[1] == Notification("thread/name/updated", UnknownNotification({"threadId": 7}))
        (hologram,) = await take(named, 1)
        assert payload(hologram, UnknownNotification).params["beam"] == 2
        await everything.aclose()
        await named.aclose()
        assert codex.stats()["streams_routed"] == 0


async def test_before_the_first_stream_events_are_counted_and_not_kept(
    scripted: CodexConfig, peer: ScriptedPeer
) -> None:
    async with AsyncCodex(scripted) as codex:
        peer.send(*[{"method": "skills/changed", "params": {}}] * 10)
        await codex.models()
        stats = codex.stats()
        assert (stats["events_unclaimed"], stats["events_delivered"], stats["mailbox_bytes"]) == (10, 0, 0)


@pytest.mark.parametrize(
    "failure",
    [stream_overflow("notifications", "", 7, 700), transport_closed("process_exited", 1, None, "", "")],
)
async def test_what_explains_a_failure_is_logged_before_the_failure_is_raised(failure: Exception) -> None:
    noted: list[str] = []
    logged: list[str] = []

    class Connection:
        def log_diagnostics(self) -> None:
            logged.extend(noted)
            noted.clear()

    class Failing:
        def drain(self, *_: Any) -> int:
            noted.append("a line was cut")
            raise failure

        drain_ready = drain

    feed = AsyncFeed(cast("Any", Connection()), cast("Any", Failing()), cast("Any", None))
    with pytest.raises(type(failure)):
        await feed.fill()
    assert logged == ["a line was cut"]
