"""The core's own tests, built for Windows and run in the prefix.

Owns their build and the sum: each test that was not run stands in the list of those that are left out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from scripts.wheels import zig_linker
from scripts.wheels.platforms import named
from scripts.wheels.toolchain import toolchain_for
from scripts.windows.prefix import Prefix
from scripts.windows.python import ROOT
from tests.left_out import Entry

_TARGET = named("win_amd64").target
# The unit tests, and those of the child process.
_TESTS = ("--package", "codex-core", "--lib", "--test", "windows")
_FOLDER = "rust/core/tests/windows/"
# On Windows itself.
HERE = ("cargo", "test", "--quiet", "--locked", *_TESTS)


def build() -> list[Path]:
    """Build the tests; returns the programs.

    Raises:
        ToolchainError: No toolchain of this machine can.
        subprocess.CalledProcessError: The build failed; it has said why.
    """
    toolchain = toolchain_for(_TARGET)
    folder = ROOT / "target/windows/core"
    linker = folder / "linker"
    zig_linker.write(linker, _TARGET)
    environment = {
        **os.environ,
        **toolchain.environment(),
        "CARGO_TARGET_DIR": str(folder),
        f"CARGO_TARGET_{_TARGET.upper().replace('-', '_')}_LINKER": str(linker),
        "RUSTFLAGS": "-Dwarnings",
    }
    if toolchain.builds_std:
        environment["CARGO_UNSTABLE_BUILD_STD"] = "std,panic_unwind,test"
    command = [str(toolchain.cargo), "test", "--no-run", "--quiet", "--locked", *_TESTS, "--target", _TARGET]
    command += ["--message-format", "json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    made = [json.loads(line).get("executable") for line in done.stdout.splitlines()]
    return [Path(program) for program in made if program]


def run(prefix: Prefix, left_out: list[Entry]) -> int:
    """Build and run the tests; returns 0 if all passed that are not listed.

    Args:
        prefix: Where they run.
        left_out: The list of what cannot, for other tests, too.

    Raises:
        ToolchainError: No toolchain of this machine can build them.
        subprocess.CalledProcessError: The build failed; it has said why.
        LookupError: What is listed is gone.
    """
    names = [name_of(entry) for entry in left_out if entry.file.startswith(_FOLDER)]
    skipped = [argument for name in names for argument in ("--skip", name)]
    # The names of those that are skipped are exact ones, too.
    return max([prefix.run([str(program), "--quiet", "--exact", *skipped]) for program in build()])


def name_of(entry: Entry) -> str:
    """What the test harness calls it: its module and its own name."""
    file, _, name = entry.tests.partition("::")
    if not re.search(rf"^fn {re.escape(name)}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE):
        raise LookupError(f"listed, but there is no such test: {entry.tests}")
    return f"{Path(file).stem}::{name}"
