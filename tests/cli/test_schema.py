"""A runtime's schema beside the package: the real one, and with one thing changed in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import codex_cli_bin
import pytest

from codex_app_server._cli import command
from codex_app_server._cli.report import Finding, Status
from codex_app_server._cli.schema import compare, judge
from tests.cli.terminal import Terminal

PROGRAM = str(codex_cli_bin.bundled_codex_path())


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the packaged runtime prints."""
    folder = tmp_path_factory.mktemp("schema")
    command.run([PROGRAM, "app-server", "generate-json-schema", "--experimental", "--out", str(folder)], 30)
    return (folder / "codex_app_server_protocol.schemas.json").read_text("utf-8")


def edited(printed: str, edit: Callable[[dict[str, Any]], object]) -> Finding:
    whole = json.loads(printed)
    edit(whole["definitions"])
    return judge(json.dumps(whole))


def test_the_packaged_runtime_has_the_schema_that_the_package_was_made_from() -> None:
    found = compare(PROGRAM, 30)
    assert found.status is Status.ok
    assert found.detail == "172 requests, 85 notifications, 11 server requests: all as this package has them"


def test_a_description_is_no_difference(printed: str) -> None:
    def edit(definitions: dict[str, Any]) -> None:
        definitions["v2"]["TurnStartParams"]["description"] = "Another."
        definitions["v2"]["TurnStartParams"]["properties"]["threadId"]["description"] = "Another."

    assert edited(printed, edit).status is Status.ok


def test_methods_that_came_and_went_are_named(printed: str) -> None:
    def edit(definitions: dict[str, Any]) -> None:
        requests = definitions["ClientRequest"]["oneOf"]
        (start,) = [each for each in requests if each["properties"]["method"]["enum"] == ["turn/start"]]
        start["properties"]["method"]["enum"] = ["turn/begin"]
        del definitions["ServerNotification"]["oneOf"][0]

    found = edited(printed, edit)
    assert found.status is Status.warning
    assert found.data["added"] == ["request turn/begin"]
    assert found.data["removed"][0] == "request turn/start"
    assert found.data["removed"][1].startswith("notification ")
    assert found.data["changed"] == {}
    assert "+ request turn/begin\n- request turn/start\n" in found.detail


def test_a_field_deep_inside_changes_every_method_that_is_made_of_it(printed: str) -> None:
    def edit(definitions: dict[str, Any]) -> None:
        definitions["v2"]["TurnError"]["properties"]["brandNew"] = {"type": "string"}

    changed = edited(printed, edit).data["changed"]
    assert changed["request turn/start"] == ["TurnError"]
    assert changed["notification turn/completed"] == ["TurnError"]
    assert "request model/list" not in changed


def test_a_property_that_is_called_description_counts(printed: str) -> None:
    def edit(definitions: dict[str, Any]) -> None:
        definitions["v2"]["Model"]["properties"]["description"] = {"type": "integer"}

    assert edited(printed, edit).data["changed"]["request model/list"] == ["Model"]


def test_a_definition_that_is_gone_has_changed(printed: str) -> None:
    found = edited(printed, lambda definitions: definitions["v2"].pop("TurnStartResponse"))
    assert found.data["changed"] == {"request turn/start": ["TurnStartResponse"]}


def test_many_differences_are_shown_in_part_and_kept_in_whole(printed: str) -> None:
    found = edited(printed, lambda definitions: definitions["ClientRequest"].update(oneOf=[]))
    assert len(found.data["removed"]) == 172
    assert found.detail.endswith("164 more (--json has all)")


def writes(text: str) -> str:
    return f"open(sys.argv[-1] + '/codex_app_server_protocol.schemas.json', 'w').write({text!r})"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit('no such command')", "no such command"),
        ("", "it wrote none"),
        ("time.sleep(1000)", "it did not end within 1 s"),
        (writes("[]"), "another form"),
        (writes("no JSON"), "another form"),
        (writes('{"definitions": {}}'), "another form"),
    ],
)
def test_what_cannot_be_compared_is_a_warning(body: str, words: str, terminal: Terminal) -> None:
    found = compare(terminal.program("codex", body), 1)
    assert found.status is Status.warning
    assert words in found.detail
