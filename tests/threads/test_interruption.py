"""A handle that is used in a signal handler or a finalizer, while the code below it uses the same handle."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from codex_app_server import Codex, CodexConfig, StreamClosedError, TurnResult
from codex_app_server._native import Subscription
from codex_app_server._sync.stream import TurnStream
from codex_app_server._sync.turn import TurnHandle
from tests.peer import ScriptedPeer, event
from tests.threads.moments import at_each_moment


@pytest.fixture
def codex(peer: ScriptedPeer) -> Iterator[Codex]:
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        yield codex


@pytest.fixture
def new_turn(codex: Codex) -> Callable[[], TurnHandle]:
    numbers = itertools.count()
    return lambda: TurnHandle(codex, "t", f"u{next(numbers)}")


def come_and_go(turn: TurnHandle) -> None:
    turn.stream().close()


def open_two_and_close_one(turn: TurnHandle) -> None:
    dropped = turn.stream()
    turn.stream().close()
    del dropped


def collect(turn: TurnHandle) -> None:
    turn._cursor.collect()


def let_go(turn: TurnHandle) -> None:
    turn._cursor.let_go()


def is_read(turn: TurnHandle) -> bool:
    """Whether its events are kept for a stream. What a result needs is kept while the handle lives."""
    return not turn._cursor._closed


def test_a_handler_may_wait_for_a_thread_that_uses_a_stream(new_turn: Callable[[], TurnHandle]) -> None:
    other = new_turn()
    kept = other.stream()

    def wait_for_a_thread(_: Any) -> bool:
        thread = threading.Thread(target=come_and_go, args=(other,))
        thread.start()
        thread.join(5)
        return not thread.is_alive()

    for work in (come_and_go, collect, let_go, TurnHandle.stream_text):
        for _, _, ended in at_each_moment(new_turn, work, wait_for_a_thread):
            assert ended, "the thread waits for what the interrupted code holds"
    kept.close()


@pytest.mark.parametrize("one", [collect, TurnHandle.stream, TurnHandle.stream_text])
@pytest.mark.parametrize("result_first", [True, False])
def test_of_a_result_and_another_use_of_a_turn_exactly_one_is_refused(
    one: Callable[[TurnHandle], Any], result_first: bool, new_turn: Callable[[], TurnHandle]
) -> None:
    order = (collect, one) if result_first else (one, collect)
    for _, *found in at_each_moment(new_turn, *order):
        assert [isinstance(each, StreamClosedError) for each in found].count(True) == 1


def test_a_stream_that_is_closed_while_it_closes_is_counted_out_once(
    codex: Codex, new_turn: Callable[[], TurnHandle]
) -> None:
    def opened() -> tuple[TurnHandle, TurnStream, TurnStream]:
        turn = new_turn()
        return turn, turn.stream(), turn.stream()

    def close_second(streams: tuple[TurnHandle, TurnStream, TurnStream]) -> None:
        streams[2].close()

    for (turn, anchor, _), one, other in at_each_moment(opened, close_second, close_second):
        assert (one, other) == (None, None)
        assert is_read(turn)
        anchor.close()
        assert not is_read(turn)
        turn.close()
        assert codex.stats()["turns_routed"] == 0


def test_a_stream_that_is_opened_while_another_opens_and_closes_is_counted(
    codex: Codex, new_turn: Callable[[], TurnHandle]
) -> None:
    for turn, _, stream in at_each_moment(new_turn, open_two_and_close_one, TurnHandle.stream):
        assert is_read(turn)
        stream.close()
        assert not is_read(turn)
        turn.close()
        assert codex.stats()["turns_routed"] == 0


@pytest.mark.parametrize("stream_first", [True, False])
def test_a_stream_is_either_refused_or_not_let_go(
    stream_first: bool, codex: Codex, new_turn: Callable[[], TurnHandle]
) -> None:
    order = (TurnHandle.stream, let_go) if stream_first else (let_go, TurnHandle.stream)
    for turn, *found in at_each_moment(new_turn, *order):
        stream = found[0 if stream_first else 1]
        assert is_read(turn) is not isinstance(stream, StreamClosedError)
        turn.close()
        assert codex.stats()["turns_routed"] == 0


def test_a_result_whose_turn_is_given_up_meanwhile_is_whole_or_refused(
    peer: ScriptedPeer, new_turn: Callable[[], TurnHandle]
) -> None:
    peer.answers["turn/interrupt"] = {}
    item = {"id": "i", "type": "agentMessage", "text": "Done."}

    def ended() -> TurnHandle:
        turn = new_turn()
        said = [event("item/completed", "t", turn.id, item=item, completedAtMs=1) for _ in range(3)]
        peer.send(*said, event("turn/completed", "t", turn.id))
        return turn

    found = [
        outcome
        for _, outcome, _ in at_each_moment(ended, TurnHandle.run, lambda turn: turn._cursor.give_up())
    ]
    assert {type(outcome) for outcome in found} == {StreamClosedError, TurnResult}
    assert {len(outcome.items) for outcome in found if isinstance(outcome, TurnResult)} == {3}


def test_a_turn_that_is_kept_stays_while_it_is_asked_for_with_a_wrong_thread(codex: Codex) -> None:
    connection = codex._runtime.connection
    numbers = itertools.count()

    def keep() -> Subscription:
        kept = connection.native.subscribe_turn("t", f"u{next(numbers)}")
        connection.keep(kept)
        return kept

    for kept, wrong, right in at_each_moment(
        keep,
        lambda kept: connection.subscribe("another", kept.turn_id),
        lambda kept: connection.subscribe("t", kept.turn_id),
    ):
        assert right is kept
        assert wrong is not kept
        assert connection.unclaimed == {}
