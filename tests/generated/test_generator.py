"""The generator writes the same files each time, and stops at what it does not understand."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.generate import __main__ as command
from scripts.generate import (
    calls,
    models,
    names,
    policy,
    protocol,
    python,
    schema,
    summaries,
)
from scripts.generate.annotations import Annotations
from scripts.generate.shapes import NONE, Field, Model, Module, Root, Type, named

# Everything generated takes four seconds of a processor, most of it in formatters.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """Everything generated, once: the same each time, or the first test here fails."""
    return command.render()


@pytest.fixture(scope="module")
def bundle() -> schema.Bundle:
    return schema.load()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is generated, in the place of the repository."""
    for name in ("python/codex_app_server", "rust/core/src", "docs"):
        shutil.copytree(schema.ROOT / name, tmp_path / name)
    shutil.copy(schema.ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(schema, "ROOT", tmp_path)
    monkeypatch.setattr(python, "ROOT", tmp_path)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setattr(sys, "argv", ["generate", *options])
    return command.main()


def test_the_check_passes_on_what_was_generated(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "--check") == 0


def test_the_check_names_the_file_that_differs(
    checkout: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "render", lambda: files)
    changed = checkout / "rust/core/src/wire/protocol.rs"
    before = changed.read_text("utf-8")
    changed.write_text(before.replace("droppable: true", "droppable: false", 1), "utf-8")
    (checkout / "python/codex_app_server/generated/requests.py").unlink()
    assert run(monkeypatch, "--check") == 1
    assert capsys.readouterr().err.splitlines()[1:3] == [
        "  rust/core/src/wire/protocol.rs",
        "  python/codex_app_server/generated/requests.py",
    ]
    assert changed.read_text("utf-8") != before
    assert run(monkeypatch) == 0
    assert changed.read_text("utf-8") == before
    assert run(monkeypatch, "--check") == 0


def test_a_module_of_models_that_is_not_made_any_more_is_named_and_removed(
    checkout: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "render", lambda: files)
    name = "python/codex_app_server/generated/_models/of_yesterday.py"
    stale = checkout / name
    stale.write_text("class Gone: ...\n", "utf-8")
    assert run(monkeypatch, "--check") == 1
    assert capsys.readouterr().err.splitlines()[1] == f"  {name}"
    assert stale.exists()
    assert run(monkeypatch) == 0
    assert capsys.readouterr().out == f"removed {name}\n"
    assert not stale.exists()
    assert run(monkeypatch, "--check") == 0


def without(key: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda table: {k: v for k, v in table.items() if k != key}


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("DROPPABLE", lambda t: t | {"item/gone"}, r"DROPPABLE names \['item/gone'\]"),
        ("ENDS", lambda t: t | {"account/updated"}, r"ENDS names \['account/updated'\]"),
        ("SUBJECTS", lambda t: (*t, "goneId"), r"SUBJECTS names \['goneId'\]"),
        ("SUBJECTS", lambda t: (*t, "stream"), r"\['processId', 'stream'\] could each name the stream"),
        ("OPEN_ENDED", lambda t: t | {"gone"}, r"OPEN_ENDED names \['gone'\]"),
        ("SLOW", lambda t: t | {"gone"}, r"SLOW names \['gone'\]"),
        ("SLOW", lambda t: t | {"command/exec"}, r"two places for \['command/exec'\]"),
        ("CONTROL", lambda t: t | {"gone"}, r"CONTROL names \['gone'\]"),
        ("CONTROL", lambda t: t | {"command/exec"}, r"two places for \['command/exec'\]"),
        ("REFUSALS", lambda t: {**t, "gone": None}, r"REFUSALS names \['gone'\]"),
        ("REFUSALS", without("item/tool/call"), r"REFUSALS lacks \['item/tool/call'\]"),
        ("RESPONSES", lambda t: {**t, "gone": "X"}, r"RESPONSES names \['gone'\]"),
        ("RESPONSES", without("account/logout"), "no response of account/logout"),
    ],
)
def test_a_policy_that_does_not_fit_the_schema_stops_the_generator(
    bundle: schema.Bundle,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    change: Callable[[Any], Any],
    message: str,
) -> None:
    monkeypatch.setattr(policy, table, change(getattr(policy, table)))
    with pytest.raises(protocol.SchemaError, match=message):
        protocol.build(bundle)


