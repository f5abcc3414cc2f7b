"""Worker processes that are spawned, as they always are on Windows: each has a client of its own."""

from __future__ import annotations

import multiprocessing
import os

from codex_app_server import Codex, CodexConfig
from codex_app_server.testing import OfflineModel
from tests.leaks import Footprint


def ask(config: CodexConfig, prompt: str) -> tuple[int, str | None]:
    """What a worker does: it gets the configuration from its parent, and gives back what it was told."""
    with Codex(config) as codex:
        return os.getpid(), codex.thread_start().run(prompt).final_response


def test_every_worker_runs_turns_of_its_own() -> None:
    prompts = [f"prompt {number}" for number in range(4)]
    before = Footprint.settled()
    with OfflineModel() as model, multiprocessing.get_context("spawn").Pool(2) as workers:
        answers = workers.starmap(ask, [(model.config(), prompt) for prompt in prompts], chunksize=1)
        workers.close()
        workers.join()
        assert sorted(request.prompt for request in model.requests) == prompts
    assert [answer for _, answer in answers] == prompts
    assert os.getpid() not in {pid for pid, _ in answers}
    Footprint.take().assert_no_more_than(before)
