"""What a runtime gets of this program's environment, in which names are the same in any case."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

from codex_app_server import Codex, OutputChunk
from codex_app_server.testing import OfflineModel


def seen(model: OfflineModel, **fields: Any) -> dict[str, str]:
    """The environment of a program that the runtime starts, by its names in capitals."""
    with Codex(model.config(**fields)) as codex:
        command = codex.process_spawn(["cmd", "/d", "/c", "set"])
        output = b"".join(chunk.data for chunk in command if isinstance(chunk, OutputChunk))
        assert command.wait().exit_code == 0
    pairs = [line.partition("=") for line in output.decode("cp1252").splitlines() if line[:1] != "="]
    assert max(Counter(name.upper() for name, _, _ in pairs).values()) == 1
    return {name.upper(): value for name, _, value in pairs}


def test_the_minimum_is_enough_for_the_runtime(model: OfflineModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_SECRET", "x")
    environment = seen(model, inherit_env=False)
    assert environment["SYSTEMROOT"] == os.environ["SYSTEMROOT"]
    assert "OUR_SECRET" not in environment
    with Codex(model.config(inherit_env=False)) as codex:
        assert codex.thread_start().run("Hi").final_response == "Hi"


def test_a_variable_is_meant_by_its_name_in_any_case(
    model: OfflineModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_OWN", "ours")
    monkeypatch.setenv("OUR_SECRET", "x")
    environment = seen(model, env={"Our_Own": "another", "our_secret": None})
    assert environment["OUR_OWN"] == "another"
    assert "OUR_SECRET" not in environment