def test_every_request_is_described_and_every_summary_is_of_a_request(bundle: schema.Bundle) -> None:
    methods = protocol.build(bundle)
    described = calls.build(bundle, methods, models.build(bundle, methods))
    assert [call.method for call in described if not call.descriptions] == []
    assert set(summaries.SUMMARIES) <= {call.method for call in described}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("str | None", "str | None"),
        ("AbsolutePathBuf", "AbsolutePathBuf | str"),
        ("SortDirection | None", 'SortDirection | Literal["asc", "desc"] | None'),
        ("list[ProjectRoot]", "list[ProjectRoot] | list[dict[str, Any]]"),
        ("list[SortDirection]", 'Sequence[SortDirection | Literal["asc", "desc"]]'),
        ("ThreadListCwdFilter", "ThreadListCwdFilter | str | list[str]"),
        ("Annotated[int, Field(ge=0)] | None", "int | None"),
        ("dict[str, str | None] | None", "dict[str, str | None] | None"),
    ],
)
def test_an_argument_takes_what_stands_for_its_model(bundle: schema.Bundle, given: str, said: str) -> None:
    module = models.build(bundle, protocol.build(bundle))
    assert Annotations(module).taken(Type(given)).text == said


def test_a_default_of_an_unknown_shape_stops_the_generator(bundle: schema.Bundle) -> None:
    broken = {"type": "object", "properties": {"at": {"type": "string", "default": "now"}}}
    changed = dataclasses.replace(bundle, definitions={**bundle.definitions, "Broken": broken})
    with pytest.raises(ValueError, match=r"Broken\.at has a default of an unknown shape"):
        models.build(changed, protocol.build(changed))


@pytest.mark.parametrize(
    ("union", "variant", "message"),
    [
        ("Gone", "x", r"UNTAGGED names \['Gone'\], which are no tagged unions"),
        ("AskForApproval", "x", r"UNTAGGED names \['AskForApproval'\], which are no tagged unions"),
        ("UserInput", "text", "UNTAGGED names UserInput, which the runtime sends too"),
        ("ReviewTarget", "gone", "UNTAGGED takes ReviewTarget for 'gone', which is none of its variants"),
    ],
)
def test_a_missing_tag_that_does_not_fit_the_schema_stops_the_generator(
    bundle: schema.Bundle, monkeypatch: pytest.MonkeyPatch, union: str, variant: str, message: str
) -> None:
    monkeypatch.setattr(policy, "UNTAGGED", {**policy.UNTAGGED, union: variant})
    with pytest.raises(ValueError, match=message):
        models.build(bundle, protocol.build(bundle))


def test_two_different_classes_of_one_name_stop_the_generator() -> None:
    module = Module()
    module.add(Root("Twice", Type("str"), None))
    module.add(Root("Twice", Type("str"), None))
    with pytest.raises(ValueError, match="two different classes are named Twice"):
        module.add(Root("Twice", Type("int"), None))


def test_classes_that_refer_to_each_other_are_quoted_where_they_must_be() -> None:
    classes = {
        "A": Model("A", [Field("b", "b", named("B").optional(), NONE, None)], None),
        "B": Model("B", [Field("a", "theA", named("A").inside("list[{}]"), None, None)], None),
    }
    text = python.module("python/codex_app_server/generated/_models/x.py", "Doc.", classes, {}, [])
    assert text.index("class B(") < text.index("class A(")
    assert "    b: B | None = None" in text
    assert """    a: 'Annotated[list[A], Field(alias="theA")]'""" in text


def test_docstrings_survive_what_the_schema_writes_into_them() -> None:
    for text in ('ends with "quotes"', 'has """ inside', "back\\slash \\n", "two\n\nparagraphs", "x" * 200):
        source = python.docstring(text)
        found = eval(source)  # noqa: S307 - a string literal made one line above
        assert found.replace("'''", '"""').split() == text.split()


@pytest.mark.parametrize(
    ("make", "wire", "expected"),
    [
        (names.class_name, "mcpServer/event/stream/notification", "McpServerEventStreamNotification"),
        (names.class_name, "Thread/name/setRequest", "ThreadNameSetRequest"),
        (names.class_name, "network_policy_amendment", "NetworkPolicyAmendment"),
        (names.field_name, "threadId", "thread_id"),
        (names.field_name, "_meta", "field_meta"),
        (names.field_name, "$schema", "field_schema"),
        (names.field_name, "async", "async_"),
        (names.member_name, "on-request", "on_request"),
        (names.member_name, "AGENTS_MD", "agents_md"),
        (names.member_name, "mcpOAuth", "mcp_o_auth"),
        (names.member_name, "1h", "field_1h"),
        (names.singular, "indices", "Indice"),
    ],
)
def test_names_are_spelled_like_the_official_ones(
    make: Callable[[str], str], wire: str, expected: str
) -> None:
    assert make(wire) == expected
