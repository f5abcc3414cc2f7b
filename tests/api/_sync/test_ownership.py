# Made from _async/test_ownership.py by `python scripts/make_sync.py`; do not edit.

"""Who owns a turn: blocks and `run()` do, plain handles and handles from ids do not."""

from __future__ import annotations

from time import monotonic as now

import pytest

from codex_app_server import (
    Codex,
    CodexConfig,
    MessageTooLongError,
    ParseError,
    RequestTimeoutError,
    StreamClosedError,
    TurnHandle,
    TurnTimeoutError,
)
from codex_app_server.testing import Answer, Message, OfflineModel, Stall
from codex_app_server.types import TurnStatus
from tests.api._sync.concurrency import expected, together
from tests.peer import ScriptedPeer, event, started

INTERRUPT = {"threadId": "t", "turnId": "u"}


class LeftError(Exception):
    """The program's own."""


def config(peer: ScriptedPeer) -> CodexConfig:
    peer.answers |= {
        "thread/start": {"thread": {"id": "t"}},
        "turn/start": started("u"),
        "model/list": {"data": []},
    }
    return CodexConfig(launch_args_override=peer.argv)


def silent(peer: ScriptedPeer, codex: Codex) -> None:
    """Nothing was asked of the runtime that nobody has answered."""
    codex.models()
    assert peer.received == 0


