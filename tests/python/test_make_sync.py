"""The threads' shell is made from the asyncio shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import make_sync

SCRIPT = Path(make_sync.__file__)


# It starts a formatter for each file.
@pytest.mark.timeout(300)
def test_the_made_files_are_what_the_rules_make() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("async def f(): await g()\n", "def f(): g()\n"),
        ("async with a as b: pass\n", "with a as b: pass\n"),
        ("x = [e async for e in s]\n", "x = [e for e in s]\n"),
        ("return await (await a()).b()\n", "return (a()).b()\n"),
        ("class AsyncCodex(_AsyncBase): pass\n", "class Codex(_Base): pass\n"),
        (
            "async def __aenter__(self): raise StopAsyncIteration\n",
            "def __enter__(self): raise StopIteration\n",
        ),
        ("def f(_codex: AsyncCodex): pass\n", "def f(_client: Codex): pass\n"),
        ("from ._async.x import AsyncX\n", "from ._sync.x import X\n"),
        (
            '"""Async form of `X`. Say `await x` in `async with AsyncCodex()`."""\n',
            '"""Say `x` in `with Codex()`."""\n',
        ),
        ("asynchronous = awaited\n", "asynchronous = awaited\n"),
        ("x = 1 + \\\n    2\n", "x = 1 + \\\n    2\n"),
    ],
)
def test_words_are_replaced_by_token(source: str, made: str) -> None:
    assert make_sync.rewrite(source) == made


def test_lines_of_one_shell_only_are_chosen() -> None:
    source = "a\n    b  # async only\n    # sync only: c\nd\n"
    assert make_sync.select_lines(source) == "a\n    c\nd\n"
