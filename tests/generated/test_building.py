"""Validators are built when a model is first used: once, and whole for every thread that looks."""

from __future__ import annotations

import subprocess
import sys

import pytest

PRELUDE = """
import collections, sys, threading
from codex_app_server.generated import v2_all
from codex_app_server.generated._base import _BuiltOnFirstUse

sys.setswitchinterval(1e-6)
built = collections.Counter()

def count(cls):
    built[cls.__name__] += 1

_BuiltOnFirstUse.__pydantic_on_complete__ = classmethod(count)
failed = []

def at_once(work):
    "Runs work(0) to work(7), all of them at the same moment."
    barrier = threading.Barrier(8)

    def run(number):
        barrier.wait()
        try:
            work(number)
        except BaseException as error:
            failed.append(repr(error))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert not any(thread.is_alive() for thread in threads), "they wait for each other"
    assert not failed, failed[:3]
"""

MESSAGE = '{"type": "agentMessage", "id": "m", "text": "hello"}'
TURN = f'{{"id": "u", "status": "completed", "items": [{MESSAGE}, {MESSAGE}]}}'


def run(program: str) -> None:
    """Runs a program in an interpreter of its own, where no model was touched before."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PRELUDE + program], capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr


@pytest.mark.parametrize(
    ("model", "sample"),
    [
        ("AgentMessageDeltaNotification", '{"threadId": "t", "turnId": "u", "itemId": "i", "delta": "d"}'),
        ("ThreadItem", MESSAGE),
        ("TurnCompletedNotification", f'{{"threadId": "t", "turn": {TURN}}}'),
        ("ThreadListParams", '{"sortDirection": "desc", "cwd": ["a", "b"]}'),
        ("ThreadListResponse", '{"data": [], "nextCursor": "c"}'),
        ("SandboxPolicy", '{"type": "workspaceWrite"}'),
    ],
)
def test_threads_that_touch_a_new_model_at_once_share_one_whole_validator(model: str, sample: str) -> None:
    run(f"""
import json
sample = {sample!r}
found = [None] * 8

def work(number):
    model = v2_all.{model}
    if number % 2:
        found[number] = model.model_validate_json(sample)
    else:
        found[number] = model.model_validate(json.loads(sample))
    found[number].model_dump_json(by_alias=True)

at_once(work)
assert all(value == found[0] for value in found)
assert found[0].model_dump(mode="json", by_alias=True, exclude_unset=True) == json.loads(sample)
assert built["{model}"] == 1 and set(built.values()) == {{1}}, built
""")


def test_threads_that_touch_models_that_hold_each_other_do_not_wait_in_a_circle() -> None:
    run("""
names = [
    "ThreadItem", "Turn", "TurnStartedNotification", "ItemCompletedNotification",
    "TurnCompletedNotification", "ThreadReadResponse", "UserInput", "Thread",
]
def work(number):
    model = getattr(v2_all, names[number])
    schema = model.model_json_schema()
    assert schema["title"] == names[number]
    assert model.__pydantic_complete__

at_once(work)
assert set(built.values()) == {1}, built
""")


def test_threads_that_import_different_models_at_once_get_all_of_them() -> None:
    run("""
names = v2_all.__all__
found = [None] * 8

def work(number):
    # Each begins elsewhere, so that homes which import each other are asked for in every order.
    start = number * len(names) // 8
    ordered = names[start:] + names[:start]
    found[number] = {name: getattr(v2_all, name) for name in (ordered if number % 2 else reversed(ordered))}

at_once(work)
assert all(classes == found[0] for classes in found)
assert len(found[0]) == len(names)
assert not built
""")


def test_the_models_of_a_turn_are_built_into_each_other_once() -> None:
    run("""
v2_all.TurnCompletedNotification.model_rebuild()
v2_all.ItemCompletedNotification.model_rebuild()
assert built.keys() >= {"ThreadItem", "Turn", "TurnCompletedNotification", "ItemCompletedNotification"}
assert "UserMessageThreadItem" not in built, "a validator that nobody asked for"
assert set(built.values()) == {1}
""")


def test_a_model_that_is_complete_is_built_again_on_demand_only() -> None:
    run("""
assert v2_all.Turn.model_rebuild() is True
assert v2_all.Turn.model_rebuild() is None
before = v2_all.Turn.__pydantic_validator__
assert v2_all.Turn.model_rebuild(force=True) is True
assert v2_all.Turn.__pydantic_validator__ is not before
""")


def test_a_subclass_finds_the_names_of_the_function_that_made_it() -> None:
    run("""
from codex_app_server.generated._base import ProtocolModel

def make():
    class Later(ProtocolModel):
        parts: "list[Part]"
    class Part(ProtocolModel):
        item: v2_all.ThreadItem
    Later.model_rebuild()
    return Later

assert make().model_validate({"parts": []}).parts == []
""")
