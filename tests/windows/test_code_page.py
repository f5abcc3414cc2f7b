"""Texts and paths with letters that the code page of the system does not have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LETTERS = "ä€😀"

# What it prints is the same in every code page.
PROGRAM = """
import locale, sys, tempfile
from codex_app_server import Codex
from codex_app_server.testing import OfflineModel

folder, letters = sys.argv[1:]
tempfile.tempdir = folder
with OfflineModel() as model, Codex(model.config()) as codex:
    answer = codex.thread_start().run(letters).final_response
    asked = model.requests[0]
    print(ascii([
        locale.getpreferredencoding(False),
        asked.prompt == answer == letters,
        str(model.workspace).startswith(folder),
        f"<cwd>{model.workspace}</cwd>" in str(asked.input[:-1]).replace(r"\\\\", "\\\\"),
    ]))
"""


def test_a_prompt_and_a_path_arrive_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path.resolve() / LETTERS
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), LETTERS],
        env={**os.environ, "PYTHONUTF8": "0"},
        capture_output=True,
        encoding="ascii",
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == "['cp1252', True, True, True]\n"
    assert list(folder.iterdir()) == []