@pytest.mark.parametrize("how", ["break", "exception", "end of the block"])
def test_a_block_that_is_left_before_the_end_interrupts_its_turn(how: str, peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        thread = codex.thread_start()
        try:
            with thread.turn("Go.") as turn:
                peer.send(event("turn/started", "t", "u"))
                for one in turn.stream():
                    assert one.method == "turn/started"
                    if how == "exception":
                        raise LeftError
                    break
        except LeftError:
            pass
        assert (expected(peer, "turn/interrupt"))["params"] == INTERRUPT


def test_a_block_whose_turn_is_over_interrupts_nothing(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        thread = codex.thread_start()
        with thread.turn("Go.") as turn:
            peer.send(event("turn/started", "t", "u"), event("turn/completed", "t", "u"))
            assert [one.method for one in turn.stream()] == ["turn/started", "turn/completed"]
        silent(peer, codex)


def test_a_plain_turn_runs_on_whatever_becomes_of_its_handle_and_streams(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        thread = codex.thread_start()
        turn = thread.turn("Go.")
        peer.send(event("turn/started", "t", "u"))
        for _ in turn.stream():
            break
        del turn
        codex.request("turn/start", {"threadId": "t", "input": []})
        codex.rpc.turn.start(thread_id="t", input=[])
        silent(peer, codex)


def test_a_block_leaves_a_turn_alone_that_somebody_else_holds(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        thread = codex.thread_start()
        plain = thread.turn("Go.")
        peer.send(event("turn/started", "t", "u"))
        with thread.turn("And go."):
            pass
        silent(peer, codex)
        # The plain handle's claim is given up only if it is owned first.
        with plain:
            pass
        assert (expected(peer, "turn/interrupt"))["params"] == INTERRUPT


def test_a_handle_from_ids_owns_nothing_and_holds_the_turn_while_it_follows(peer: ScriptedPeer) -> None:
    with Codex(config(peer)) as codex:
        thread = codex.thread_start()
        with TurnHandle(codex, "t", "elsewhere"):
            pass
        with thread.turn("Go."):
            peer.send(event("turn/started", "t", "u"))
            follower = TurnHandle(codex, "t", "u")
        silent(peer, codex)
        follower.stream().close()
        assert (expected(peer, "turn/interrupt"))["params"] == INTERRUPT


@pytest.mark.parametrize("how", ["run", "block"])
@pytest.mark.parametrize("others", ["none", "a dropped handle", "a follower"])
def test_a_deadline_says_whether_others_keep_the_turn_running(
    others: str, how: str, peer: ScriptedPeer
) -> None:
    with Codex(config(peer)) as codex:
        thread = codex.thread_start()
        if others == "a dropped handle":
            thread.turn("Go.")
        follower = TurnHandle(codex, "t", "u") if others == "a follower" else None
        if how == "run":
            with pytest.raises(TurnTimeoutError) as caught:
                thread.run("And go.", idle_timeout_s=0.05)
        else:
            with thread.turn("And go.") as turn:
                with pytest.raises(TurnTimeoutError) as caught:
                    [event for event in turn.stream(idle_timeout_s=0.05)]
        assert ("It goes on, because others hold it" in str(caught.value)) is (others != "none")
        del follower


def test_a_deadline_of_the_last_who_follows_a_turn_does_not_say_that_it_goes_on(
    peer: ScriptedPeer,
) -> None:
    with Codex(config(peer)) as codex:
        thread = codex.thread_start()
        follower = TurnHandle(codex, "t", "u")
        peer.send(event("turn/started", "t", "u"))
        with pytest.raises(TurnTimeoutError, match="It goes on"):
            thread.run("Go.", idle_timeout_s=0.05)
        with pytest.raises(TurnTimeoutError) as caught:
            follower.run(idle_timeout_s=0.05)
        assert "It goes on" not in str(caught.value)
        assert (expected(peer, "turn/interrupt"))["params"] == INTERRUPT


def test_every_run_of_an_interrupted_turn_returns(model: OfflineModel) -> None:
    model.reset(Answer("Well, ", Stall()))
    with Codex(model.config()) as codex:
        thread = codex.thread_start(ephemeral=True)
        first = thread.turn("Go.")
        second = thread.turn("And go.")
        first.interrupt()
        results = together(first.run, second.run)
        assert [result.status for result in results] == [TurnStatus.interrupted] * 2


def test_a_block_on_the_real_runtime_stops_the_model_too(model: OfflineModel) -> None:
    model.reset([Answer("Well, ", Stall()), Answer(Message("Here."))])
    with Codex(model.config()) as codex:
        thread = codex.thread_start(ephemeral=True)
        with thread.turn("Go.") as turn:
            for _ in turn.stream_text():
                break
        # It waits for the end of what was given up, and is not answered with it.
        assert (thread.run("Again.")).final_response == "Here."
        assert codex.stats()["turns_routed"] == 0


def test_a_run_on_a_thread_that_was_unsubscribed_says_so(model: OfflineModel) -> None:
    with Codex(model.config()) as codex:
        thread = codex.thread_start()
        thread.run("Hi.")
        codex.rpc.thread.unsubscribe(thread_id=thread.id)
        with pytest.raises(StreamClosedError, match="was unsubscribed from"):
            thread.run("Again.")
        resumed = codex.thread_resume(thread.id)
        assert (resumed.run("And again.")).status is TurnStatus.completed
        assert codex.stats()["turns_routed"] == 0


def test_on_a_runtime_that_has_stopped_every_caller_fails_after_its_deadline(
    peer: ScriptedPeer,
) -> None:
    config = CodexConfig(launch_args_override=peer.argv, request_timeout_s=1.0)
    failed: list[RequestTimeoutError] = []

    def ask() -> None:
        try:
            codex.models()
        except RequestTimeoutError as error:
            failed.append(error)

    with Codex(config) as codex:
        begun = now()
        together(*[ask] * 200)
        # It was four seconds for every 32 of them.
        assert now() - begun < 4
    assert len(failed) == 200


def test_a_message_that_is_too_long_ends_the_connection_with_its_own_error(peer: ScriptedPeer) -> None:
    config = CodexConfig(launch_args_override=peer.argv, max_message_bytes=1 << 20)
    with Codex(config) as codex:
        peer.send({"method": "skills/changed", "params": {"text": "x" * (3 << 20)}})
        with pytest.raises(MessageTooLongError, match=r"longer than 1048576 bytes.*max_message_bytes"):
            codex.models()


@pytest.mark.parametrize(
    "answer", [{}, {"turn": None}, {"turn": {}}, {"turn": {"id": 5}}, {"turn": {"id": ""}}, []]
)
def test_a_start_that_is_answered_without_a_turn_is_an_error_and_leaves_nothing(
    peer: ScriptedPeer, answer: object
) -> None:
    peer.answers |= {"thread/start": {"thread": {"id": "t"}}, "turn/start": lambda _: answer}
    with Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
        thread = codex.thread_start()
        for begin in (thread.turn, thread.run):
            with pytest.raises(ParseError, match="names no turn"):
                begin("Go.")
        stats = codex.stats()
        assert (stats["turns_routed"], stats["turns_starting"], stats["errands_sent"]) == (0, 0, 0)
