"""What is known of a request of the runtime besides its params, and how it is settled."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from codex_app_server._async.waiting import wait_ready
from codex_app_server._native import Connection, LoopWaker, ServerRequest, ServerRequests
from codex_app_server.errors import ForkedProcessError
from tests.native.wire import caught_up, connected
from tests.peer import ScriptedPeer, event

APPROVAL = "item/commandExecution/requestApproval"
PATCH = "item/fileChange/requestApproval"


@pytest.fixture
def connection(peer: ScriptedPeer) -> Iterator[Connection]:
    with connected(peer) as connection:
        yield connection


def asked(
    request_id: int, method: str = APPROVAL, thread_id: str = "t", turn_id: str = "u", **params: Any
) -> Any:
    return {
        "id": request_id,
        "method": method,
        "params": {"threadId": thread_id, "turnId": turn_id, **params},
    }


def completed(turn_id: str) -> dict[str, Any]:
    return event("turn/completed", "t", turn_id, status="interrupted")


def taken(requests: ServerRequests) -> ServerRequest:
    assert requests.wait(20)
    request = requests.take()
    assert request is not None
    return request


RESOLVED = {"method": "serverRequest/resolved", "params": {"threadId": "t", "requestId": 0}}
ENDS: dict[str, Callable[[Connection, ScriptedPeer, ServerRequest], object]] = {
    "answered": lambda _connection, _peer, request: request.answer(b"{}"),
    "refused": lambda _connection, _peer, request: request.refuse(),
    "resolved": lambda _connection, peer, _request: peer.send(RESOLVED),
    "turn_over": lambda _connection, peer, _request: peer.send(completed("u")),
    "thread_closed": lambda _connection, peer, _request: peer.send(
        {"method": "thread/closed", "params": {"threadId": "t"}}
    ),
    "closed": lambda connection, _peer, _request: connection.close(),
}


@pytest.mark.parametrize("how", ENDS)
def test_whoever_waits_for_a_request_is_told_of_its_settlement(
    connection: Connection, peer: ScriptedPeer, how: str
) -> None:
    requests = connection.serve()
    peer.send(asked(0))
    request = taken(requests)
    assert request.settlement is None
    assert not request.wait(0)
    told: list[bool] = []
    thread = threading.Thread(target=lambda: told.append(request.wait(20)))
    thread.start()

    async def wait() -> bool:
        waiting = asyncio.ensure_future(wait_ready(request))
        await asyncio.sleep(0)
        assert not waiting.done()
        ENDS[how](connection, peer, request)
        return await waiting

    assert asyncio.run(wait())
    thread.join()
    assert told == [True]
    assert request.wait(0)
    assert request.settlement == how
    assert not request.answer(b"{}")
    assert not request.fail(-1, "late")
    assert not request.refuse()


def test_after_its_settlement_nothing_is_written(connection: Connection, peer: ScriptedPeer) -> None:
    requests = connection.serve()
    peer.send(asked(0), asked(1))
    first, second = taken(requests), taken(requests)
    peer.send(RESOLVED, completed("u"))
    assert first.wait(20)
    assert second.wait(20)
    assert (first.settlement, second.settlement) == ("resolved", "turn_over")
    assert not first.answer(b"{}")
    del first, second
    gc.collect()
    caught_up(connection, peer)
    assert peer.received == 0
    assert connection.stats()["server_requests_open"] == 0
    assert connection.stats()["server_requests_refused"] == 0


def test_a_request_of_a_turn_that_is_over_is_not_asked(connection: Connection, peer: ScriptedPeer) -> None:
    requests = connection.serve()
    peer.send(asked(0), completed("u"))
    peer.send(asked(1))
    caught_up(connection, peer)
    assert requests.take() is None
    assert peer.received == 0


def test_a_request_can_fail(connection: Connection, peer: ScriptedPeer) -> None:
    requests = connection.serve()
    peer.send(asked(0))
    request = taken(requests)
    assert request.fail(-32000, 'no "tool"\n')
    assert request.settlement == "answered"
    assert peer.expect() == {"id": 0, "error": {"code": -32000, "message": 'no "tool"\n'}}


def test_requests_are_counted_in_the_order_of_the_wire(connection: Connection, peer: ScriptedPeer) -> None:
    requests = connection.serve()
    peer.send(asked(7), asked(7), asked(3))
    first, second = taken(requests), taken(requests)
    assert (first.number, second.number) == (1, 2)
    assert connection.stats()["server_requests_open"] == 2
    assert (first.thread_id, first.turn_id) == ("t", "u")
    peer.send({"id": 8, "method": "attestation/generate", "params": {}})
    third = taken(requests)
    assert (third.number, third.thread_id, third.turn_id) == (3, None, None)
    assert (third.root_turn_id, third.ancestors, third.item) == (None, (), None)


def test_a_file_change_has_its_item(connection: Connection, peer: ScriptedPeer) -> None:
    requests = connection.serve()
    item = {"type": "fileChange", "id": "i", "changes": [{"path": "/a", "diff": "+x"}]}
    started, over = (event(f"item/{word}", "t", "u", item=item) for word in ("started", "completed"))
    peer.send(started, asked(0, PATCH, itemId="i"), over, asked(1, PATCH, itemId="i"))
    first, second = taken(requests), taken(requests)
    assert first.item is not None
    assert json.loads(first.item) == started["params"]
    assert second.item is None


def test_a_change_that_is_too_large_is_not_kept_and_counted(
    connection: Connection, peer: ScriptedPeer
) -> None:
    requests = connection.serve()
    item = {"type": "fileChange", "id": "i", "changes": [{"path": "/a", "diff": "+" * (17 << 20)}]}
    peer.send(event("item/started", "t", "u", item=item), asked(0, PATCH, itemId="i"))
    assert taken(requests).item is None
    assert connection.stats()["file_changes_missing"] == 1


def test_what_requests_have_counts_as_kept(connection: Connection, peer: ScriptedPeer) -> None:
    requests = connection.serve()

    def change(number: int) -> ServerRequest:
        item = {"type": "fileChange", "id": "i", "changes": [{"path": "/a", "diff": "+" * (6 << 20)}]}
        thread_id = f"t{number}"
        peer.send(event("item/started", thread_id, "u", item=item))
        peer.send(asked(number, PATCH, thread_id=thread_id, itemId="i"))
        return taken(requests)

    first, second, third = (change(number) for number in range(3))
    assert first.item is not None
    assert second.item is not None
    assert third.item is None
    assert connection.stats()["file_changes_missing"] == 1
    # A page may still show it.
    assert first.answer(b"{}")
    assert first.item is not None
    assert change(3).item is None
    del first
    gc.collect()
    assert change(4).item is not None
    assert connection.stats()["file_changes_missing"] == 2


def test_a_request_of_a_sub_agent_knows_what_it_descends_from(
    connection: Connection, peer: ScriptedPeer
) -> None:
    root = connection.subscribe_turn("t", "u")
    goal = connection.own_thread("t", errand=("thread/goal/set", b"{}"))
    assert goal is not None
    requests = connection.serve()
    for parent, child in (("t", "a"), ("a", "b")):
        item = {"type": "subAgentActivity", "id": "i", "kind": "started", "agentThreadId": child}
        peer.send(event("item/started", parent, "u", item=item))
    peer.send(event("turn/started", "b", "w", rootTurnId="u"))
    peer.send(asked(0, thread_id="b", turn_id="w"))
    request = taken(requests)
    assert request.ancestors == ("a", "t")
    assert request.root_turn_id == "u"
    # The root waits as long.
    assert (root.idle_s(), goal.idle_s()) == (None, None)
    assert request.refuse()
    assert None not in {root.idle_s(), goal.idle_s()}


def test_a_sub_agent_whose_parent_is_closed_descends_from_the_root(
    connection: Connection, peer: ScriptedPeer
) -> None:
    requests = connection.serve()
    for parent, child in (("t", "a"), ("a", "b")):
        item = {"type": "subAgentActivity", "id": "i", "kind": "started", "agentThreadId": child}
        peer.send(event("item/started", parent, "u", item=item))
    peer.send({"method": "thread/closed", "params": {"threadId": "a"}}, asked(0, thread_id="b"))
    assert taken(requests).ancestors == ("t",)
    assert connection.stats()["descents_forgotten"] == 0


def test_a_request_does_not_reach_a_forked_child(connection: Connection, peer: ScriptedPeer) -> None:
    requests = connection.serve()
    peer.send(asked(0))
    request = taken(requests)
    loop = asyncio.new_event_loop()
    waker = LoopWaker(loop)
    uses: list[Callable[[], object]] = [
        lambda: request.wait(20),
        lambda: request.ready(waker),
        lambda: request.settlement,
        lambda: request.fail(1, ""),
    ]
    pid = os.fork()
    if pid == 0:  # pragma: no cover - the child's coverage is not collected
        status = 1
        try:
            for use in uses:
                try:
                    use()
                except ForkedProcessError:
                    continue
                raise AssertionError(use)
            assert request.method == APPROVAL
            del request, uses
            gc.collect()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    loop.close()
    assert request.settlement is None
    assert request.answer(b"{}")
