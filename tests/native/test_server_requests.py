"""What the runtime asks: refused without anybody who serves, else answered once, however that one ends."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from codex_app_server._async.waiting import wait_ready
from codex_app_server._native import Connection, ServerRequest, ServerRequests
from codex_app_server.errors import ClientClosedError
from tests.native.wire import caught_up, connected
from tests.peer import ScriptedPeer, delta

APPROVAL = "item/commandExecution/requestApproval"
DECLINED = {"decision": "decline"}


@pytest.fixture
def connection(peer: ScriptedPeer) -> Iterator[Connection]:
    with connected(peer) as connection:
        yield connection


def ask(peer: ScriptedPeer, request_id: Any, method: str = APPROVAL, **params: Any) -> None:
    peer.send({"id": request_id, "method": method, "params": params})


def resolve(peer: ScriptedPeer, request_id: Any) -> None:
    peer.send({"method": "serverRequest/resolved", "params": {"threadId": "t", "requestId": request_id}})


def taken(requests: ServerRequests) -> ServerRequest:
    assert requests.wait(20)
    request = requests.take()
    assert request is not None
    return request


def test_requests_are_taken_in_order_and_answered_by_their_ids(
    connection: Connection, peer: ScriptedPeer
) -> None:
    requests = connection.serve()
    ask(peer, 0, command="ls")
    ask(peer, "a", method="item/tool/call")
    first, second = taken(requests), taken(requests)
    assert (first.method, json.loads(first.params)) == (APPROVAL, {"command": "ls"})
    assert second.method == "item/tool/call"
    assert second.answer(b'{"success":true}')
    assert first.answer(b'{"decision":"accept"}')
    assert peer.expect() == {"id": "a", "result": {"success": True}}
    assert peer.expect() == {"id": 0, "result": {"decision": "accept"}}
    assert requests.take() is None
    assert connection.stats()["server_requests_refused"] == 0


def test_a_request_is_answered_once(connection: Connection, peer: ScriptedPeer) -> None:
    requests = connection.serve()
    ask(peer, 0)
    request = taken(requests)
    ask(peer, 0)
    caught_up(connection, peer)
    assert requests.take() is None
    assert request.answer(b"{}")
    assert not request.answer(b"{}")
    assert not request.refuse()
    assert peer.expect() == {"id": 0, "result": {}}
    # The runtime repeats it, because it has not read the answer: that is given again.
    ask(peer, 0)
    assert peer.expect() == {"id": 0, "result": {}}
    assert requests.take() is None
    # Resolved, the id may be used again.
    resolve(peer, 0)
    ask(peer, 0)
    assert taken(requests).answer(b"{}")
    assert peer.expect() == {"id": 0, "result": {}}


def test_an_answer_is_not_given_to_another_request_with_the_same_id(
    connection: Connection, peer: ScriptedPeer
) -> None:
    requests = connection.serve()
    ask(peer, 0, threadId="t", turnId="u", command="ls")
    assert taken(requests).answer(b'{"decision":"accept"}')
    assert peer.expect() == {"id": 0, "result": {"decision": "accept"}}
    ask(peer, 0, threadId="x", turnId="v", command="rm -rf ~")
    second = taken(requests)
    assert json.loads(second.params)["command"] == "rm -rf ~"
    # Nor is one that is open taken for it.
    ask(peer, 0, threadId="t", turnId="u", command="ls")
    third = taken(requests)
    assert second.settlement == "resolved"
    assert not second.answer(b'{"decision":"accept"}')
    assert third.refuse()
    assert peer.expect() == {"id": 0, "result": DECLINED}


def test_what_is_dropped_is_refused_in_the_protocols_shape(
    connection: Connection, peer: ScriptedPeer
) -> None:
    requests = connection.serve()
    ask(peer, 1)
    ask(peer, 2, method="future/request")
    taken(requests)
    gc.collect()
    assert peer.expect() == {"id": 1, "result": DECLINED}
    unknown = taken(requests)
    assert unknown.refuse()
    assert peer.expect()["error"]["code"] == -32601
    assert connection.stats()["server_requests_refused"] == 2
    assert [note.partition(":")[0] for note in connection.take_diagnostics()] == [
        f"refused the runtime's {APPROVAL}"
    ]


def test_what_the_runtime_has_settled_is_neither_asked_nor_answered(
    connection: Connection, peer: ScriptedPeer
) -> None:
    requests = connection.serve()
    ask(peer, 1)
    ask(peer, 2)
    first = taken(requests)
    resolve(peer, 1)
    resolve(peer, 2)
    caught_up(connection, peer)
    assert requests.take() is None
    assert not first.answer(b"{}")
    caught_up(connection, peer)
    assert peer.received == 0


def test_when_nobody_serves_any_more_requests_are_refused_again(
    connection: Connection, peer: ScriptedPeer
) -> None:
    requests = connection.serve()
    with pytest.raises(RuntimeError, match="already"):
        connection.serve()
    ask(peer, 1)
    assert requests.wait(20)
    del requests
    gc.collect()
    assert peer.expect() == {"id": 1, "result": DECLINED}
    ask(peer, 2)
    assert peer.expect() == {"id": 2, "result": DECLINED}
    connection.take_diagnostics()
    again = connection.serve()
    ask(peer, 3)
    assert taken(again).answer(b"{}")
    assert peer.expect() == {"id": 3, "result": {}}


def test_a_loop_is_told_of_a_request_and_of_the_end(connection: Connection, peer: ScriptedPeer) -> None:
    requests = connection.serve()

    async def told(because: Callable[[], None]) -> bool:
        waiting = asyncio.ensure_future(wait_ready(requests))
        await asyncio.sleep(0)
        assert not waiting.done()
        because()
        return await waiting

    assert asyncio.run(told(lambda: ask(peer, 1)))
    taken(requests).answer(b"{}")
    assert asyncio.run(told(connection.close))
    with pytest.raises(ClientClosedError):
        requests.take()


@pytest.mark.parametrize("word", ["closed", "archived", "deleted"])
def test_whoever_serves_is_told_of_a_thread_that_is_over(
    connection: Connection, peer: ScriptedPeer, word: str
) -> None:
    over = {"method": f"thread/{word}", "params": {"threadId": "t"}}
    peer.send(over)
    caught_up(connection, peer)
    requests = connection.serve()
    assert not requests.wait(0)
    told: list[bool] = []
    thread = threading.Thread(target=lambda: told.append(requests.wait(20)))
    thread.start()

    async def wait() -> bool:
        waiting = asyncio.ensure_future(wait_ready(requests))
        await asyncio.sleep(0)
        assert not waiting.done()
        peer.send(over)
        return await waiting

    assert asyncio.run(wait())
    thread.join()
    assert told == [True]
    assert requests.take() is None
    assert requests.take_closed() == ["t"]
    assert requests.take_closed() == []
    assert not requests.wait(0)
    # What it had asked is settled by then.
    ask(peer, 0, threadId="t")
    request = taken(requests)
    peer.send(over)
    assert requests.wait(20)
    assert requests.take_closed() == ["t"]
    assert request.settlement == "thread_closed"


def test_a_turn_is_not_idle_while_the_runtime_waits_for_an_answer(
    connection: Connection, peer: ScriptedPeer
) -> None:
    turn, other = connection.subscribe_turn("t", "u"), connection.subscribe_turn("t", "v")
    goal = connection.own_thread("t", errand=("thread/goal/set", b"{}"))
    assert goal is not None
    assert connection.subscribe_notifications().idle_s() is None
    requests = connection.serve()
    ask(peer, 0, threadId="t", turnId="u")
    request = taken(requests)
    assert (turn.idle_s(), goal.idle_s()) == (None, None)
    before = other.idle_s()
    assert before is not None
    assert request.answer(b"{}")
    idle, later = turn.idle_s(), other.idle_s()
    assert idle is not None
    assert later is not None
    # It counts from the answer, the other's from its making.
    assert 0 <= idle <= later - before
    assert peer.expect() == {"id": 0, "result": {}}
    # The two oldest requests name the thread only.
    ask(peer, 1, method="execCommandApproval", conversationId="t")
    request = taken(requests)
    assert [one.idle_s() for one in (turn, other, goal)] == [None] * 3
    resolve(peer, 1)
    caught_up(connection, peer)
    assert not request.answer(b"{}")
    assert None not in {one.idle_s() for one in (turn, other, goal)}
    connection.close()
    turn.idle_s()


def test_what_is_filtered_ends_a_turns_idleness(connection: Connection, peer: ScriptedPeer) -> None:
    turn, other = connection.subscribe_turn("t", "u"), connection.subscribe_turn("t", "v")
    turn.select("result")
    before = other.idle_s()
    assert before is not None
    peer.send(delta("t", "u", "a"))
    caught_up(connection, peer)
    idle, later = turn.idle_s(), other.idle_s()
    assert idle is not None
    assert later is not None
    assert 0 <= idle <= later - before
