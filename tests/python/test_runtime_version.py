"""Versions: read, compared, and what is said about a pair that differs."""

from __future__ import annotations

import itertools

import pytest

from codex_app_server._launch import runtime_version
from codex_app_server._launch.runtime_version import MADE_FOR, mismatch, parse

IN_ORDER = [
    "0.0.0",
    "0.99.0",
    "0.163.0-alpha.2",
    "0.163.0a10",
    "0.163.0b1",
    "0.163.0rc1",
    "0.163.0",
    "0.163.1",
]


def test_versions_have_an_order() -> None:
    versions = [parse(text) for text in IN_ORDER]
    for first, second in itertools.pairwise(versions):
        assert first is not None
        assert second is not None
        assert first < second


@pytest.mark.parametrize(
    ("runtimes", "packages"),
    [("0.137.0-alpha.4", "0.137.0a4"), ("0.137.0-beta.1", "0.137.0b1"), ("0.163.0 (Linux)", "0.163.0.post2")],
)
def test_what_a_runtime_calls_itself_is_what_its_package_is_called(runtimes: str, packages: str) -> None:
    assert parse(runtimes) == parse(packages)


@pytest.mark.parametrize(
    "text", [MADE_FOR, f"{MADE_FOR} (Debian 12.0.0; x86_64) xterm", f"{MADE_FOR}+build.5"]
)
def test_nothing_is_said_about_the_right_version(text: str) -> None:
    assert mismatch(text) is None


@pytest.mark.parametrize("text", ["0.0.0", "0.0.0-dev", "dev", "1", "", None])
def test_nothing_is_said_about_a_build_that_does_not_say_what_it_is(text: str | None) -> None:
    assert mismatch(text) is None


def test_an_older_runtime_is_named_with_what_it_means_and_the_remedy() -> None:
    message = mismatch("0.150.0 (Linux)")
    assert message is not None
    assert "0.150.0, which is older than" in message
    assert "(Linux)" not in message
    assert "refused" in message
    assert f"openai-codex-cli-bin=={MADE_FOR}" in message


def test_a_newer_runtime_is_named_with_what_it_means() -> None:
    message = mismatch("9.0.0-alpha.1")
    assert message is not None
    assert "9.0.0-alpha.1, which is newer than" in message
    assert "unknown objects" in message


def test_a_post_release_pins_the_runtime_of_its_base(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "post" not in MADE_FOR
    monkeypatch.setattr(runtime_version, "MADE_FOR", "0.137.0a4")
    assert mismatch("0.137.0-alpha.4 (Linux)") is None
    assert mismatch("0.137.0") is not None
