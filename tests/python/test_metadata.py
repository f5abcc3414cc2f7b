"""What the runtime says about itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codex_app_server._incoming import decoding
from codex_app_server.errors import ParseError
from codex_app_server.models import InitializeResponse


def metadata(**answer: Any) -> InitializeResponse:
    return decoding.initialized("initialize", json.dumps(answer).encode()).with_server_info()


@pytest.mark.parametrize(
    ("answer", "name", "version"),
    [
        ({"userAgent": "codex/0.163.0 (Linux; x) more"}, "codex", "0.163.0 (Linux; x) more"),
        ({"userAgent": "a b"}, "a", "b"),
        ({"userAgent": "a/b/c d"}, "a", "b/c d"),
        ({"userAgent": "my app/1"}, "my app", "1"),
        ({"userAgent": "x/1", "serverInfo": {"name": " n ", "version": "v"}}, "n", "v"),
        ({"userAgent": "x/1", "serverInfo": {"name": "n"}}, "n", "1"),
        ({"userAgent": "x/1", "serverInfo": {}}, "x", "1"),
        ({"userAgent": "x/1", "serverInfo": None}, "x", "1"),
    ],
)
def test_the_server_is_named_by_the_user_agent_where_nothing_else_names_it(
    answer: dict[str, Any], name: str, version: str
) -> None:
    info = metadata(**answer).serverInfo
    assert info is not None
    assert (info.name, info.version) == (name, version)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"userAgent": ""},
        {"userAgent": "name-only"},
        {"userAgent": "n/"},
        {"userAgent": "/v"},
        {"userAgent": None, "serverInfo": {"name": "n", "version": "v"}},
        {"userAgent": 3},
    ],
)
def test_metadata_that_is_missing_is_a_typed_error(answer: dict[str, Any]) -> None:
    with pytest.raises(ParseError, match="initialize"):
        metadata(**answer)


def test_every_field_has_both_spellings() -> None:
    info = metadata(userAgent="n/1", platformFamily="unix", platformOs="linux", codexHome="/home")
    assert info.server_info is info.serverInfo
    assert info.user_agent == info.userAgent == "n/1"
    assert (info.platform_family, info.platform_os, info.codex_home) == ("unix", "linux", "/home")
    assert (info.platformFamily, info.platformOs, info.codexHome) == ("unix", "linux", "/home")


def test_fields_of_a_newer_runtime_are_kept() -> None:
    assert metadata(userAgent="n/1", brandNew=[1]).model_dump()["brandNew"] == [1]
