"""The sentinel for what is left out."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from codex_app_server import OMIT, Omit


@pytest.mark.parametrize(
    "again",
    [
        lambda one: type(one)(),
        copy.copy,
        copy.deepcopy,
        *(lambda one, level=level: pickle.loads(pickle.dumps(one, level)) for level in range(6)),  # noqa: S301
    ],
)
def test_there_is_one(again: Any) -> None:
    assert again(OMIT) is OMIT


def test_it_is_falsy_and_says_its_name() -> None:
    assert not OMIT
    assert repr(OMIT) == "OMIT"
    assert isinstance(OMIT, Omit)
    assert OMIT is not None
    assert OMIT != None  # noqa: E711


def test_it_takes_no_attributes() -> None:
    with pytest.raises(AttributeError):
        OMIT.value = 1  # type: ignore[attr-defined]
