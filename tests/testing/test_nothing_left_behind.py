"""After the model: no thread, descriptor, process or directory, however it ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_app_server import Codex
from codex_app_server.testing import Answer, ModelRequest, OfflineModel, OfflineModelError, Stall
from tests.leaks import Footprint
from tests.processes import KILLED, descendants, is_running, kill


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Where the model makes its temporary home; empty again at the end."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_model_with_a_turn_leaves_nothing_behind(directory: Path) -> None:
    def responder(request: ModelRequest) -> str:
        return request.prompt

    with OfflineModel(responder) as model, Codex(model.config()) as codex:
        codex.thread_start().run("go")
    before = Footprint.settled()
    for _ in range(3):
        with OfflineModel(responder) as model, Codex(model.config()) as codex:
            codex.thread_start().run("go")
            assert list(directory.iterdir())
        assert list(directory.iterdir()) == []
    Footprint.take().assert_no_more_than(before)


def test_a_model_with_stalled_and_held_answers_leaves_nothing_behind(directory: Path) -> None:
    before = Footprint.settled()
    with OfflineModel(Answer("x", Stall())) as model, Codex(model.config()) as codex:
        codex.thread_start().turn("stalls")
        model.wait_for_requests(1)
        model.hold()
        codex.thread_start().turn("is held")
        model.wait_for_requests(2)
    Footprint.take().assert_no_more_than(before)


def test_an_event_loops_model_leaves_nothing_behind(directory: Path) -> None:
    async def use() -> None:
        async with OfflineModel() as model:
            await model.wait_for_requests_async(0)

    asyncio.run(use())
    before = Footprint.settled()
    for _ in range(3):
        asyncio.run(use())
    Footprint.take().assert_no_more_than(before)


def test_an_error_in_the_block_passes_through_and_everything_is_removed(directory: Path) -> None:
    before = Footprint.settled()
    with pytest.raises(KeyError, match="mine"), OfflineModel():
        raise KeyError("mine")
    Footprint.take().assert_no_more_than(before)


def test_a_server_that_dies_is_an_error_and_leaves_nothing_behind(directory: Path) -> None:
    before = Footprint.settled()
    with OfflineModel() as model:
        (server,) = descendants(os.getpid()) - before.processes
        kill(server)
        with pytest.raises(OfflineModelError, match=rf"server process ended \(exit status {KILLED}\)"):
            model.wait_for_requests(1)
        with pytest.raises(OfflineModelError, match="closed"):
            model.hold()
    Footprint.take().assert_no_more_than(before)


def test_a_server_that_hangs_is_ended_the_hard_way(directory: Path) -> None:
    before = Footprint.settled()
    with OfflineModel():
        (server,) = descendants(os.getpid()) - before.processes
        os.kill(server, signal.SIGSTOP)
    Footprint.take().assert_no_more_than(before)


def test_a_close_in_the_middle_of_a_wait_ends_the_wait(directory: Path) -> None:
    async def use() -> None:
        async with OfflineModel() as model:
            waiting = asyncio.create_task(model.wait_for_requests_async(1))
            await asyncio.sleep(0)
        with pytest.raises(OfflineModelError, match="ended"):
            await waiting

    asyncio.run(use())


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(directory: Path) -> None:
    with OfflineModel():
        (server,) = descendants(os.getpid())
        assert os.getsid(server) == server


_OWNER = """
import sys, tempfile
from pathlib import Path
tempfile.tempdir = sys.argv[1]
from codex_app_server import Codex
from codex_app_server.testing import Answer, Message, OfflineModel
with OfflineModel(Answer(Message("word " * 5000, chunk_delay_s=0.001))) as model:
    (model.workspace / "link").symlink_to(sys.argv[2])
    if "and a turn" in sys.argv:
        codex = Codex(model.config()).__enter__()
        handle = codex.thread_start().turn("go")
        model.wait_for_requests(1)
    print(model.codex_home.parent, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def _owner(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A program that owns a model, and the model's home."""
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as owner:
        assert owner.stdout is not None
        yield owner, Path(owner.stdout.readline().strip())


@pytest.mark.parametrize("what", ["a model", "and a turn"])
def test_the_server_and_the_home_go_when_the_owner_is_killed(tmp_path: Path, what: str) -> None:
    temporary, others = tmp_path / "temporary", tmp_path / "others"
    for made in (temporary, others):
        made.mkdir()
    (others / "file").touch()
    with _owner(temporary, others, what) as (owner, home):
        assert home.is_dir()
        processes = descendants(owner.pid)
        owner.kill()
        owner.wait()
    Footprint.wait_until(lambda: not any(map(is_running, processes)))
    assert list(temporary.iterdir()) == []
    assert (others / "file").exists(), "what the home links to is not the model's"


@pytest.mark.parametrize("taken_by", ["a link", "a directory"])
def test_what_took_the_homes_name_stays_when_the_owner_is_killed(tmp_path: Path, taken_by: str) -> None:
    temporary, others = tmp_path / "temporary", tmp_path / "others"
    for made in (temporary, others):
        made.mkdir()
    (others / "file").touch()
    with _owner(temporary, others) as (owner, home):
        processes = descendants(owner.pid)
        home.rename(tmp_path / "renamed")
        if taken_by == "a link":
            home.symlink_to(others)
        else:
            others.rename(home)
        owner.kill()
        owner.wait()
    Footprint.wait_until(lambda: not any(map(is_running, processes)))
    assert (home / "file").exists()
