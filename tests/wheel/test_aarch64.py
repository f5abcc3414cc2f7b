"""The wheel for Linux on aarch64, emulated: on an event loop; whole turns, where programs start others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.debian import UnavailableError
from scripts.wheels.platforms import PLATFORMS, of_this_machine
from tests.wheel.emulation import QEMU, Aarch64
from tests.wheel.environments import ROOT, Environment
from tests.wheel.test_wheel import runs_turns

TAG = "manylinux_2_17_aarch64"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        of_this_machine().machine == "aarch64", reason="this machine needs no emulator for it"
    ),
    pytest.mark.skipif(shutil.which(QEMU) is None, reason="not run: needs Debian's qemu-user-static"),
]

# On an event loop, a peer that answers nothing: the native module starts a child, reads, waits and closes.
IMPORTED = """
import asyncio, platform, sys
sys.path.insert(0, sys.argv[1])
import codex_app_server
from codex_app_server import AsyncCodex, CodexConfig, CodexError, models
from codex_app_server.models import AgentMessageDeltaNotification

async def main():
    event = AgentMessageDeltaNotification(thread_id="a", turn_id="b", item_id="c", delta="d")
    try:
        async with AsyncCodex(CodexConfig(launch_args_override=("/does/not/exist",))):
            pass
    except CodexError as error:
        return type(error).__name__, event.delta

print(platform.machine(), *asyncio.run(main()))
"""


@pytest.fixture(scope="module")
def machine() -> Aarch64:
    try:
        return Aarch64(ROOT / "target/aarch64")
    except UnavailableError as error:
        pytest.skip(f"not run: {error}")


def test_the_wheel_for_aarch64_is_imported_and_runs_on_an_event_loop(
    machine: Aarch64, wheel_of: Callable[[str], Path], tmp_path: Path
) -> None:
    target = tmp_path / "packages"
    runtime = next(platform.runtime_tag for platform in PLATFORMS if platform.tag == TAG)
    kinds = (part for tag in (TAG, runtime, "manylinux_2_28_aarch64") for part in ("--platform", tag))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), *kinds]
    command += ["--python-version", "3.11", "--only-binary=:all:", str(wheel_of(TAG))]
    free = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
    subprocess.run(command, check=True, env=free)
    emulated = [QEMU, "-L", str(machine.root), str(machine.python), "-c", IMPORTED, str(target)]
    done = subprocess.run(emulated, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=300)
    assert done.stdout.split() == ["aarch64", "BinaryNotFoundError", "d"], done.stderr


def test_the_wheel_for_aarch64_runs_turns(
    machine: Aarch64, wheel_of: Callable[[str], Path], tmp_path: Path
) -> None:
    if not machine.starts_children():
        pytest.skip("the turn was not run: the kernel starts no aarch64 programs (binfmt_misc, .ci/packages)")
    runs_turns(Environment(str(machine.python), tmp_path, **machine.variables), str(wheel_of(TAG)))
