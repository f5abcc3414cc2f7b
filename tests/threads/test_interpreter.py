"""A free-threaded interpreter stays one: nothing that comes with the package turns its lock on again."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig

import pytest

# CPython warns where it turns the lock on, because a module has not said that it does without.
PROGRAM = """
import importlib, pkgutil, sys
import aiohttp
import codex_app_server
from codex_app_server import Codex
from codex_app_server.testing import OfflineModel

for module in pkgutil.walk_packages(codex_app_server.__path__, "codex_app_server."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
with OfflineModel() as model, Codex(model.config()) as codex:
    print(codex.thread_start().run("Hi").final_response, sys._is_gil_enabled())
"""


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this interpreter has a lock")
def test_nothing_that_is_imported_needs_the_interpreters_lock() -> None:
    # Without the variable that would leave the lock off, whatever a module says.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env=environment | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "Hi False"), done.stderr
