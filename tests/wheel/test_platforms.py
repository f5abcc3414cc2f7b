"""The table of platforms: complete, in one with the README, and able to say what is missing."""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

import pytest

from scripts.wheels import platforms, toolchain
from scripts.wheels.platforms import PLATFORMS, named, of_this_machine, of_wheel
from scripts.wheels.toolchain import ToolchainError, toolchain_for
from tests.wheel.environments import ROOT


def test_the_readme_has_a_row_for_each_platform_and_says_what_was_done() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| .+ \| `(\w+)` \| (tested|built|not yet)\b.* \|$", readme, re.M))
    assert set(rows) == {platform.tag for platform in PLATFORMS}


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.tag)
def test_a_platform_is_found_by_the_name_of_its_wheel(platform: platforms.Platform) -> None:
    name = f"codex_app_server_sdk-0.163.0-cp310-abi3-{platform.tag}.whl"
    assert of_wheel(name) is platform


def test_an_older_spelling_beside_the_tag_changes_nothing() -> None:
    name = "codex_app_server_sdk-0.163.0-cp310-abi3-manylinux2014_aarch64.manylinux_2_17_aarch64.whl"
    assert of_wheel(name) is named("manylinux_2_17_aarch64")


def test_a_platform_without_a_wheel_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(ValueError, match=r"'manylinux_2_17_s390x'.*musllinux_1_2_aarch64"):
        named("manylinux_2_17_s390x")


def test_on_windows_the_interpreter_says_which_platform_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sysconfig, "get_platform", lambda: "win-arm64")
    assert of_this_machine() is named("win_arm64")
    monkeypatch.setattr(sysconfig, "get_platform", lambda: "win32")
    with pytest.raises(ValueError, match=r"'win32'.*win_amd64"):
        of_this_machine()


def test_a_toolchain_that_is_missing_is_named_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RUSTC", raising=False)
    monkeypatch.setattr(toolchain, "_DEBIAN", tmp_path)
    with pytest.raises(ToolchainError, match=r"rustup target add aarch64-apple-darwin.*rustc-web"):
        toolchain_for(named("macosx_11_0_arm64").target)
