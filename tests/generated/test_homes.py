"""Classes are spread over modules by what needs them, whatever a schema has."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from scripts.generate import homes, models, policy, protocol, python, schema
from scripts.generate.shapes import Class, Field, Model, Type, closure, named, references, union


@pytest.fixture(scope="module")
def bundle() -> schema.Bundle:
    return schema.load()


def model(name: str, *parts: str, default: Type | None = None) -> Model:
    return Model(name, [Field(part.lower(), part, named(part), default, None) for part in parts], None)


def notification(method: str, payload: str, turn: bool = False) -> protocol.Notification:
    return protocol.Notification(method, payload, (), ("turnId",) if turn else (), None, False, False)


def request(method: str, params: str, response: str) -> protocol.Request:
    return protocol.Request(method, params, False, response, "Short", False, False, ())


def assigned(
    monkeypatch: pytest.MonkeyPatch, classes: list[Class], *methods: protocol.Notification | protocol.Request
) -> dict[str, str]:
    monkeypatch.setattr(policy, "EVERY_TURN", ("turn/started",))
    notifications = [m for m in methods if isinstance(m, protocol.Notification)]
    requests = [m for m in methods if isinstance(m, protocol.Request)]
    described = protocol.Protocol(
        [notification("turn/started", "Started", True), *notifications], requests, [], ()
    )
    every = [model("Started", "Turn"), model("Turn"), *classes]
    return homes.assign({item.name: item for item in every}, described)


def test_each_class_lives_with_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = assigned(
        monkeypatch,
        [
            model("Delta"),
            model("Moved", "Turn"),
            model("Planned", "Step"),
            model("Step"),
            model("Warned"),
            model("OpenParams", "Mode"),
            model("OpenResponse", "Turn"),
            model("CloseParams", "Mode", "Reason"),
            model("Mode"),
            model("Reason"),
            model("ClientRequest", "OpenRequest"),
            model("OpenRequest", "OpenParams"),
            model("Stray", "Mode"),
        ],
        notification("item/delta", "Delta", turn=True),
        notification("item/moved", "Moved", turn=True),
        notification("turn/planned", "Planned", turn=True),
        notification("warned", "Warned"),
        request("bigDoor/open", "OpenParams", "OpenResponse"),
        request("window/close", "CloseParams", "OpenResponse"),
    )
    assert found == {
        "Started": "every_turn",
        "Turn": "every_turn",
        "Moved": "every_turn",
        "Delta": "deltas",
        "Planned": "turn",
        "Step": "turn",
        "Warned": "warned",
        "OpenParams": "big_door",
        "OpenResponse": "shared",
        "CloseParams": "window",
        "Mode": "shared",
        "Reason": "window",
        "ClientRequest": "messages",
        "OpenRequest": "messages",
        "Stray": "others",
    }


def test_classes_that_refer_to_each_other_live_together(monkeypatch: pytest.MonkeyPatch) -> None:
    circle: list[Class] = [model("A", "B"), model("B", "C"), model("C", "A"), model("Other", "B")]
    found = assigned(monkeypatch, circle, request("x/do", "A", "A"), request("y/do", "Other", "Other"))
    assert {found[name] for name in "ABC"} == {"shared"}
    assert found["Other"] == "y"


def test_a_noun_that_is_spelled_like_another_home_stops_the_generator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValueError, match="everyTurn/start would share a home"):
        assigned(monkeypatch, [model("P")], request("everyTurn/start", "P", "P"))


def test_a_turn_that_never_was_stops_the_generator(
    bundle: schema.Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "EVERY_TURN", ("turn/gone",))
    with pytest.raises(protocol.SchemaError, match=r"EVERY_TURN names \['turn/gone'\]"):
        protocol.build(bundle)


def test_no_class_refers_to_a_home_behind_its_own(bundle: schema.Bundle) -> None:
    methods = protocol.build(bundle)
    classes = models.build(bundle, methods).classes
    found = homes.assign(classes, methods)
    rank = {"deltas": 0, "every_turn": 1, "shared": 2, "messages": 4, "others": 5}
    assert found.keys() == classes.keys()
    for name, item in classes.items():
        for part in references(item):
            mine, other = found[name], found[part]
            assert mine == other or rank.get(mine, 3) > rank.get(other, 3), f"{name} refers to {part}"


def test_large_parts_of_several_models_are_reused() -> None:
    small = [model(f"P{number}") for number in range(9)]
    classes: list[Class] = [
        *small,
        model("Large", *(item.name for item in small)),
        model("One", "Large"),
        model("Two", "Large", "P0"),
        model("Holder", "One"),
    ]
    by_name = {item.name: item for item in classes}
    assert homes.reused(by_name) == {"Large"}
    assert len(closure(by_name, ["Large"])) == 10


def test_a_default_is_imported_like_a_type() -> None:
    default = named("Part").inside("{}.first")
    text = python.module(
        "python/codex_app_server/generated/_models/x.py",
        "Doc.",
        {"A": Model("A", [Field("b", "b", union([Type("int"), Type("None")]), default, None)], None)},
        {"A": "x", "Part": "there"},
        ["A", "Part"],
    )
    assert "from .there import Part\n" in text
    assert "    b: int | None = Part.first\n" in text
    assert text.endswith("\n\nreuse(A)\n")


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_files_are_the_same_whatever_the_order_of_sets(seed: str) -> None:
    command = [sys.executable, "-m", "scripts.generate", "--check"]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        command, cwd=schema.ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "generated files are up to date\n", done.stderr
