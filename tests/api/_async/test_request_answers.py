"""What each answer to a request of the runtime looks like on the wire, and what a request says of itself."""

from __future__ import annotations

import json
import math

import pytest

from codex_app_server import (
    AsyncCodex,
    InvalidInputError,
    RequestAnsweredError,
    requests,
)
from codex_app_server.requests import (
    Attestation,
)
from tests.api._async.asking import Deferring, reply, silent
from tests.asked import (
    AT,
    CASES,
    CHANGE_METHOD,
    FORM,
    FORM_METHOD,
    MAY_CALL,
    PAGE,
    SCHEMA,
    WRONG,
    ask,
    config,
)
from tests.peer import ScriptedPeer, event


@pytest.mark.parametrize("case", CASES)
async def test_each_answer_has_the_protocols_shape(
    case: str, peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Attestation, "deadline_s", 20.0)  # about the shape, not the time
    method, params, kind, answer, result = CASES[case]
    keeper = Deferring()
    async with AsyncCodex(config(peer), on_request=keeper) as codex:
        ask(peer, 0, method, params)
        request = await keeper.first()
        assert type(request) is kind
        assert (request.method, request.settled, request.settlement) == (method, False, None)
        answer(request)
        assert await reply(peer) == {"id": 0, **result}
        await silent(peer, codex)
        assert request.settled
        assert request.settlement == ("refused" if "refuse" in case else "answered")
        with pytest.raises(RequestAnsweredError) as caught:
            request.refuse()
        assert (caught.value.method, caught.value.settlement) == (method, request.settlement)
        await silent(peer, codex)


@pytest.mark.parametrize("case", WRONG)
async def test_a_wrong_answer_is_not_written_and_another_one_can_be_given(
    case: str, peer: ScriptedPeer
) -> None:
    method, params, answer, error = WRONG[case]
    keeper = Deferring()
    async with AsyncCodex(config(peer), on_request=keeper) as codex:
        ask(peer, 7, method, params)
        request = await keeper.first()
        with pytest.raises(error):
            answer(request)
        await silent(peer, codex)
        assert not request.settled
        request.refuse()
        assert (await reply(peer))["id"] == 7


async def test_a_number_that_json_has_not_is_not_sent_as_another_value(peer: ScriptedPeer) -> None:
    keeper = Deferring()
    async with AsyncCodex(config(peer), on_request=keeper):
        ask(peer, 0, FORM_METHOD, FORM)
        request = await keeper.first()
        with pytest.raises(InvalidInputError):
            request.submit({"berth": math.nan})


@pytest.mark.parametrize("case", CASES)
async def test_what_is_asked_can_be_shown_and_logged(
    case: str, peer: ScriptedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Attestation, "deadline_s", 20.0)
    method, params, kind, _, _ = CASES[case]
    keeper = Deferring()
    async with AsyncCodex(config(peer), on_request=keeper):
        ask(peer, 0, method, params)
        request = await keeper.first()
        shown = json.loads(json.dumps(request.to_dict()))
        assert shown["params"] == params
        assert (shown["token"], shown["kind"], shown["method"]) == (request.token, kind.kind, method)
        assert shown["thread_id"] == request.thread_id
        # A token opens the request, and what is asked may be anybody's secret.
        secrets = [request.token, "git push", "look_up", "codex", "https://x.example", "/w", "To publish."]
        assert not [secret for secret in secrets if secret in repr(request)]
        assert type(request).__name__ in repr(request)
        request.refuse()
        await reply(peer)


def test_every_class_is_tried() -> None:
    tried = {kind.__name__ for _, _, kind, _, _ in CASES.values()}
    others = {"ServerRequest", "Settlement", "dangerously_accept_all"}
    classes = {name for name in requests.__all__ if not name.endswith("OnRequest")}
    assert tried == classes - others
    assert len({kind.kind for _, _, kind, _, _ in CASES.values()}) == len(tried)


# --- what the request says


