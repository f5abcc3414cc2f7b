"""The wheel for Windows, whose tests these are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts.wheels.toolchain import toolchain_for
from scripts.windows.python import ROOT

_TARGET = "x86_64-pc-windows-gnu"


def build() -> Path:
    """Build the wheel of the checkout; what cargo has compiled before is used again."""
    out = ROOT / "target/windows/wheel"
    environment = {
        **os.environ,
        **toolchain_for(_TARGET).environment(),
        "CARGO_TARGET_DIR": str(ROOT / "target/wheels/win_amd64"),
        "CARGO_PROFILE_RELEASE_DEBUG": "false",
    }
    command = [
        sys.executable,
        "-m",
        "maturin",
        "build",
        "--release",
        "--locked",
        "--quiet",
        "--target",
        _TARGET,
    ]
    command += ["--compatibility", "off", "--interpreter", "python3.10", "--out", str(out)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    (wheel,) = out.glob("*.whl")
    return wheel
