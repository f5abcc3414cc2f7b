"""A program that a newer runtime talks to: real traffic, with every change that one can make to a line."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import pytest

from codex_app_server import ApprovalMode, Codex, CodexConfig, Sandbox
from codex_app_server.errors import SettingsNotAppliedError
from codex_app_server.models import Notification, UnknownNotification, UnknownValue
from tests.peer import ScriptedPeer

from .mutations import mutations
from .recording import Line, Seen, record, replay


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    return record(tmp_path_factory.mktemp("recording"))


def raw(value: Any) -> Any:
    """What came, from what the program got."""
    if isinstance(value, UnknownNotification):
        return value.params
    if isinstance(value, UnknownValue):
        return value.root
    return value.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)


def check(lines: list[Line], seen: Seen) -> None:
    """Nothing of `lines` has vanished, and everything is as it came."""
    first, second = [line["result"]["turn"]["id"] for line in lines if line.get("answers") == "turn/start"]
    events = [(event.method, raw(event.payload)) for event in seen.events]
    assert events == [(line["method"], line["params"]) for line in turn_of(lines, second)]
    items = [line["params"] for line in turn_of(lines, first) if line["method"] == "item/completed"]
    assert [raw(item) for item in seen.result.items] == [params.get("item", params) for params in items]
    assert seen.result.id == first
    for line in lines:
        if line.get("answers") in seen.answers:
            assert raw(seen.answers[line["answers"]]) == line["result"]


def turn_of(lines: list[Line], turn_id: str) -> list[Line]:
    def is_its(params: Any) -> bool:
        turn = params.get("turn")
        found = params.get("turnId", turn["id"] if isinstance(turn, dict) else None)
        return bool(found == turn_id)

    return [line for line in lines if "method" in line and is_its(line["params"])]


def is_as_asked(line: Line) -> bool:
    """Whether a line leaves the thread as the program asked for it, as far as it tells."""
    if line.get("answers") != "thread/start":
        return True
    policy, sandbox = line["result"].get("approvalPolicy", "never"), line["result"].get("sandbox", ...)
    return policy == "never" and (
        sandbox is ... or (isinstance(sandbox, dict) and sandbox.get("type") == "dangerFullAccess")
    )


def test_the_recording_itself_plays_and_nothing_in_it_is_unknown(recorded: list[Line]) -> None:
    seen = replay(recorded)
    check(recorded, seen)
    assert not [event for event in seen.events if isinstance(event.payload, UnknownNotification)]
    assert seen.result.final_response == "It said hello."
    methods = {event.method for event in seen.events}
    assert {"turn/started", "item/agentMessage/delta", "item/reasoning/summaryTextDelta"} <= methods
    assert "turn/completed" in methods


def test_whatever_changes_in_a_line_nothing_raises_and_nothing_vanishes(recorded: list[Line]) -> None:
    # Lines do not know of each other, so each round changes every line that has a change left.
    changed = [list(filter(is_as_asked, mutations(line))) for line in recorded]
    assert sum(map(len, changed)) > 900
    for rounds, row in enumerate(zip_longest(*changed)):
        lines = [new or old for new, old in zip(row, recorded, strict=True)]
        try:
            check(lines, replay(lines))
        except Exception as error:
            raise AssertionError(f"in round {rounds}") from error


def test_a_thread_that_is_told_to_be_another_than_was_asked_for_is_refused(recorded: list[Line]) -> None:
    others = [new for line in recorded for new in mutations(line) if not is_as_asked(new)]
    assert len(others) > 15
    for line in others:
        with ScriptedPeer() as peer, Codex(CodexConfig(launch_args_override=peer.argv)) as codex:
            peer.answers["thread/start"] = line["result"]
            with pytest.raises(SettingsNotAppliedError):
                codex.thread_start(sandbox=Sandbox.full_access, approval_mode=ApprovalMode.deny_all)


def test_notifications_of_tomorrow_arrive_where_they_belong(recorded: list[Line]) -> None:
    lines: list[Line] = []
    for line in recorded:
        lines.append(line)
        params = line.get("params", {})
        if "turnId" in params:
            ids = {"threadId": params["threadId"], "turnId": params["turnId"]}
            lines.append({"method": "hologram/moved", "params": {**ids, "by": [1, 2]}})
    seen = replay(lines)
    check(lines, seen)
    unknown = [event for event in seen.events if event.method == "hologram/moved"]
    assert len(unknown) > 10
    for event in unknown:
        assert isinstance(event, Notification)
        assert isinstance(event.payload, UnknownNotification)
        assert event.payload.params["by"] == [1, 2]
