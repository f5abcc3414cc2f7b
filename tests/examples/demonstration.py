"""How the demonstration is started, and what it must not leave behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.leaks import Footprint

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-W", "error", "-m", "examples.demo"]


@contextmanager
def left_nothing_behind() -> Iterator[None]:
    before = Footprint.settled()
    yield
    Footprint.take().assert_no_more_than(before)
