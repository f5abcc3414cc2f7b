"""The demonstration, run as a person runs it: in a pipe, without a login, with one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from codex_app_server.testing import Answer, HttpFailure, OfflineModel
from examples.demo.board import Board, Lane, Phase, percentile
from examples.demo.screen import Wall, sparkline
from examples.demo.stories import Story
from tests.examples.demonstration import COMMAND, ROOT, left_nothing_behind


def run(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_in_a_pipe_fifty_turns_are_plain_lines_and_a_table() -> None:
    with left_nothing_behind():
        done = run("--turns", "50", "--pace", "0.3")
    assert (done.stderr, done.returncode) == ("", 0)
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert "50 of 50 completed" in done.stdout
    assert "50 of 50 arrived word for word" in done.stdout
    assert re.search(r"first token │ p50 \d+ ms, p99 \d+ ms, max \d+ ms", done.stdout)
    known = r"\d+ MiB this program, \d+ MiB the runtime"
    assert re.search("not known" if sys.platform == "win32" else known, done.stdout)
    assert re.search(r" 100%  +0 streaming  +50 finished ", done.stdout)
    # The streamed answer, wrapped between words.
    assert "Nobody queued; nobody raised their voice." in " ".join(done.stdout.split())
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_live_without_a_login_says_what_to_do(tmp_path: Path) -> None:
    done = run("--live", env={"CODEX_HOME": str(tmp_path)})
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith(f"demo: there is no Codex login in {tmp_path}. Log in with `")
    assert done.stderr.count("\n") == 1


def test_live_with_a_login_that_cannot_be_looked_up_says_why() -> None:
    done = run("--live", env={"CODEX_HOME": "/nowhere"})
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("demo: the Codex login cannot be looked up: ")
    assert "/nowhere" in done.stderr
    assert done.stderr.count("\n") == 1


def test_live_says_what_it_will_do_and_uses_the_login() -> None:
    with OfflineModel("A short story.") as model:
        log_in(model)
        done = run("--live", env=model.env)
        assert (done.stderr, done.returncode) == ("", 0)
        assert done.stdout.startswith(
            " This asks your own Codex login for 8 short stories and one paragraph.\n"
        )
        assert "8 of 8 completed" in done.stdout
        assert len(model.requests) == 9


def test_turns_that_all_fail_end_it_with_one_clear_line() -> None:
    with OfflineModel(Answer(HttpFailure(429, type="usage_limit_reached"))) as model:
        log_in(model)
        done = run("--live", "--turns", "2", env=model.env)
    assert done.returncode == 1
    assert re.fullmatch(r"demo: no turn completed; the first one failed: .*usage limit.*\n", done.stderr)


def log_in(model: OfflineModel) -> None:
    """Put a login for the demonstration's own runtime into the model's private home."""
    (model.codex_home / "auth.json").write_text(json.dumps({"OPENAI_API_KEY": "none"}), encoding="utf-8")


@pytest.mark.parametrize(
    "arguments", [["--turns", "0"], ["--turns", "many"], ["--pace", "-1"], ["--pace", "nan"]]
)
def test_arguments_that_make_no_sense_are_refused(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "must be a number" in done.stderr


def wall_of(turns: int, width: int, height: int) -> list[str]:
    board = Board([Lane(Story(number), len(Story(number).text)) for number in range(turns)], "offline model")
    for number, lane in enumerate(board.lanes):
        lane.phase = list(Phase)[number % len(Phase)]
        lane.text = lane.story.text[: number * 3]
        lane.problem = "the model is on holiday and will not be back soon"
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(Wall(board), height=height)
    return captured.get().splitlines()


@pytest.mark.parametrize("turns", [1, 50, 64, 120, 600, 2000])
@pytest.mark.parametrize(("width", "height"), [(60, 14), (80, 24), (140, 45), (250, 80)])
def test_the_wall_fits_every_screen(turns: int, width: int, height: int) -> None:
    lines = wall_of(turns, width, height)
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    assert f"{turns} turns at once" in lines[1]


def test_every_turn_has_a_cell_of_its_own_on_a_small_screen() -> None:
    marks = "".join(wall_of(64, 80, 24)[3:19])
    assert len(re.findall("[·∴✓✗▁▂▃▄▅▆▇█] ", marks)) == 64


def test_sparkline_shows_the_newest_figures() -> None:
    assert sparkline([1000.0, 1.0, 4.0, 8.0], 3) == "▁▄█"
    assert sparkline([0.0, 0.0], 5) == "▁▁"
    assert sparkline([], 5) == ""


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.001, 1.0)])
def test_percentile_is_the_nearest_rank(share: float, expected: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], share) == expected


def test_stories_differ_and_stay_the_same() -> None:
    prompts = [Story(number).prompt for number in range(2000)]
    assert len(set(prompts)) == 2000
    assert Story(7).text == Story(7).text
    assert len({Story(number).text for number in range(200)}) == 200
