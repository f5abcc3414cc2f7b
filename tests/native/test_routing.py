"""No event falls between a turn/start and its consumer, and turns that nobody claims leave nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codex_app_server import StreamClosedError
from codex_app_server._native import Connection
from tests.native.wire import caught_up, connected, decoder, drain, finish, raw, start, start_turn, texts
from tests.peer import ScriptedPeer, delta, event, started


@pytest.fixture
def peer() -> Iterator[ScriptedPeer]:
    with ScriptedPeer() as peer:
        yield peer


@pytest.fixture
def connection(peer: ScriptedPeer) -> Iterator[Connection]:
    with connected(peer) as connection:
        yield connection


def test_events_before_the_answer_reach_their_turn(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    request = peer.expect("turn/start")
    peer.send(event("turn/started", "t", "u", status="inProgress"), delta("t", "u", "early"))
    caught_up(connection, peer)
    assert connection.stats()["turns_starting"] == 1
    peer.answer(request, started("u"))
    peer.send(delta("t", "u", "later"), event("turn/completed", "t", "u"))
    finish(call)
    assert texts(drain(call.take_subscription())) == ["started", "early", "later", "completed"]
    assert connection.stats()["turns_starting"] == 0


def test_events_between_the_answer_and_the_consumer_wait_for_it(
    connection: Connection, peer: ScriptedPeer
) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    peer.send(delta("t", "u", "a"), delta("t", "u", "b"))
    caught_up(connection, peer)
    finish(call)
    subscription = call.take_subscription()
    assert texts(subscription.drain(decoder)) == ["a", "b"]
    peer.send(event("turn/completed", "t", "u"))
    assert texts(drain(subscription)) == ["completed"]


def test_a_turn_that_is_over_before_its_answer_is_complete_and_leaves_no_route(
    connection: Connection, peer: ScriptedPeer
) -> None:
    call = start_turn(connection, "t")
    request = peer.expect("turn/start")
    peer.send(delta("t", "u", "all"), event("turn/completed", "t", "u"))
    caught_up(connection, peer)
    peer.answer(request, started("u"))
    finish(call)
    assert texts(drain(call.take_subscription())) == ["all", "completed"]
    assert connection.stats()["turns_routed"] == 0


def test_who_joins_a_turn_sees_it_from_its_own_start_on(connection: Connection, peer: ScriptedPeer) -> None:
    first_call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    peer.send(delta("t", "u", "before"))
    caught_up(connection, peer)
    second_call = start_turn(connection, "t")
    request = peer.expect("turn/start")
    peer.send(delta("t", "u", "between"))
    caught_up(connection, peer)
    peer.answer(request, started("u"))
    peer.send(delta("t", "u", "after"), event("turn/completed", "t", "u"))
    finish(first_call)
    first = first_call.take_subscription()
    finish(second_call)
    second = second_call.take_subscription()
    assert texts(drain(first)) == ["before", "between", "after", "completed"]
    assert texts(drain(second)) == ["between", "after", "completed"]


def test_a_turn_that_others_have_joined_is_interrupted_when_the_last_one_gives_up(
    connection: Connection, peer: ScriptedPeer
) -> None:
    subscriptions = []
    for _ in range(2):
        call = start_turn(connection, "t")
        peer.answer(peer.expect("turn/start"), started("u"))
        finish(call)
        subscriptions.append(call.take_subscription())
    peer.send(event("turn/started", "t", "u"))
    subscriptions[0].give_up()
    caught_up(connection, peer)
    assert connection.stats()["errands_sent"] == 0
    subscriptions[1].give_up()
    assert peer.expect("turn/interrupt")["params"] == {"threadId": "t", "turnId": "u"}
    caught_up(connection, peer)
    assert connection.stats()["errands_sent"] == 1


def test_a_follower_that_leaves_last_interrupts_what_its_owner_gave_up(
    connection: Connection, peer: ScriptedPeer
) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    peer.send(event("turn/started", "t", "u"))
    finish(call)
    follower = connection.subscribe_turn("t", "u")
    call.take_subscription().give_up()
    caught_up(connection, peer)
    assert connection.stats()["errands_sent"] == 0
    follower.close()
    assert peer.expect("turn/interrupt")["params"] == {"threadId": "t", "turnId": "u"}


def test_a_turn_whose_answer_is_lost_is_interrupted(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    peer.send(event("turn/started", "t", "u"))
    assert call.wait(20)
    del call  # as a Ctrl-C between two steps does
    assert peer.expect("turn/interrupt")["params"] == {"threadId": "t", "turnId": "u"}


def test_a_turn_is_stopped_when_its_subscription_is_lost_before_it_was_handed_over(
    connection: Connection, peer: ScriptedPeer
) -> None:
    for kept in (True, False):
        call = start_turn(connection, "t")
        peer.answer(peer.expect("turn/start"), started(f"u{kept}"))
        peer.send(event("turn/started", "t", f"u{kept}"))
        assert call.wait(20)
        subscription, _ = call.take_turn()
        if kept:
            assert subscription.hand_over("handle") == "handle"
        del subscription, call
        if kept:
            caught_up(connection, peer)
            assert connection.stats()["errands_sent"] == 0
    assert peer.expect("turn/interrupt")["params"] == {"threadId": "t", "turnId": "uFalse"}


def test_who_waits_for_a_turn_whose_thread_is_unsubscribed_is_told(
    connection: Connection, peer: ScriptedPeer
) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(call)
    subscription = call.take_subscription()
    subscription.select("result")
    leaving = start(connection, "thread/unsubscribe", {"threadId": "t"})
    peer.answer(peer.expect("thread/unsubscribe"), {"status": "unsubscribed"})
    finish(leaving)
    assert subscription.wait(20)
    with pytest.raises(StreamClosedError, match="turn u: thread t was unsubscribed from"):
        subscription.drain(decoder)
    subscription.keep()
    del subscription
    assert connection.stats()["turns_routed"] == 0


def test_who_gives_up_alone_interrupts_the_turn(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(call)
    subscription = call.take_subscription()
    assert connection.has_begun("u") is False
    peer.send(event("turn/started", "t", "u"))
    caught_up(connection, peer)
    assert connection.has_begun("u") is True
    subscription.give_up()
    assert peer.expect("turn/interrupt")["params"] == {"threadId": "t", "turnId": "u"}
    subscription.give_up()
    caught_up(connection, peer)
    assert connection.stats()["errands_sent"] == 1


def test_who_gives_up_a_finished_turn_interrupts_nothing(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    peer.send(event("turn/completed", "t", "u"))
    finish(call)
    caught_up(connection, peer)
    call.take_subscription().give_up()
    caught_up(connection, peer)
    assert connection.stats()["errands_sent"] == 0


def test_who_joins_a_turn_that_its_starter_left_does_not_own_it(
    connection: Connection, peer: ScriptedPeer
) -> None:
    first_call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(first_call)
    first_call.take_subscription().close()
    second_call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    finish(second_call)
    second_call.take_subscription().give_up()
    caught_up(connection, peer)
    assert connection.stats()["errands_sent"] == 0


def test_turns_that_nobody_claims_leave_nothing(connection: Connection, peer: ScriptedPeer) -> None:
    for number in range(50):
        turn_id = f"u{number}"
        peer.send(delta("t", turn_id, "x" * 1000), event("turn/completed", "t", turn_id))
    caught_up(connection, peer)
    stats = connection.stats()
    assert stats["events_unclaimed"] == 100
    assert (stats["turns_routed"], stats["turns_starting"], stats["mailbox_bytes"]) == (0, 0, 0)


def test_the_end_of_a_turn_is_known_whoever_has_followed_it(
    connection: Connection, peer: ScriptedPeer
) -> None:
    peer.send(event("turn/started", "t", "u"))
    caught_up(connection, peer)
    assert not connection.turn_is_over("u")
    peer.send(event("turn/completed", "t", "u"))
    caught_up(connection, peer)
    assert connection.turn_is_over("u")
    assert not connection.turn_is_over("v")


def test_another_turns_events_are_not_a_new_turns(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    request = peer.expect("turn/start")
    peer.send(delta("t", "old", "no"), event("turn/completed", "t", "old"), delta("t", "u", "yes"))
    peer.answer(request, started("u"))
    peer.send(delta("t", "old", "no"), event("turn/completed", "t", "u"), delta("t", "u", "too late"))
    finish(call)
    assert texts(drain(call.take_subscription())) == ["yes", "completed"]
    caught_up(connection, peer)
    stats = connection.stats()
    assert (stats["turns_routed"], stats["mailbox_bytes"]) == (0, 0)


def test_a_refused_start_keeps_nothing(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    request = peer.expect("turn/start")
    peer.send(delta("t", "u", "x" * 5000))
    peer.refuse(request, -32600, "thread not found")
    assert call.wait(20)
    with pytest.raises(Exception, match="thread not found"):
        call.take()
    stats = connection.stats()
    assert (stats["turns_starting"], stats["mailbox_bytes"]) == (0, 0)


def test_many_interleaved_turns_keep_their_order(connection: Connection, peer: ScriptedPeer) -> None:
    calls = {}
    for number in range(20):
        calls[number] = start_turn(connection, f"t{number}")
        peer.answer(peer.expect("turn/start"), started(f"u{number}"))
    for step in range(100):
        peer.send(*(delta(f"t{number}", f"u{number}", str(step)) for number in calls))
    peer.send(*(event("turn/completed", f"t{number}", f"u{number}") for number in calls))
    for call in calls.values():
        finish(call)
        expected = [*map(str, range(100)), "completed"]
        assert texts(drain(call.take_subscription())) == expected


def test_a_login_and_the_rest_of_the_world_have_routes(connection: Connection, peer: ScriptedPeer) -> None:
    login = connection.subscribe_subject("loginId", "l")
    world = connection.subscribe_notifications()
    peer.send(
        delta("t", "u", "turn"),
        delta("other", "v", "no"),
        {"method": "thread/name/updated", "params": {"threadId": "t", "threadName": "n"}},
        {"method": "account/login/completed", "params": {"loginId": "l", "success": True}},
        {"method": "skills/changed", "params": {}},
    )
    caught_up(connection, peer)
    assert [one.method for one in login.drain(decoder)] == ["account/login/completed"]
    assert login.finished
    assert [one.method for one in world.drain(decoder)] == [
        "thread/name/updated",
        "account/login/completed",
        "skills/changed",
    ]
    for subscription in (login, world):
        subscription.close()
    peer.send(delta("t", "u", "x"), {"method": "skills/changed", "params": {}})
    caught_up(connection, peer)
    assert connection.stats()["mailbox_bytes"] == 0
    assert connection.stats()["streams_routed"] == 0


def test_a_newer_runtimes_events_reach_their_turn(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    peer.send(event("item/hologram/delta", "t", "u", beam=[1]), event("turn/completed", "t", "u"))
    finish(call)
    events = drain(call.take_subscription())
    assert [one.method for one in events] == ["item/hologram/delta", "turn/completed"]
    assert raw(events[0])["beam"] == [1]


def test_answers_find_their_requests_in_any_order(connection: Connection, peer: ScriptedPeer) -> None:
    calls = [start(connection, "thread/read", {"number": number}) for number in range(10)]
    requests = [peer.expect("thread/read") for _ in calls]
    for request in reversed(requests):
        peer.answer(request, {"number": request["params"]["number"]})
    assert [finish(call)["number"] for call in calls] == list(range(10))


def test_text_alone_comes_as_strings(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    peer.send(delta("t", "u", 'é"\n'), event("item/completed", "t", "u", item={}), delta("t", "u", "b"))
    caught_up(connection, peer)
    finish(call)
    subscription = call.take_subscription()
    subscription.select("text")
    assert subscription.drain(decoder) == ['é"\n', "b"]


def test_a_result_filters_what_was_buffered_before(connection: Connection, peer: ScriptedPeer) -> None:
    call = start_turn(connection, "t")
    peer.answer(peer.expect("turn/start"), started("u"))
    peer.send(delta("t", "u", "a"), event("item/completed", "t", "u", item={}), delta("t", "u", "b"))
    caught_up(connection, peer)
    finish(call)
    subscription = call.take_subscription()
    subscription.select("result")
    peer.send(delta("t", "u", "c"), event("turn/completed", "t", "u"))
    assert [one.method for one in drain(subscription)] == ["item/completed", "turn/completed"]
    assert connection.stats()["events_filtered"] == 1


def test_who_waits_for_a_result_hears_of_errors_at_once(connection: Connection, peer: ScriptedPeer) -> None:
    subscription = connection.subscribe_turn("t", "u")
    subscription.select("result")
    retried = event("error", "t", "u", willRetry=True)
    peer.send(event("item/completed", "t", "u"))
    caught_up(connection, peer)
    assert not subscription.wait(0)
    peer.send(retried)
    assert subscription.wait(20)
    assert texts(subscription.drain(decoder)) == ["completed", "error"]
    peer.send(event("item/completed", "t", "u"), delta("t", "u", "a"))
    caught_up(connection, peer)
    assert not subscription.wait(0)
    peer.send(retried, event("turn/completed", "t", "u"))
    assert texts(drain(subscription)) == ["completed", "error", "completed"]
