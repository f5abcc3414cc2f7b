"""musl: the core's tests run on it, and the wheels for it ask for nothing that it does not have."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import debian
from scripts.debian import UnavailableError
from scripts.wheels import native
from scripts.wheels.platforms import named
from scripts.wheels.toolchain import ToolchainError, toolchain_for
from tests.wheel.environments import ROOT

MODULE = "codex_app_server/_native.abi3.so"

pytestmark = pytest.mark.slow


@pytest.mark.timeout(900)
def test_the_cores_tests_pass_on_musl() -> None:
    platform = named("musllinux_1_2_x86_64")
    try:
        toolchain = toolchain_for(platform.target)
    except ToolchainError as error:
        pytest.skip(f"not run: {error}")
    environment = {
        **os.environ,
        **toolchain.environment(),
        "CARGO_TARGET_DIR": str(ROOT / "target/musl"),
        "RUSTFLAGS": " ".join([*platform.rustflags, "-Dwarnings"]),
    }
    if toolchain.builds_std:
        environment["CARGO_UNSTABLE_BUILD_STD"] = "std,panic_unwind,test"
    zigbuild = str(Path(sys.executable).with_name("cargo-zigbuild"))
    command = [zigbuild, "test", "--locked", "--package", "codex-core", "--lib", "--tests"]
    command += ["--target", "x86_64-unknown-linux-musl"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = [int(count) for count in re.findall(r"^test result: ok\. (\d+) passed", done.stdout, re.M)]
    assert sum(passed) > 100, done.stdout


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("machine", "architecture"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_what_the_module_imports_is_in_musl_or_in_the_stable_abi(
    machine: str, architecture: str, wheel_of: Callable[[str], Path]
) -> None:
    folder = ROOT / f"target/musl-{machine}"
    loader = folder / f"root/lib/ld-musl-{machine}.so.1"
    if not loader.exists():
        try:
            debian.unpack(("musl",), folder / "root", folder / "work", architecture=architecture)
        except UnavailableError as error:
            pytest.skip(f"not run: {error}")
    musl = native.exported_symbols(loader.resolve().read_bytes())
    with zipfile.ZipFile(wheel_of(f"musllinux_1_2_{machine}")) as archive:
        module = archive.read(MODULE)
    assert native.libraries(module) == {"libc.so"}
    imported = native.imported_symbols(module)
    pythons = {name for name in imported if name.startswith(("Py", "_Py"))}
    # What is Python's among them is in the stable ABI: the wheel's other checks see to that.
    assert pythons
    assert imported - pythons - musl == set()