async def test_a_command_says_what_it_is(peer: ScriptedPeer) -> None:
    keeper = Deferring()
    async with AsyncCodex(config(peer), on_request=keeper):
        network = {"host": "example.com", "protocol": "https"}
        extra = {"network": {"enabled": True}}
        ask(peer, 0, networkApprovalContext=network, additionalPermissions=extra)
        request = await keeper.first()
        assert (request.command, request.cwd, request.reason) == (
            "/bin/bash -lc 'git push'",
            "/w",
            "To publish.",
        )
        assert (request.thread_id, request.turn_id, request.item_id) == ("t", "turn of t", "i")
        assert (request.network.host, request.permissions.network.enabled) == ("example.com", True)
        assert request.execpolicy_amendment == ("git", "push")
        assert [(each.host, each.action.value) for each in request.network_policy_amendments] == [
            ("example.com", "allow")
        ]
        assert request.available_decisions == (
            "accept",
            "accept_with_execpolicy_amendment",
            "apply_network_policy_amendment",
            "cancel",
            "accept_for_session",
            "decline",
        )
        assert all(callable(getattr(request, name)) for name in request.available_decisions)
        request.refuse()
        await reply(peer)


async def test_a_file_change_has_the_diff_of_its_item(peer: ScriptedPeer) -> None:
    keeper = Deferring()
    changes = [
        {"path": "/w/new.txt", "kind": {"type": "add"}, "diff": "hello\n"},
        {
            "path": "/w/old.txt",
            "kind": {"type": "update", "move_path": "/w/moved.txt"},
            "diff": "@@ -1 +1 @@\n-a\n+b\n",
        },
        {"path": "C:\\w\\gone\n.txt", "kind": {"type": "delete"}, "diff": "a\n"},
    ]
    item = {"type": "fileChange", "id": "i", "changes": changes, "status": "inProgress"}
    async with AsyncCodex(config(peer), on_request=keeper):
        peer.send(event("item/started", "t", "turn of t", item=item, startedAtMs=1))
        ask(peer, 0, CHANGE_METHOD, AT)
        # Another thread's item of the same id is another item.
        ask(peer, 1, CHANGE_METHOD, {**AT, "threadId": "other", "turnId": "turn of other"})
        told, untold = await keeper.first(1), await keeper.first(2)
        if told.thread_id == "other":
            told, untold = untold, told
        # What it needs is kept for as long as the request lives, also when the item is over.
        done = {**item, "status": "declined"}
        told.decline()
        assert (await reply(peer))["id"] == 0
        peer.send(event("item/completed", "t", "turn of t", item=done, completedAtMs=2))
        # A handler that looks at paths sees where a file is moved to.
        assert told.paths == ("/w/new.txt", "/w/old.txt", "/w/moved.txt", "C:\\w\\gone\n.txt")
        assert [change.diff for change in told.changes] == ["hello\n", "@@ -1 +1 @@\n-a\n+b\n", "a\n"]
        # A line of a file cannot pass for the name of another.
        assert told.diff.split("\n") == [
            "add '/w/new.txt'",
            "  +hello",
            "update '/w/old.txt' -> '/w/moved.txt'",
            "  @@ -1 +1 @@",
            "  -a",
            "  +b",
            r"delete 'C:\w\gone\n.txt'",
            "  -a",
        ]
        assert [change["path"] for change in told.to_dict()["changes"]] == [each["path"] for each in changes]
        assert (untold.changes, untold.paths, untold.diff) == (None, (), None)
        assert untold.to_dict()["changes"] is None
        untold.refuse()
        await reply(peer)


async def test_a_form_says_what_it_wants(peer: ScriptedPeer) -> None:
    keeper = Deferring()
    async with AsyncCodex(config(peer), on_request=keeper):
        for number, params in enumerate((FORM, MAY_CALL, PAGE)):
            ask(peer, number, FORM_METHOD, params)
            await keeper.first(number + 1)
        form, may_call, page = keeper.kept
        assert (form.server_name, form.mode, form.message) == ("harbour", "form", "?")
        assert form.requested_schema == SCHEMA
        assert (form.url, form.meta, form.is_tool_approval) == (None, None, False)
        assert may_call.is_tool_approval
        assert may_call.meta["persist"] == ["session", "always"]
        assert (page.mode, page.url, page.requested_schema) == ("url", "https://x.example", None)
        for request in keeper.kept:
            request.cancel()
            await reply(peer)
