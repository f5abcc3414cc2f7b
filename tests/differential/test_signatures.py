"""A program finds the official names here, and calls them as it does there.

What differs stands in a table, and nothing else may. So this fails when a version of the official
package adds or changes something, when ours does, and when a difference is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import openai_codex
import openai_codex.client
import openai_codex.generated.v2_all
import openai_codex.types
import pytest

from scripts.release.project import Project
from tests.differential.surface import compare, differences, public

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "migration.md"

APPROVED = "Nothing is approved behind your back"
A_STREAM = "A stream is an object"
NOT_HERE = "What is not here"

# What stays different: how, and the heading of the guide that says why.
DIFFERENCES: dict[str, tuple[str, str]] = {
    "ApprovalMode": ("other members", APPROVED),
    "api.ApprovalMode": ("other members", APPROVED),
    "TurnHandle.stream": ("generator, not call", A_STREAM),
    "AsyncTurnHandle.stream": ("async generator, not call", A_STREAM),
    "api.TurnHandle.stream": ("generator, not call", A_STREAM),
    "api.AsyncTurnHandle.stream": ("async generator, not call", A_STREAM),
    "models.NotificationPayload": ("missing", NOT_HERE),
}


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    return differences()


def test_nothing_differs_that_is_not_in_the_table(found: dict[str, str]) -> None:
    assert {place: how for place, how in found.items() if place not in DIFFERENCES} == {}


@pytest.mark.parametrize("place", DIFFERENCES)
def test_a_known_difference_is_still_there(place: str, found: dict[str, str]) -> None:
    assert found.get(place) == DIFFERENCES[place][0]


def test_every_difference_is_explained() -> None:
    headings = re.findall(r"^#+ (.+)$", GUIDE.read_text(encoding="utf-8"), re.M)
    assert {heading for _, heading in DIFFERENCES.values()} <= set(headings)


def test_the_official_surface_is_the_one_compared_with() -> None:
    assert openai_codex.__version__ == Project.read().runtime
    assert len(public(openai_codex)) == 37
    assert len(public(openai_codex.types)) == 37
    assert len(public(openai_codex.client)) == 5
    assert len(public(openai_codex.generated.v2_all)) > 1000


class Official:
    held: int = 0

    def __init__(self, name: str, _own: object = None) -> None: ...
    def call(self, first: int, *, second: str = "x") -> None: ...
    async def wait(self) -> None: ...
    def walk(self) -> Iterator[int]:
        yield 1


class Same(Official):
    def __init__(self, name: str, *, more: int = 0) -> None: ...
    def call(self, first: int, *, more: int = 0, second: str = "x") -> None: ...


class Renamed(Official):
    def call(self, one: int, *, second: str = "x") -> None: ...


class OtherDefault(Official):
    def call(self, first: int, *, second: str = "y") -> None: ...


class OtherKind(Official):
    def call(self, first: int, second: str = "x") -> None: ...


class Demanding(Official):
    def call(self, first: int, *, more: int, second: str = "x") -> None: ...  # type: ignore[override]


class Blocking(Official):
    def wait(self) -> None: ...  # type: ignore[override]


class Plain(Official):
    def walk(self) -> Iterator[int]:
        return iter([1])


class Colour(Enum):
    red = "red"


class OtherColour(Enum):
    red = "rouge"


class Lost(Exception):
    pass


class Found(LookupError):
    pass


@pytest.mark.parametrize(
    ("official", "ours", "place"),
    [
        (Official, Same, None),
        (Official, Renamed, "X.call"),
        (Official, OtherDefault, "X.call"),
        (Official, OtherKind, "X.call"),
        (Official, Demanding, "X.call"),
        (Official, Blocking, "X.wait"),
        (Official, Plain, "X.walk"),
        (Official, object, "X.call"),
        (Official, 3, "X"),
        (Colour, OtherColour, "X"),
        (Found, Lost, "X"),
        (Lost, Found, None),
        (len, 3, "X"),
    ],
)
def test_the_comparison_sees_every_kind_of_difference(official: Any, ours: Any, place: str | None) -> None:
    assert (place in dict(compare("X", official, ours))) == (place is not None)
    if place is None:
        assert not list(compare("X", official, ours))
