"""Admission, answers that come late or not at all, and what is undone."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from codex_app_server._native import Call, Connection
from codex_app_server.errors import InvalidRequestError, ServerBusyError, TransportClosedError
from tests.leaks import Footprint
from tests.native.wire import caught_up, connected, finish, start, start_turn
from tests.peer import ScriptedPeer, event, started


@pytest.fixture
def peer() -> Iterator[ScriptedPeer]:
    with ScriptedPeer() as peer:
        yield peer


@pytest.fixture
def connection(peer: ScriptedPeer) -> Iterator[Connection]:
    with connected(peer) as connection:
        yield connection


def test_a_window_of_short_requests_is_in_flight(connection: Connection, peer: ScriptedPeer) -> None:
    calls = [connection.open_call("thread/read") for _ in range(200)]
    admitted = [call for call in calls if call.admitted]
    assert admitted == calls[:32]
    for call in admitted:
        call.send(b"{}")
    for call in admitted:
        peer.answer(peer.expect("thread/read"), {})
        finish(call)
    # First come, first served.
    assert all(call.wait(20) for call in calls[32:64])
    assert [call.admitted for call in calls[64:66]] == [False] * 2


def test_control_and_long_requests_do_not_stand_behind_short_ones(connection: Connection) -> None:
    calls = [connection.open_call("thread/read") for _ in range(100)]
    calls += [connection.open_call("command/exec") for _ in range(40)]
    assert not connection.open_call("thread/read").admitted
    assert connection.open_call("turn/interrupt").admitted
    assert connection.open_call("command/exec").admitted


def test_a_request_given_up_in_line_frees_the_line(connection: Connection) -> None:
    calls = [connection.open_call("thread/read") for _ in range(100)]
    for call in calls[32:]:
        call.abandon()
    assert connection.stats()["requests_waiting"] == 0
    calls[0].abandon()
    assert connection.open_call("thread/read").admitted


def test_a_request_given_up_on_the_wire_keeps_its_place_until_it_is_answered(
    connection: Connection, peer: ScriptedPeer
) -> None:
    calls = [start(connection, "thread/read") for _ in range(32)]
    requests = [peer.expect("thread/read") for _ in calls]
    waiting = connection.open_call("thread/read")
    calls[0].abandon()
    assert not waiting.admitted
    peer.answer(requests[0], {})
    assert waiting.wait(20)
    assert connection.stats()["late_responses"] == 1


def test_a_place_that_is_waited_for_is_taken_back_from_who_is_never_answered(
    connection: Connection, peer: ScriptedPeer
) -> None:
    calls = [start(connection, "thread/read") for _ in range(32)]
    for call in calls:
        peer.expect("thread/read")
        call.abandon()
    waiting = connection.open_call("thread/read")
    assert not waiting.admitted
    assert waiting.wait(20)


def test_a_late_turn_is_interrupted(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    request = peer.expect("turn/start")
    call.abandon()
    peer.answer(request, started("u"))
    caught_up(connection, peer)
    assert peer.received == 0  # the runtime would refuse to interrupt what has not begun
    peer.send(event("turn/started", "t", "u"))
    assert peer.expect("turn/interrupt")["params"] == {"threadId": "t", "turnId": "u"}
    peer.send(event("turn/completed", "t", "u", status="interrupted"))
    caught_up(connection, peer)
    stats = connection.stats()
    assert (stats["turns_routed"], stats["turns_starting"]) == (0, 0)


def test_a_late_turn_that_begins_before_its_answer_is_interrupted(
    connection: Connection, peer: ScriptedPeer
) -> None:
    call = start_turn(connection, "t")
    request = peer.expect("turn/start")
    call.abandon()
    peer.send(event("turn/started", "t", "u"))
    peer.answer(request, started("u"))
    assert peer.expect("turn/interrupt")["params"] == {"threadId": "t", "turnId": "u"}
    assert connection.stats()["turns_starting"] == 0


def test_a_late_join_of_somebodys_turn_interrupts_nothing(connection: Connection, peer: ScriptedPeer) -> None:
    first = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(first)
    second = start_turn(connection, "t")
    request = peer.expect("turn/start")
    second.abandon()
    peer.answer(request, started("u"))
    caught_up(connection, peer)
    assert connection.stats()["errands_sent"] == 0
    assert connection.stats()["turns_routed"] == 1


def start_behind_an_interrupt(connection: Connection, peer: ScriptedPeer) -> Call:
    """A start on the thread of a turn that was given up, whose interrupt is answered."""
    first = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(first)
    peer.send(event("turn/started", "t", "u"))
    caught_up(connection, peer)
    first.take_subscription().give_up()
    behind = connection.open_call("turn/start", thread_id="t")
    peer.answer(peer.expect("turn/interrupt"), {})
    caught_up(connection, peer)
    assert not behind.admitted
    return behind


def test_a_start_waits_until_a_turn_that_was_given_up_is_over(
    connection: Connection, peer: ScriptedPeer
) -> None:
    """The runtime would answer it with the turn that is being interrupted."""
    second = start_behind_an_interrupt(connection, peer)
    assert connection.stats()["requests_waiting"] == 1
    assert connection.stats()["requests_admitted"] == 0  # it holds no place meanwhile
    peer.send(event("turn/completed", "t", "u", status="interrupted"))
    assert second.wait(20)
    assert second.admitted
    # And no later one.
    assert connection.open_call("turn/start", thread_id="t").admitted


def test_a_start_does_not_wait_for_ever_for_a_turns_last_word(
    connection: Connection, peer: ScriptedPeer
) -> None:
    """Nobody who has unsubscribed from the thread hears it."""
    second = start_behind_an_interrupt(connection, peer)
    assert second.wait(20)
    assert second.admitted


def test_a_start_waits_until_one_that_was_given_up_is_answered(
    connection: Connection, peer: ScriptedPeer
) -> None:
    first = start_turn(connection, "t")
    request = peer.expect("turn/start")
    first.abandon()
    second, third = (connection.open_call("turn/start", thread_id="t") for _ in range(2))
    elsewhere = connection.open_call("turn/start", thread_id="other")
    assert elsewhere.admitted
    assert not second.admitted
    peer.answer(request, started("u"))
    caught_up(connection, peer)
    assert not second.admitted  # that was a turn, which has to end
    third.abandon()
    assert connection.stats()["requests_waiting"] == 1
    peer.send(event("turn/started", "t", "u"))
    peer.answer(peer.expect("turn/interrupt"), {})
    peer.send(event("turn/completed", "t", "u", status="interrupted"))
    assert second.wait(20)
    assert second.admitted


def test_a_start_goes_on_when_one_that_was_given_up_is_refused(
    connection: Connection, peer: ScriptedPeer
) -> None:
    first = start_turn(connection, "t")
    request = peer.expect("turn/start")
    first.abandon()
    second = connection.open_call("turn/start", thread_id="t")
    peer.refuse(request, -32600, "no")
    assert second.wait(20)
    assert second.admitted


def test_a_start_that_waits_ends_with_the_connection(connection: Connection, peer: ScriptedPeer) -> None:
    first = start_turn(connection, "t")
    peer.expect("turn/start")
    first.abandon()
    second = connection.open_call("turn/start", thread_id="t")
    connection.close()
    assert second.wait(20)
    with pytest.raises(TransportClosedError):
        second.take()


def test_a_late_thread_is_unsubscribed(connection: Connection, peer: ScriptedPeer) -> None:
    call = start(connection, "thread/start")
    request = peer.expect("thread/start")
    call.abandon()
    peer.answer(request, {"thread": {"id": 't"1'}})
    assert peer.expect("thread/unsubscribe")["params"] == {"threadId": 't"1'}


def test_a_late_login_is_cancelled(connection: Connection, peer: ScriptedPeer) -> None:
    for answer in ({"type": "apiKey"}, {"type": "chatgpt", "loginId": 'l"1'}):
        call = start(connection, "account/login/start")
        request = peer.expect("account/login/start")
        call.abandon()
        peer.answer(request, answer)
    assert peer.expect("account/login/cancel")["params"] == {"loginId": 'l"1'}


@pytest.mark.parametrize("lose", [Call.abandon, lambda _call: None], ids=["abandoned", "dropped"])
@pytest.mark.parametrize(
    ("method", "answer", "undone"),
    [
        ("thread/start", {"thread": {"id": "t"}}, "thread/unsubscribe"),
        ("thread/fork", {"thread": {"id": "t"}}, "thread/unsubscribe"),
        ("account/login/start", {"type": "chatgpt", "loginId": "l"}, "account/login/cancel"),
    ],
)
def test_what_was_taken_is_undone_until_it_is_handed_over(
    connection: Connection,
    peer: ScriptedPeer,
    method: str,
    answer: Any,
    undone: str,
    lose: Callable[[Call], None],
) -> None:
    def answered() -> Call:
        call = start(connection, method)
        peer.answer(peer.expect(method), answer)
        finish(call)
        return call

    lose(answered())
    peer.expect(undone)
    call = answered()
    handle = object()
    assert call.hand_over(handle) is handle
    del call
    # Nothing was sent.
    caught_up(connection, peer)


def test_what_was_handed_over_to_nobody_is_undone_by_giving_the_request_up(
    connection: Connection, peer: ScriptedPeer
) -> None:
    call = start(connection, "thread/start")
    peer.answer(peer.expect("thread/start"), {"thread": {"id": "t"}})
    finish(call)
    call.hand_over(None)
    call.abandon()
    assert peer.expect("thread/unsubscribe")["params"] == {"threadId": "t"}


def test_what_has_made_nothing_is_handed_over_as_it_is(connection: Connection, peer: ScriptedPeer) -> None:
    call = start(connection, "thread/read")
    peer.answer(peer.expect("thread/read"), {"thread": {"id": "t"}})
    assert call.hand_over(finish(call)) == {"thread": {"id": "t"}}
    del call
    caught_up(connection, peer)


def test_an_answer_that_came_but_was_not_taken_is_undone(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    assert call.wait(20)
    call.abandon()
    peer.send(event("turn/started", "t", "u"))
    assert peer.expect("turn/interrupt")["params"]["turnId"] == "u"
    peer.send(event("turn/completed", "t", "u", status="interrupted"))
    caught_up(connection, peer)
    assert connection.stats()["turns_routed"] == 0


def test_an_answer_that_was_taken_is_not_undone(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(call)
    call.abandon()
    caught_up(connection, peer)
    assert connection.stats()["errands_sent"] == 0


def test_the_answer_to_an_undoing_is_expected(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    request = peer.expect("turn/start")
    call.abandon()
    peer.answer(request, started("u"))
    peer.send(event("turn/started", "t", "u"))
    peer.answer(peer.expect("turn/interrupt"), {})
    caught_up(connection, peer)
    stats = connection.stats()
    assert (stats["orphan_responses"], stats["requests_pending"]) == (0, 0)


def test_a_thousand_interrupts_at_once_do_not_flood_the_runtime(
    connection: Connection, peer: ScriptedPeer
) -> None:
    peer.answers["turn/start"] = lambda params: started(f"turn-{params['threadId']}")
    subscriptions = []
    for number in range(100):
        call = start_turn(connection, f"t{number}")
        finish(call)
        subscriptions.append(call.take_subscription())
    peer.send(*(event("turn/started", f"t{number}", f"turn-t{number}") for number in range(100)))
    caught_up(connection, peer)
    for subscription in subscriptions:
        subscription.give_up()
    held = [peer.expect("turn/interrupt") for _ in range(8)]
    caught_up(connection, peer)
    assert peer.received == 0
    # One answer makes room for one more, whose answer makes room for the next.
    peer.answers["turn/interrupt"] = {}
    peer.answer(held[0], {})
    Footprint.wait_until(lambda: connection.stats()["requests_waiting"] == 0)
    Footprint.wait_until(lambda: connection.stats()["requests_admitted"] == 7)


def test_errands_that_are_never_answered_make_room(connection: Connection, peer: ScriptedPeer) -> None:
    calls = [start(connection, "thread/start") for _ in range(9)]
    requests = [peer.expect("thread/start") for _ in calls]
    for number, (call, request) in enumerate(zip(calls, requests, strict=True)):
        call.abandon()
        peer.answer(request, {"thread": {"id": f"t{number}"}})
    # Eight go out and are not answered; the ninth follows when their patience is over.
    assert [peer.expect("thread/unsubscribe")["params"]["threadId"] for _ in range(9)] == [
        f"t{number}" for number in range(9)
    ]


def test_errors_are_typed_and_keep_their_data(connection: Connection, peer: ScriptedPeer) -> None:
    call = start(connection, "thread/read")
    peer.refuse(peer.expect(), -32600, "thread not loaded", {"hint": [1, None]})
    assert call.wait(20)
    with pytest.raises(InvalidRequestError, match="thread not loaded") as caught:
        call.take()
    assert caught.value.data == {"hint": [1, None]}
    busy = start(connection, "thread/read")
    peer.refuse(peer.expect(), -32001, "Server overloaded; retry later.")
    assert busy.wait(20)
    with pytest.raises(ServerBusyError):
        busy.take()


def test_the_clock_of_a_deadline_starts_when_the_line_is_written(connection: Connection) -> None:
    call = connection.open_call("thread/read")
    assert call.remaining(5.0) == 5.0
    call.send(b"{}")
    assert 0 < call.remaining(5.0) < 5.0


def test_requests_that_answer_when_work_ends_are_known(connection: Connection) -> None:
    assert connection.open_call("command/exec").open_ended
    # Slow, but not without end.
    assert not connection.open_call("mcpServerStatus/list").open_ended
    assert not connection.open_call("thread/read").open_ended
    assert not connection.open_call("future/method").open_ended


def test_lines_that_are_no_messages_are_counted_and_skipped(
    connection: Connection, peer: ScriptedPeer
) -> None:
    peer.send_raw(b'hello\n[]\n{"id":null,"result":1}\n{"id":99,"result":1}\n\n\xff\xfe\n{"a":\n')
    caught_up(connection, peer)
    stats = connection.stats()
    assert (stats["malformed_lines"], stats["unknown_shapes"], stats["orphan_responses"]) == (3, 1, 2)
    records = connection.take_diagnostics()
    assert len(records) == 6
    assert "hello" in records[0]
    assert "id 99" in "".join(records)
    assert connection.take_diagnostics() == []


def test_a_request_of_the_runtime_is_refused_in_its_own_shape(
    connection: Connection, peer: ScriptedPeer
) -> None:
    method = "item/commandExecution/requestApproval"
    # The runtime counts its requests from 0, and its ids may be ours too.
    peer.send({"id": 0, "method": method, "params": {}}, {"id": "x", "method": "future/ask"})
    assert peer.expect() == {"id": 0, "result": {"decision": "decline"}}
    assert peer.expect()["error"]["code"] == -32601
    assert connection.stats()["server_requests_refused"] == 2


def test_a_long_line_arrives_whole(connection: Connection, peer: ScriptedPeer) -> None:
    call = start(connection, "thread/read")
    text = "é" * 8_000_000
    peer.answer(peer.expect(), {"text": text})
    assert finish(call)["text"] == text


def test_a_writer_that_is_stuck_blocks_nobody(peer: ScriptedPeer) -> None:
    # It never reads its stdin: the pipe fills, and only the writer thread stands.
    sleep = [sys.executable, "-SEc", "import time; time.sleep(1000)"]
    connection = Connection(sleep, eof_grace_s=0.01)
    calls = [connection.open_call("thread/read") for _ in range(8)]
    for call in calls:
        call.send(json.dumps({"text": "x" * 100_000}).encode())
    assert connection.stats()["write_queue_bytes"] > 500_000
    for call in calls:
        call.abandon()
    connection.close()
    assert connection.wait(20)


def test_a_thread_that_waits_for_an_answer_is_woken_by_the_end(
    connection: Connection, peer: ScriptedPeer
) -> None:
    outcomes: list[BaseException] = []

    def wait() -> None:
        call = start(connection, "thread/read")
        try:
            finish(call)
        except TransportClosedError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    for _ in threads:
        peer.expect("thread/read")
    peer.exit(7)
    for thread in threads:
        thread.join(20)
    assert [getattr(error, "exit_code", None) for error in outcomes] == [7] * 5
