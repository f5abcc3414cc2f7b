"""Runs the scenarios on one client of one package.

`python -m tests.differential.child openai_codex async FOLDER` keeps in FOLDER what the client sends. It
prints one line of JSON per scenario. Each has a thread of its own and may take a while; one that
does not end is noted as such and left behind, and whoever started this process ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codex_app_server.testing import OfflineModel
from tests.differential.scenarios import HOME_OF_ITS_OWN, ONE_AT_A_TIME, SCENARIOS, SCRIPTS, SYNC_ONLY
from tests.differential.session import Session

PATIENCE_S = 20.0


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """Wait until no other process runs a scenario of those that cannot share the machine."""
    if name not in ONE_AT_A_TIME:
        yield
        return
    with (Path(tempfile.gettempdir()) / "one-scenario-at-a-time.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def model_for(name: str, shared: OfflineModel) -> Iterator[OfflineModel]:
    """The model that all scenarios share, or one with a home of its own for what looks around in it."""
    if name in HOME_OF_ITS_OWN:
        with OfflineModel(SCRIPTS.get(name)) as model:
            yield model
    else:
        shared.reset(SCRIPTS.get(name))
        yield shared


def outcome(package: str, is_async: bool, name: str, folder: Path, shared: OfflineModel) -> dict[str, Any]:
    """What came of one scenario."""
    found: dict[str, Any] = {}

    def work() -> None:
        try:
            with alone(name), model_for(name, shared) as model:
                session = Session(package, is_async, model, folder / f"{name}.sent")
                found.update(asyncio.run(session.run(SCENARIOS[name])))
        except BaseException:
            found["broke"] = traceback.format_exc()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    return {"hangs": True} if thread.is_alive() else found


def main() -> None:
    package, kind, folder = sys.argv[1:4]
    with OfflineModel() as shared:
        names = [name for name in SCENARIOS if kind == "sync" or name not in SYNC_ONLY]
        for name in sys.argv[4:] or names:
            found = outcome(package, kind == "async", name, Path(folder), shared)
            print(json.dumps([name, found]), flush=True)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
